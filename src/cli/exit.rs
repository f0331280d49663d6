//! The one table from kinds of errors to exit statuses.

use crate::{Error, ErrorKind};
use std::process::ExitCode;

/// Bad input data, or any ordinary failure.
pub(crate) const FAILURE: u8 = 1;
/// The command line cannot be understood.
pub(crate) const USAGE: u8 = 2;
/// A table or model does not fit.
pub(crate) const MISMATCH: u8 = 3;
/// Memory exhausted: schedulers retry this with more.
pub(crate) const MEMORY: u8 = 137;

/// What stands above the exit statuses.
pub(crate) const STATUSES_TITLE: &str = "Exit statuses:\n";

/// The exit statuses, as `--help` and the manual show them.
pub(crate) const STATUSES: &str =
    "  0    done, outputs complete and in place (also when the reader of stdout went away)
  1    bad input data, or any ordinary failure
  2    usage
  3    a table or model does not fit: both values are named
  101  a bug in this program
  137  memory exhausted: try again with more
  130, 143  interrupted, terminated";

/// The exit status of an error.
#[must_use]
pub(crate) fn status(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Data => FAILURE,
        ErrorKind::Usage => USAGE,
        ErrorKind::Mismatch => MISMATCH,
        ErrorKind::Memory => MEMORY,
        ErrorKind::BrokenPipe => 0,
    }
}

/// Prints an error and returns its exit status.
pub(super) fn report(name: &str, error: &Error) -> ExitCode {
    super::log::error(name, &error.to_string());
    ExitCode::from(status(error.kind()))
}

/// Adds the exit statuses below the example that the tool's own help ends with.
pub(super) fn with_statuses(command: clap::Command) -> clap::Command {
    let example = command.get_after_help().map(ToString::to_string);
    let statuses = format!("{STATUSES_TITLE}{STATUSES}");
    let text = example.map_or_else(|| statuses.clone(), |e| format!("{e}\n\n{statuses}"));
    command.after_help(text)
}
