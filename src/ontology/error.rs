//! What can be wrong with an ontology.

use crate::error::{Classify, ErrorKind};
use std::io;

/// An ontology that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OntologyError {
    /// A clause that the format does not allow.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line of the file, from 1.
        line: usize,
        /// What was expected.
        message: String,
    },
    /// The file holds no term: it is something else, or was cut off.
    #[error("no [Term] stanza found: an OBO ontology (format 1.2 or 1.4) is wanted here")]
    NoTerms,
    /// An OBO Graphs document that cannot be read.
    #[error("not an OBO Graphs document: {message}")]
    Graphs {
        /// What was expected.
        message: String,
    },
    /// Terms that are each other's ancestors.
    #[error("the ontology has a cycle: {path}; propagate over fewer relations (--relations is_a)")]
    Cycle {
        /// The cycle, `A is_a B is_a A`.
        path: String,
    },
    /// A line that is no axiom.
    #[error("line {line}: {text:?} is no axiom in normal form")]
    Axiom {
        /// Line of the file, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// The text could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Classify for OntologyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => Classify::kind(error),
            _ => ErrorKind::Data,
        }
    }
}
