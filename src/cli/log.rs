//! One line an event, on standard error.

use std::{
    io::Write,
    sync::{
        OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

/// What is printed: 0 errors, 1 also warnings and events, 2 also details.
static LEVEL: AtomicU8 = AtomicU8::new(1);
static NAME: OnceLock<&'static str> = OnceLock::new();

/// Begins every line with this name.
pub(super) fn name_after(tool: &'static str) {
    NAME.get_or_init(|| tool);
}

pub(super) fn set_level(quiet: bool, verbose: bool) {
    LEVEL.store(
        if quiet { 0 } else { 1 + u8::from(verbose) },
        Ordering::Relaxed,
    );
}

/// A line, however many are written at once; a closed standard error is ignored.
fn print(name: &str, text: &str) {
    let line = format!("{name}: {text}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// The executable's name, as soon as it is known.
pub(super) fn name() -> &'static str {
    NAME.get().copied().unwrap_or("protsae")
}

/// An error.
pub(super) fn error(name: &str, text: &str) {
    print(name, &format!("error: {text}"));
}

/// Something that the user should know and that ends nothing.
pub(crate) fn warn(text: &str) {
    if LEVEL.load(Ordering::Relaxed) >= 1 {
        print(name(), &format!("warning: {text}"));
    }
}

/// A warning that `--quiet` does not silence either: the outputs are whole but may hold nothing.
pub(crate) fn warn_always(text: &str) {
    print(name(), &format!("warning: {text}"));
}

/// An event.
pub(crate) fn info(text: &str) {
    if LEVEL.load(Ordering::Relaxed) >= 1 {
        print(name(), text);
    }
}

/// A detail, printed with `-v`.
pub(crate) fn detail(text: &str) {
    if LEVEL.load(Ordering::Relaxed) >= 2 {
        print(name(), text);
    }
}

/// Whether events are printed at all.
#[must_use]
pub(super) fn is_quiet() -> bool {
    LEVEL.load(Ordering::Relaxed) == 0
}

/// A line of the plan that `--dry-run` prints, on standard output.
///
/// # Errors
/// Where standard output is closed.
pub(crate) fn plan(text: &str) -> std::io::Result<()> {
    super::standard_streams::demand_output()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
}
