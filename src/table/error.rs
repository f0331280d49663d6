//! What can be wrong with a table.

use crate::error::{Classify, ErrorKind};
use arrow_schema::{ArrowError, DataType};
use std::io;

/// An error of reading or writing a table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Neither an Arrow IPC file nor an Arrow IPC stream.
    #[error("not an Arrow IPC file or stream (it begins with {0:02x?})")]
    NotArrow(Vec<u8>),
    /// The end of the table is missing.
    #[error("truncated table: {0}; the step that wrote it did not finish")]
    Truncated(&'static str),
    /// Something follows the end of the table.
    #[error(
        "bytes after the end of the table ({0}); give several tables by repeating the option instead of concatenating them"
    )]
    TrailingBytes(&'static str),
    /// A block of the file lies outside of it.
    #[error("damaged table: block {block} spans bytes {start}..{end} of a body of {len} bytes")]
    BadBlock {
        /// Index of the block.
        block: usize,
        /// First byte.
        start: i64,
        /// Byte behind the last.
        end: i64,
        /// Bytes that the body has.
        len: usize,
    },
    /// A compressed buffer claims to hold more than its bytes can.
    #[error(
        "damaged table: a compressed buffer of {bytes} bytes claims to hold {claimed} bytes, at most {most} are possible"
    )]
    Inflated {
        /// Bytes that the buffer has.
        bytes: usize,
        /// Bytes that it claims to hold.
        claimed: u64,
        /// Bytes that it can hold.
        most: u64,
    },
    /// A column that must be there is not.
    #[error("no column '{column}'; the columns are: {found}")]
    MissingColumn {
        /// Name of the missing column.
        column: &'static str,
        /// Names of the columns that are there.
        found: String,
    },
    /// Several columns could be the one that must be there.
    #[error(
        "no column '{column}', and two that hold {what}: '{one}' and '{other}'; rename the one that is meant"
    )]
    SeveralColumns {
        /// Name of the missing column.
        column: &'static str,
        /// What such a column holds.
        what: &'static str,
        /// Name of the first that could be it.
        one: String,
        /// Name of the second.
        other: String,
    },
    /// A column has a type that cannot be read as what it should hold.
    #[error("column '{column}' has type {found}, expected {expected}")]
    ColumnType {
        /// Name of the column.
        column: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: Box<DataType>,
    },
    /// A value is null where none may be.
    #[error("column '{column}' is null in row {row}")]
    Null {
        /// Name of the column.
        column: &'static str,
        /// Row in the batch, from 0.
        row: usize,
    },
    /// A value does not fit.
    #[error("column '{column}', row {row}: {problem}")]
    Value {
        /// Name of the column.
        column: &'static str,
        /// Row in the batch, from 0.
        row: usize,
        /// What is wrong.
        problem: String,
    },
    /// Metadata that cannot be understood.
    #[error("metadata '{key}' is '{value}', expected {expected}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A table of another kind or version.
    #[error("this is a table of format '{found}', expected '{expected}'")]
    Format {
        /// The format that was found.
        found: String,
        /// The format that was expected.
        expected: &'static str,
    },
    /// Two things that must agree in their identity do not.
    #[error("{what} differs: {left_name} has '{left}', {right_name} has '{right}'")]
    Identity {
        /// Which part of the identity.
        what: &'static str,
        /// Name of the first thing.
        left_name: String,
        /// Its value.
        left: String,
        /// Name of the second thing.
        right_name: String,
        /// Its value.
        right: String,
    },
    /// A protein's rows are not together.
    #[error("protein '{protein}' occurs twice: its rows must be together and in one table")]
    Scattered {
        /// The protein.
        protein: String,
    },
    /// Arrow's own reader or writer failed.
    #[error("arrow: {0}")]
    Arrow(String),
    /// Parquet's own reader or writer failed.
    #[error("parquet: {0}")]
    Parquet(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<ArrowError> for TableError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Truncated("it ends inside a message")
            }
            // an error of this crate comes through Arrow's reader as it was
            ArrowError::IoError(_, e) => e.downcast().unwrap_or_else(Self::Io),
            // also where Arrow only passes it on
            ArrowError::ExternalError(e) => match e.downcast::<io::Error>() {
                Ok(e) => Self::Io(*e),
                Err(e) => Self::Arrow(e.to_string()),
            },
            ArrowError::MemoryError(m) => Self::Io(io::Error::new(io::ErrorKind::OutOfMemory, m)),
            other => Self::Arrow(other.to_string()),
        }
    }
}

impl From<TableError> for io::Error {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Io(error) => error,
            other => Self::other(other),
        }
    }
}

impl Classify for TableError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Format { .. } | Self::Identity { .. } => ErrorKind::Mismatch,
            Self::Io(e) => Classify::kind(e),
            _ => ErrorKind::Data,
        }
    }
}
