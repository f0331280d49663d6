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
        kind_of(self)
    }
}

/// The kind of an error of a library, by the failed read or write that lies beneath it, however often
/// it was wrapped on its way up.
#[must_use]
pub fn kind_of(error: &(dyn StdError + 'static)) -> ErrorKind {
    match io_kind(error) {
        Some(io::ErrorKind::BrokenPipe) => ErrorKind::BrokenPipe,
        Some(io::ErrorKind::OutOfMemory) => ErrorKind::Memory,
        _ => ErrorKind::Data,
    }
}

/// What the failed read or write beneath an error is; none where there is none.
fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(kind) = own_io_kind(error) {
            return Some(kind);
        }
        next = error.source();
    }
    None
}

/// What zstd says where it finds no memory; its crate hands on the words alone.
const ZSTD_MEMORY: &str = "Allocation error : not enough memory";

/// [`io_kind`] of an error itself. These libraries keep the failure where `source` does not lead.
fn own_io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // one that only carries another says less than that one
        let inner = error.get_ref().and_then(|inner| io_kind(inner));
        let says_memory = |inner: &(dyn StdError + Send + Sync)| inner.to_string() == ZSTD_MEMORY;
        if inner.is_none() && error.get_ref().is_some_and(says_memory) {
            return Some(io::ErrorKind::OutOfMemory);
        }
        return inner.or(Some(error.kind()));
    }
    if let Some(error) = error.downcast_ref::<csv::Error>() {
        return match error.kind() {
            csv::ErrorKind::Io(error) => io_kind(error),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<serde_json::Error>() {
        return error.io_error_kind();
    }
    match error.downcast_ref::<candle_core::Error>()? {
        candle_core::Error::Io(error) => io_kind(error),
        candle_core::Error::WithPath { inner, .. }
        | candle_core::Error::WithBacktrace { inner, .. }
        | candle_core::Error::Context { inner, .. } => own_io_kind(&**inner),
        _ => None,
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

    /// The cause, if it is of this type.
    #[must_use]
    pub fn find<E: StdError + 'static>(&self) -> Option<&E> {
        self.source.downcast_ref()
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

    /// A writer whose reader went away.
    struct Closed;

    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_keeps_its_kind_in_what_wraps_it() {
        let mut writer = csv::Writer::from_writer(Closed);
        let wrote = writer
            .write_record(["a"])
            .and_then(|()| Ok(writer.flush()?));
        let csv = wrote.unwrap_err();
        assert_eq!(kind_of(&csv), ErrorKind::BrokenPipe);
        let other = io::Error::other(csv);
        assert_eq!(Error::from(other).kind(), ErrorKind::BrokenPipe);
        let json = serde_json::to_writer(Closed, &1).unwrap_err();
        assert_eq!(kind_of(&json), ErrorKind::BrokenPipe);
        let twice = io::Error::other(io::Error::other(json));
        assert_eq!(Error::from(twice).kind(), ErrorKind::BrokenPipe);
        let memory = io::Error::from(io::ErrorKind::OutOfMemory);
        let candle = candle_core::Error::Io(io::Error::other(memory)).bt();
        assert_eq!(kind_of(&candle), ErrorKind::Memory);
        let zstd = io::Error::other(io::Error::other(ZSTD_MEMORY));
        assert_eq!(Error::from(zstd).kind(), ErrorKind::Memory);
        let full = io::Error::other(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(Error::from(full).kind(), ErrorKind::Data);
    }
}
