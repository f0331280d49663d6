//! What can be wrong with a text file that claims to be one of ours.

use crate::error::{Classify, ErrorKind};
use arrow_schema::DataType;

/// An error of a check.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    /// A line that does not say what it should.
    #[error("line {line}: {what} is '{found}', expected {expected}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Which part of it.
        what: String,
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// A cell of a table without lines.
    #[error("row {row}: {column} is '{found}', expected {expected}")]
    Cell {
        /// Its row, from 1.
        row: usize,
        /// Its column.
        column: String,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// A column whose type is another.
    #[error("column '{column}' has type {found}, expected {expected}")]
    ColumnType {
        /// Its name.
        column: String,
        /// What it is.
        found: Box<DataType>,
        /// What it should be.
        expected: Box<DataType>,
    },
    /// Columns of no table that is known.
    #[error("the columns are '{found}', expected '{ranges}' of ranges or '{calls}' of calls")]
    Columns {
        /// Names of those that are there.
        found: String,
        /// Names of those of ranges.
        ranges: String,
        /// Names of those of calls.
        calls: String,
    },
    /// No JSON, or none of this kind.
    #[error("{}{source}", at(*.line))]
    Json {
        /// Its line, where each line is one.
        line: Option<usize>,
        /// The reason.
        source: serde_json::Error,
    },
    /// A text of lines that ends within one.
    #[error("its last line has no end, so it was probably cut")]
    Cut,
    /// A field that nothing reads.
    #[error("{}unknown field '{field}'", at(*.line))]
    UnknownField {
        /// Its line, where each line is one.
        line: Option<usize>,
        /// Its name, with those of the fields that it is in.
        field: String,
    },
    /// A value of the wrong kind.
    #[error("'{field}' is {found}, expected {expected}")]
    Value {
        /// Its name.
        field: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A column that nothing reads.
    #[error("unknown column '{column}'; the columns are: {known}")]
    UnknownColumn {
        /// Its name.
        column: String,
        /// Names of those that are read.
        known: String,
    },
    /// A format that is not known, or another version.
    #[error("format '{0}' is not known here")]
    Format(String),
    /// Nothing says what it is.
    #[error(
        "nothing tells what it is: no table, no header line of ours, and no 'format' (configurations are named <tool>.yaml)"
    )]
    Unknown,
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

impl Classify for CheckError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Format(_) => ErrorKind::Mismatch,
            _ => ErrorKind::Data,
        }
    }
}

/// Demands something of a part of a line.
pub(super) fn demand(
    holds: bool,
    line: usize,
    what: &str,
    found: &str,
    expected: &str,
) -> Result<(), CheckError> {
    if holds {
        return Ok(());
    }
    Err(CheckError::Line {
        line,
        what: what.into(),
        found: found.into(),
        expected: expected.into(),
    })
}
