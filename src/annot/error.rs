//! What can be wrong with annotations.

use crate::error::{Classify, ErrorKind};
use std::io;

/// Annotations that cannot be used; the caller adds the name of the file.
#[derive(Debug, thiserror::Error)]
pub enum AnnotError {
    /// A record that its format does not allow.
    #[error("line {line}: {message}")]
    Record {
        /// Line of the file, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
    /// A label outside its protein.
    #[error(
        "line {line}: {protein} has a label at residue {position}, but its sequence has {length} residues; \
         check that both are of one release, or leave such labels out with --on-bad skip"
    )]
    PastEnd {
        /// Line of the file, from 1.
        line: u64,
        /// Accession.
        protein: String,
        /// The position asked for.
        position: u32,
        /// Length of the sequence.
        length: u32,
    },
    /// A label outside its protein, whose length another input says.
    #[error(
        "{input}: {protein} has a label at residue {position}, but its sequence has {length} residues by another input; \
         check that all are of one release, or leave such labels out with --on-bad skip"
    )]
    PastKnownEnd {
        /// The input.
        input: String,
        /// Accession.
        protein: String,
        /// The position asked for.
        position: u32,
        /// Length of the sequence.
        length: u32,
    },
    /// A record of another sequence than the one given, or than that of a record before.
    #[error(
        "line {line}: {protein}: the {what} of its sequence is {record} here but {sequence} in the sequences given or an \
         earlier record; check that both are of one release, or leave such records out with --on-bad skip"
    )]
    OtherSequence {
        /// Line of the file, from 1.
        line: u64,
        /// Accession.
        protein: String,
        /// Length, CRC64 or MD5.
        what: &'static str,
        /// What the record says.
        record: String,
        /// What the sequence says.
        sequence: String,
    },
    /// A record whose own words of its sequence contradict each other, so that its positions cannot be trusted.
    #[error("line {line}: {message}")]
    Numbering {
        /// Line of the file, from 1.
        line: u64,
        /// Accessions of the protein, or of all proteins that the record is about.
        proteins: Vec<String>,
        /// What contradicts what.
        message: String,
    },
    /// The content is of no kind that is known.
    #[error(
        "the kind of annotations cannot be told from the content ({seen}); name it with --annotation-format"
    )]
    UnknownFormat {
        /// What the file begins with.
        seen: String,
    },
    /// A table without a column that it needs.
    #[error("line {line}: no column {wanted}; the header has {found}")]
    Column {
        /// Line of the header.
        line: u64,
        /// What was looked for.
        wanted: String,
        /// The columns there.
        found: String,
    },
    /// Words of an option that cannot be understood.
    #[error("{value:?} is no {what}; known: {known}")]
    Option {
        /// The word.
        value: String,
        /// What was wanted.
        what: &'static str,
        /// What would do.
        known: String,
    },
    /// GO annotations without the ontology that says what they imply.
    #[error(
        "GO annotations were read but no ontology: give --ontology go.obo, or leave go out of --kinds"
    )]
    NoOntology,
    /// The text could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl AnnotError {
    /// A bad record.
    pub(crate) fn record(line: u64, message: impl Into<String>) -> Self {
        Self::Record {
            line,
            message: message.into(),
        }
    }

    /// A record that contradicts itself about the sequence of its proteins.
    pub(crate) fn numbering<'a>(
        line: u64,
        proteins: impl IntoIterator<Item = &'a str>,
        message: impl Into<String>,
    ) -> Self {
        Self::Numbering {
            line,
            proteins: proteins.into_iter().map(str::to_owned).collect(),
            message: message.into(),
        }
    }

    /// Proteins whose positions it proves to be counted along another sequence than theirs.
    pub(crate) fn misnumbered(&self) -> &[String] {
        match self {
            Self::PastEnd { protein, .. } | Self::OtherSequence { protein, .. } => {
                std::slice::from_ref(protein)
            }
            Self::Numbering { proteins, .. } => proteins,
            _ => &[],
        }
    }
}

impl Classify for AnnotError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => Classify::kind(error),
            Self::Option { .. } | Self::NoOntology => ErrorKind::Usage,
            _ => ErrorKind::Data,
        }
    }
}
