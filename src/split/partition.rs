//! `split.tsv`: which proteins are for training, validation and test.

use crate::{
    error::{Classify, ErrorKind},
    seq::lines::BYTE_ORDER_MARK,
};
use std::{
    collections::HashMap,
    io::{self, BufRead},
};

/// What a protein is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Weights are fitted to it.
    Train,
    /// Models, latents and thresholds are chosen by it.
    Valid,
    /// Scores are reported on it.
    Test,
}

impl Part {
    /// All, in the order of the file format.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// The name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// First line of the file.
pub const HEADER: &str = "protein\tsplit";

/// What can be wrong with a split.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// The header is missing.
    #[error("line 1: expected the header 'protein<TAB>split', found '{0}'")]
    Header(String),
    /// A line that is no pair of a protein and a part.
    #[error("line {line}: '{found}' is no protein and train, valid or test")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What it holds.
        found: String,
    },
    /// A line that is no text.
    #[error("line {line}: not valid UTF-8")]
    Encoding {
        /// Line, from 1.
        line: usize,
    },
    /// A protein twice.
    #[error("line {line}: protein '{protein}' occurs twice")]
    Twice {
        /// Line of the second, from 1.
        line: usize,
        /// The protein.
        protein: String,
    },
    /// Proteins of a table that the split does not list.
    #[error(
        "{count} proteins are not in the split, such as {examples}; leave them out with --on-bad skip"
    )]
    Missing {
        /// How many.
        count: usize,
        /// The first ten.
        examples: String,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Classify for PartitionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(e) => Classify::kind(e),
            _ => ErrorKind::Data,
        }
    }
}

/// The part of each protein.
#[derive(Clone, Debug, Default)]
pub struct Partition {
    parts: HashMap<String, Part>,
}

impl Partition {
    /// Reads the file.
    ///
    /// # Errors
    /// [`PartitionError`] with the line that is wrong.
    pub fn read(input: impl BufRead) -> Result<Self, PartitionError> {
        let mut lines = (1..).zip(input.split(b'\n')).map(|(line, text)| {
            let text = String::from_utf8(text?);
            Ok((line, text.map_err(|_| PartitionError::Encoding { line })?))
        });
        let header: Result<_, PartitionError> = lines.next().transpose();
        let header = header?.map_or(String::new(), |(_, header)| header);
        if header.trim_start_matches(BYTE_ORDER_MARK).trim_end() != HEADER {
            return Err(PartitionError::Header(header));
        }
        let mut parts = HashMap::new();
        for read in lines {
            let (line, text) = read?;
            let fields = text.trim_end().split_once('\t');
            let part = |name| Part::ALL.into_iter().find(|p| p.name() == name);
            let Some((protein, part)) = fields.and_then(|(p, name)| Some((p, part(name)?))) else {
                return Err(PartitionError::Line { line, found: text });
            };
            if parts.insert(protein.to_owned(), part).is_some() {
                let protein = protein.to_owned();
                return Err(PartitionError::Twice { line, protein });
            }
        }
        Ok(Self { parts })
    }

    /// Proteins that have a part.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The part of a protein, if it has one.
    #[must_use]
    pub fn of(&self, protein: &str) -> Option<Part> {
        self.parts.get(protein).copied()
    }

    /// Demands that every protein has a part.
    ///
    /// # Errors
    /// [`PartitionError::Missing`] naming the first ten that have none.
    pub fn check<'a>(
        &self,
        proteins: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), PartitionError> {
        let missing = proteins
            .into_iter()
            .filter(|p| !self.parts.contains_key(*p));
        let missing: Vec<&str> = missing.collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(PartitionError::Missing {
            count: missing.len(),
            examples: missing
                .iter()
                .take(10)
                .copied()
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_errors_name_their_line() {
        let read = |text: &str| Partition::read(text.as_bytes());
        let partition = read("protein\tsplit\nP1\ttrain\nP2\ttest\n").unwrap();
        assert_eq!(
            (partition.of("P2"), partition.of("P3")),
            (Some(Part::Test), None)
        );
        let message = |text| read(text).unwrap_err().to_string();
        let bytes = b"protein\tsplit\nP1\ttrain\nprot\xe9\ttest\n";
        let error = Partition::read(&bytes[..]).unwrap_err();
        assert_eq!(error.to_string(), "line 3: not valid UTF-8");
        assert!(read("\u{feff}protein\tsplit\r\nP1\ttrain\r\n").is_ok());
        assert!(message("P1\ttrain\n").starts_with("line 1: expected the header"));
        assert!(message("protein\tsplit\nP1\ttrial\n").starts_with("line 2: 'P1\ttrial'"));
        assert!(message("protein\tsplit\nP1\ttest\nP1\ttest\n").contains("occurs twice"));
        assert!(
            partition
                .check(["P1", "P9"])
                .unwrap_err()
                .to_string()
                .contains("such as P9")
        );
    }
}
