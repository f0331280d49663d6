//! What can be wrong with a FASTA file.

use crate::error::{Classify, ErrorKind};
use std::io;

/// What can be wrong with a FASTA file.
#[derive(Debug, thiserror::Error)]
pub enum FastaError {
    /// The file does not begin with a header.
    #[error("line {line}: expected a FASTA header ('>'), found '{found}'")]
    NoHeader {
        /// Line, from 1.
        line: u64,
        /// How it begins.
        found: String,
    },
    /// A header without a name.
    #[error("line {line}: record {record} has no id behind '>'")]
    NoId {
        /// Line of the header, from 1.
        line: u64,
        /// Number of the record, from 1.
        record: u64,
    },
    /// A header whose id is no text.
    #[error("line {line}: the id '{shown}' of record {record} is not valid UTF-8")]
    Encoding {
        /// Line of the header, from 1.
        line: u64,
        /// Number of the record, from 1.
        record: u64,
        /// The id, with a sign in place of what is no text.
        shown: String,
    },
    /// A record without residues.
    #[error("line {line}: record '{id}' has no residues")]
    Empty {
        /// Line of the header, from 1.
        line: u64,
        /// The record.
        id: String,
    },
    /// A letter that is no residue.
    #[error("line {line}: record '{id}': '{letter}' at position {position} is no residue")]
    Letter {
        /// Line of the header, from 1.
        line: u64,
        /// The record.
        id: String,
        /// The letter.
        letter: char,
        /// Position in the sequence, from 1.
        position: usize,
    },
    /// A gap of an alignment.
    #[error(
        "line {line}: record '{id}': '{letter}' at position {position} is a gap; give the sequence without its gaps, \
         since positions count residues"
    )]
    Gap {
        /// Line of the header, from 1.
        line: u64,
        /// The record.
        id: String,
        /// `-` or `.`.
        letter: char,
        /// Position in the sequence, from 1.
        position: usize,
    },
    /// A letter of a structure that nobody knows.
    #[error(
        "line {line}: record '{id}': '{letter}' at position {position} is no 3Di letter of a structure"
    )]
    Structure {
        /// Line of the header, from 1.
        line: u64,
        /// The record.
        id: String,
        /// The letter.
        letter: char,
        /// Position in the sequence, from 1.
        position: usize,
    },
    /// Two records of one name.
    #[error("line {line}: the id '{id}' occurs twice")]
    Duplicate {
        /// Line of the second header, from 1.
        line: u64,
        /// The id.
        id: String,
    },
    /// A sequence longer than positions can count.
    #[error("line {line}: record '{id}' is longer than 2^31 residues")]
    TooLong {
        /// Line of the header, from 1.
        line: u64,
        /// The record.
        id: String,
    },
    /// Reading failed, or a compressed file is cut short.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FastaError {
    /// Whether the rest of the file can still be read (for `--on-bad skip`).
    #[must_use]
    pub fn is_of_one_record(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::NoHeader { .. })
    }
}

impl Classify for FastaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(e) => Classify::kind(e),
            _ => ErrorKind::Data,
        }
    }
}
