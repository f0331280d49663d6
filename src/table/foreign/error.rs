//! What can be wrong with activations of other programs.

use crate::{
    error::{Classify, ErrorKind},
    table::TableError,
};
use std::io;

/// An error of reading or writing activations in a container of other programs.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// A container that is read otherwise, or not at all.
    #[error("{0}")]
    Refused(String),
    /// The header of a `.npy` file cannot be understood.
    #[error("not a .npy file as NumPy writes it: {0}")]
    NpyHeader(String),
    /// An array of another type than numbers of two, four or eight bytes.
    #[error(
        "the array has type '{found}'{why}; expected floating-point numbers of 2, 4 or 8 bytes"
    )]
    NpyType {
        /// The type as the header says it.
        found: String,
        /// What such an array holds.
        why: &'static str,
    },
    /// An array that is not one row after the other.
    #[error(
        "the array of shape {0} is stored column by column (Fortran order); save numpy.ascontiguousarray of it"
    )]
    NpyFortran(String),
    /// An array of another shape.
    #[error("the array has shape {0}, expected (rows, width)")]
    NpyShape(String),
    /// The file ends before its rows do.
    #[error("truncated: its header says {expected} rows, but it ends in row {found} (from 1)")]
    NpyTruncated {
        /// Rows that the header says.
        expected: u64,
        /// The row that is not whole.
        found: u64,
    },
    /// The file does not end where its rows do.
    #[error("bytes after the last of the {rows} rows that its header says")]
    NpyTrailing {
        /// Rows that the header says.
        rows: u64,
    },
    /// A line of a list of proteins.
    #[error("line {line}: {problem}")]
    List {
        /// Line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A dataset of an HDF5 file.
    #[error("dataset '{dataset}': {problem}")]
    Dataset {
        /// Its name.
        dataset: String,
        /// What is wrong.
        problem: String,
    },
    /// HDF5 itself.
    #[error("HDF5: {0}")]
    Hdf5(String),
    /// A table's columns, or its container.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Classify for ForeignError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Table(e) => e.kind(),
            Self::Io(e) => Classify::kind(e),
            _ => ErrorKind::Data,
        }
    }
}
