//! What can be wrong with a structure.

use crate::error::{Classify, ErrorKind};
use std::io;

/// A structure that cannot be used; the caller adds the name of the file.
#[derive(Debug, thiserror::Error)]
pub enum StructureError {
    /// A failed read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// Neither format.
    #[error(
        "neither a PDB nor an mmCIF file: it has no ATOM record and no data_ block with a table atom_site"
    )]
    Unknown,
    /// A record of an atom without its coordinates.
    #[error(
        "line {line}: a record of an atom ends at column {columns}, but its coordinates end at column 54; is the file whole?"
    )]
    Short {
        /// Line of the file, from 1.
        line: u64,
        /// Columns of the line.
        columns: usize,
    },
    /// A number that is none.
    #[error("line {line}: {what} should be a number, not {value:?}")]
    Number {
        /// Line of the file, from 1.
        line: u64,
        /// Which number.
        what: &'static str,
        /// What stands there.
        value: String,
    },
    /// An end before what must come.
    #[error("line {line}: the file ends before {missing}; is it whole?")]
    Cut {
        /// The last line, or the one where the unfinished begins.
        line: u64,
        /// What must come.
        missing: &'static str,
    },
    /// A row of a table that is too short.
    #[error(
        "line {line}: the last row of the table atom_site has {values} values for its {columns} columns; is the file whole?"
    )]
    Row {
        /// Line of the row, from 1.
        line: u64,
        /// Columns of the table.
        columns: usize,
        /// Values of the row.
        values: usize,
    },
    /// A table without a column that is needed.
    #[error("line {line}: the table atom_site has no column {column}")]
    Column {
        /// Line of the table, from 1.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// Nothing to compare with a protein.
    #[error("no chain of at least {least} amino acid residues")]
    NoChain {
        /// Residues that are needed.
        least: usize,
    },
    /// A structure of another protein.
    #[error(
        "it shows another sequence: at best {same} of the {observed} residues of chain {chain:?} ({:.1} %) are those of \
         the protein; {needed} % are needed", percent(*.same, *.observed)
    )]
    Unlike {
        /// The chain that is most like it.
        chain: String,
        /// Residues that are the same.
        same: usize,
        /// Residues that were compared.
        observed: usize,
        /// The share that is needed, in percent.
        needed: usize,
    },
}

fn percent(same: usize, observed: usize) -> f64 {
    100.0 * same as f64 / observed.max(1) as f64
}

impl Classify for StructureError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Read(error) => Classify::kind(error),
            Self::NoChain { .. } | Self::Unlike { .. } => ErrorKind::Mismatch,
            _ => ErrorKind::Data,
        }
    }
}
