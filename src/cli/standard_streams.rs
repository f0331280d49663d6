//! Which standard streams were closed when the process was started.
//!
//! The runtime opens `/dev/null` in their place before `main`, and whoever asked for them would read nothing, or lose
//! what is written, without a word. So they are looked at before the runtime does.

use std::{
    io,
    path::Path,
    sync::atomic::{AtomicU8, Ordering},
};

/// Descriptors of standard input and output.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;

/// A bit for each descriptor that was closed.
static CLOSED: AtomicU8 = AtomicU8::new(0);

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the only moment before the runtime's own is the program's list of initialisers"
)]
mod before_main {
    use super::{CLOSED, Ordering, STDIN, STDOUT};

    // SAFETY: the section holds pointers to functions that the C runtime calls once, before main, on the only thread;
    // this one calls nothing but fcntl, which needs no initialised runtime.
    #[used]
    #[unsafe(link_section = ".init_array")]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        for descriptor in [STDIN, STDOUT] {
            // SAFETY: F_GETFD reads a flag of a descriptor, and fails for one that is not open.
            if unsafe { libc::fcntl(i32::from(descriptor), libc::F_GETFD) } == -1 {
                CLOSED.fetch_or(1 << descriptor, Ordering::Relaxed);
            }
        }
    }
}

fn demand_open(descriptor: u8, name: &str) -> io::Result<()> {
    if CLOSED.load(Ordering::Relaxed) & (1 << descriptor) == 0 {
        return Ok(());
    }
    let text = format!("{name} was closed when the program was started");
    Err(io::Error::new(io::ErrorKind::NotConnected, text))
}

/// Demands that standard input was open.
///
/// # Errors
/// Where it was closed.
pub(super) fn demand_input() -> io::Result<()> {
    demand_open(STDIN, "standard input")
}

/// Demands that standard output was open.
///
/// # Errors
/// Where it was closed.
pub(super) fn demand_output() -> io::Result<()> {
    demand_open(STDOUT, "standard output")
}

/// Demands that a path which names a standard stream names one that was open.
///
/// # Errors
/// Where it was closed.
pub(super) fn demand(path: &Path) -> io::Result<()> {
    match path.to_str() {
        Some("/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") => demand_input(),
        Some("/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => demand_output(),
        _ => Ok(()),
    }
}
