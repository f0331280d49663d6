//! What a structure predictor says of generated sequences, from a table.

use crate::{
    error::{Classify, ErrorKind},
    seq::lines::BYTE_ORDER_MARK,
};
use std::{
    collections::HashMap,
    io::{self, BufRead},
};

/// Columns that are read, in any order, others beside them; the last two may be missing.
pub(crate) const COLUMNS: [&str; 3] = ["id", "tm_score", "plddt"];

/// Scores of one sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Structure {
    /// TM-score to the structure of the original.
    pub(crate) tm_score: Option<f64>,
    /// Mean pLDDT.
    pub(crate) plddt: Option<f64>,
}

/// What can be wrong with the table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StructureError {
    /// A header without the columns.
    #[error("line 1: expected the columns id and tm_score or plddt, or all three, found '{0}'")]
    Header(String),
    /// A line of another number of fields.
    #[error("line {line}: {found} fields, the header has {expected}")]
    Fields {
        /// Line, from 1.
        line: usize,
        /// Its fields.
        found: usize,
        /// Fields of the header.
        expected: usize,
    },
    /// A score that is no number.
    #[error("line {line}: {column} is '{found}', expected a number or nothing")]
    Number {
        /// Line, from 1.
        line: usize,
        /// The column.
        column: &'static str,
        /// What it holds.
        found: String,
    },
    /// A sequence twice.
    #[error("line {line}: the id '{id}' occurs twice")]
    Twice {
        /// Line of the second, from 1.
        line: usize,
        /// The id.
        id: String,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Classify for StructureError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => Classify::kind(error),
            _ => ErrorKind::Data,
        }
    }
}

/// Scores by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Structures(HashMap<String, Structure>);

impl Structures {
    /// Reads a table with a header, tab-separated.
    ///
    /// # Errors
    /// [`StructureError`], naming the line.
    pub(crate) fn read(input: impl BufRead) -> Result<Self, StructureError> {
        let mut lines = (1..).zip(input.lines());
        let header = lines.next().map(|(_, text)| text).transpose()?;
        let header = header.unwrap_or_default();
        let header = header
            .trim_start_matches(BYTE_ORDER_MARK)
            .trim_end_matches('\r');
        let names: Vec<&str> = header.split('\t').collect();
        let [id, tm_score, plddt] = COLUMNS.map(|c| names.iter().position(|name| *name == c));
        let bad = || StructureError::Header(header.into());
        let id = id
            .filter(|_| tm_score.or(plddt).is_some())
            .ok_or_else(bad)?;
        let mut all = Self::default();
        for (line, text) in lines {
            let text = text?;
            let fields: Vec<&str> = text.trim_end_matches('\r').split('\t').collect();
            if fields.len() != names.len() {
                return Err(StructureError::Fields {
                    line,
                    found: fields.len(),
                    expected: names.len(),
                });
            }
            let number =
                |column: Option<usize>, name| score(line, column.map_or("", |at| fields[at]), name);
            let structure = Structure {
                tm_score: number(tm_score, COLUMNS[1])?,
                plddt: number(plddt, COLUMNS[2])?,
            };
            let id = fields[id].to_owned();
            if all.0.insert(id.clone(), structure).is_some() {
                return Err(StructureError::Twice { line, id });
            }
        }
        Ok(all)
    }

    /// Takes what is known of a sequence.
    pub(crate) fn take(&mut self, id: &str) -> Structure {
        self.0.remove(id).unwrap_or_default()
    }

    /// Sequences that nobody has taken.
    #[must_use]
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }
}

/// A number, or nothing.
fn score(line: usize, text: &str, column: &'static str) -> Result<Option<f64>, StructureError> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
    number.map(Some).ok_or_else(|| StructureError::Number {
        line,
        column,
        found: text.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Structures, StructureError> {
        Structures::read(text.as_bytes())
    }

    #[test]
    fn scores_are_found_by_id_in_any_order_of_columns() {
        let mut all = read("plddt\tother\tid\ttm_score\n81.5\tx\tA\t0.9\n\tx\tB\t0.5\r\n").unwrap();
        let a = all.take("A");
        assert_eq!((a.tm_score, a.plddt), (Some(0.9), Some(81.5)));
        assert_eq!(all.take("C"), Structure::default());
        assert_eq!(all.left(), 1);
        assert_eq!(all.take("B").plddt, None);
    }

    #[test]
    fn what_is_no_table_of_scores_is_refused() {
        for (text, want) in [
            ("", "line 1"),
            ("id\tscore\n", "line 1"),
            ("tm_score\tplddt\n", "line 1"),
            ("id\tplddt\nA\n", "line 2: 1 fields, the header has 2"),
            ("id\tplddt\nA\tnan\n", "line 2: plddt is 'nan'"),
            ("id\tplddt\nA\t1\nA\t1\n", "line 3: the id 'A' occurs twice"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(want), "{text}: {error}");
        }
    }
}
