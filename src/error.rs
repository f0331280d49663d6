//! What every failure has in common: a kind, which decides the exit status, and a message.
//!
//! Each domain has its own error enum (`thiserror`), which says by [`Classify`] what kind each of
//! its variants is; commands return [`Error`], into which all of them convert by `?`.

use std::{error::Error as StdError, fmt, io, path::Path};

/// What kind of failure this is; the command line maps each to one exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Bad input data, or any ordinary failure.
    Data,
    /// The command line or its configuration cannot be understood.
    Usage,
    /// A table or model does not fit this step: format version, width or identity.
    Mismatch,
    /// Memory of the host or the device is exhausted.
    Memory,
    /// The reader of our output went away: not a failure.
    BrokenPipe,
}

/// An error that knows its kind.
pub trait Classify {
    /// The kind of this error.
    fn kind(&self) -> ErrorKind;
}

impl Classify for io::Error {
    fn kind(&self) -> ErrorKind {
        match io::Error::kind(self) {
            io::ErrorKind::BrokenPipe => ErrorKind::BrokenPipe,
            io::ErrorKind::OutOfMemory => ErrorKind::Memory,
            _ => ErrorKind::Data,
        }
    }
}

/// The error of a command: a kind, what was being done, and the cause.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: Vec<String>,
    source: Box<dyn StdError + Send + Sync>,
}

/// The result of a command.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the given kind from a message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            context: Vec::new(),
            source: message.into().into(),
        }
    }

    /// Bad input data.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// A command line that cannot be understood.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A table or model that does not fit.
    pub fn mismatch(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Mismatch, message)
    }

    /// The kind, which decides the exit status.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether it is a failure of reading or writing, of which only the caller knows the file.
    #[must_use]
    pub fn is_io(&self) -> bool {
        self.source.is::<io::Error>()
    }

    /// Prefixes the message with what was being done or read, for example a path.
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context.push(context.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for context in self.context.iter().rev() {
            write!(f, "{context}: ")?;
        }
        write!(f, "{}", self.source)?;
        let mut shown = self.source.to_string();
        let mut cause = self.source.source();
        while let Some(error) = cause {
            // many wrappers repeat their cause in their own message
            let text = error.to_string();
            if !shown.contains(&text) {
                write!(f, ": {text}")?;
                shown.push_str(&text);
            }
            cause = error.source();
        }
        Ok(())
    }
}

impl<E: Classify + StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self {
            kind: error.kind(),
            context: Vec::new(),
            source: Box::new(error),
        }
    }
}

/// The error of a thread that could not be started: there is no memory for it, whatever the system calls that.
#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
pub(crate) fn no_thread(error: io::Error) -> io::Error {
    let text = format!("cannot start a thread: {error}");
    io::Error::new(io::ErrorKind::OutOfMemory, text)
}

/// Adds what was being done to an error on its way up.
pub trait Context<T> {
    /// Names the file that was being read or written.
    ///
    /// # Errors
    /// The error of `self`, prefixed.
    fn path(self, path: &Path) -> Result<T>;

    /// Says what was being done.
    ///
    /// # Errors
    /// The error of `self`, prefixed.
    fn during(self, what: &str) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn path(self, path: &Path) -> Result<T> {
        self.map_err(|e| e.into().context(path.display().to_string()))
    }

    fn during(self, what: &str) -> Result<T> {
        self.map_err(|e| e.into().context(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_reads_from_the_outside_in() {
        let error = Error::data("no sequence")
            .context("record 3")
            .context("a.fa");
        assert_eq!(error.to_string(), "a.fa: record 3: no sequence");
    }

    #[test]
    fn a_broken_pipe_keeps_its_kind() {
        let error = Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
}
