//! What labels lack, as a table: ranges and calls that are likely right where a protein has no such label.

use super::{number, tsv::write_line};
use crate::{
    error::{Classify, ErrorKind},
    seq::lines::BYTE_ORDER_MARK,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// Columns of the table.
pub const COLUMNS: [&str; 8] = [
    "protein",
    "concept",
    "name",
    "start",
    "end",
    "probability",
    "split",
    "evidence",
];

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingRow {
    /// Accession.
    pub protein: String,
    /// Id of the concept.
    pub concept: String,
    /// Its name.
    pub name: String,
    /// First and last residue; none of a whole protein. Of a bond both ends.
    pub range: Option<[u32; 2]>,
    /// Probability of being right.
    pub probability: f32,
    /// `train`, `valid`, `test`, or nothing where no split says it.
    pub split: String,
    /// What corroborates it, joined by `;`: `neighbour=PROTEIN(COSINE)`, a training protein of like activations that has it;
    /// `range=CONCEPT@START-END(PROBABILITY)` and `label=CONCEPT@START-END`, of other concepts, that share residues with it.
    pub evidence: String,
}

impl MissingRow {
    /// Likeliest first, then by protein, concept and place.
    pub fn sort(rows: &mut [Self]) {
        rows.sort_by(|a, b| {
            let place = |row: &Self| (row.range, row.split.clone());
            (b.probability.total_cmp(&a.probability))
                .then_with(|| (&a.protein, &a.concept).cmp(&(&b.protein, &b.concept)))
                .then_with(|| place(a).cmp(&place(b)))
        });
    }
}

/// What can be wrong with such a table.
#[derive(Debug, thiserror::Error)]
pub enum MissingError {
    /// The header is another.
    #[error("line 1: expected the header '{expected}', found '{found}'")]
    Header {
        /// What stands there.
        found: String,
        /// What should.
        expected: String,
    },
    /// A line of another number of fields.
    #[error("line {line}: {found} columns, expected {expected}")]
    Columns {
        /// Line, from 1.
        line: usize,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A value that cannot be.
    #[error("line {line}: {column} is '{found}', expected {expected}")]
    Value {
        /// Line, from 1.
        line: usize,
        /// Column.
        column: &'static str,
        /// What stands there.
        found: String,
        /// What could.
        expected: &'static str,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Classify for MissingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(e) => Classify::kind(e),
            _ => ErrorKind::Data,
        }
    }
}

/// Writes the table.
///
/// # Errors
/// Where writing fails.
pub fn write(mut out: impl Write, rows: &[MissingRow]) -> io::Result<()> {
    write_line(&mut out, &COLUMNS)?;
    for row in rows {
        let end = |at: usize| row.range.map(|r| r[at].to_string()).unwrap_or_default();
        let fields: [&str; COLUMNS.len()] = [
            &row.protein,
            &row.concept,
            &row.name,
            &end(0),
            &end(1),
            &number(row.probability),
            &row.split,
            &row.evidence,
        ];
        write_line(&mut out, &fields)?;
    }
    out.flush()
}

/// Reads a table.
///
/// # Errors
/// [`MissingError`], naming the line.
pub fn read(input: impl BufRead) -> Result<Vec<MissingRow>, MissingError> {
    let mut lines = input.lines();
    let header = lines.next().transpose()?.unwrap_or_default();
    let header = header.trim_start_matches(BYTE_ORDER_MARK);
    if header.trim_end() != COLUMNS.join("\t") {
        return Err(MissingError::Header {
            found: header.into(),
            expected: COLUMNS.join("<TAB>"),
        });
    }
    let numbered = lines.zip(2..);
    let row = |(text, line): (io::Result<String>, usize)| parse(text?.trim_end_matches('\r'), line);
    numbered.map(row).collect()
}

fn parse(text: &str, line: usize) -> Result<MissingRow, MissingError> {
    let fields: Vec<&str> = text.split('\t').collect();
    let [
        protein,
        concept,
        name,
        start,
        end,
        probability,
        split,
        evidence,
    ] = fields[..]
    else {
        return Err(MissingError::Columns {
            line,
            found: fields.len(),
            expected: COLUMNS.len(),
        });
    };
    let wrong = |column, found: &str, expected| MissingError::Value {
        line,
        column,
        found: found.into(),
        expected,
    };
    let range = if (start, end) == ("", "") {
        None
    } else {
        let first = start.parse().ok().filter(|&n: &u32| n > 0);
        let first = first.ok_or_else(|| wrong("start", start, "a residue"))?;
        let last = end.parse().ok().filter(|&n: &u32| n >= first);
        let last = last.ok_or_else(|| wrong("end", end, "a residue at or behind the start"))?;
        Some([first, last])
    };
    let share = probability.parse().ok();
    let share = share.filter(|p: &f32| (0.0..=1.0).contains(p));
    for (column, value) in [("protein", protein), ("concept", concept)] {
        if value.is_empty() {
            return Err(wrong(column, value, "something"));
        }
    }
    Ok(MissingRow {
        protein: protein.into(),
        concept: concept.into(),
        name: name.into(),
        range,
        probability: share.ok_or_else(|| wrong("probability", probability, "0 to 1"))?,
        split: split.into(),
        evidence: evidence.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_and_bad_ones_are_named() {
        let row = |protein: &str, range, probability| MissingRow {
            protein: protein.into(),
            concept: "HELIX".into(),
            name: "Helix".into(),
            range,
            probability,
            split: "test".into(),
            evidence: "neighbour=P1(0.9)".into(),
        };
        let mut rows = vec![row("Q2", None, 0.5), row("Q1", Some([3, 9]), 0.9)];
        MissingRow::sort(&mut rows);
        assert_eq!(rows[0].protein, "Q1");
        let mut text = Vec::new();
        write(&mut text, &rows).unwrap();
        assert_eq!(read(&text[..]).unwrap(), rows);
        let text = String::from_utf8(text).unwrap();
        let message = |old: &str, new: &str| {
            let changed = text.replacen(old, new, 1);
            read(changed.as_bytes()).unwrap_err().to_string()
        };
        assert!(message("\t3\t9", "\t9\t3").starts_with("line 2: end is '3'"));
        assert!(message("\t3\t9", "\t0\t3").contains("start is '0'"));
        assert!(message("0.9\t", "1.9\t").contains("probability is '1.9'"));
        assert!(message("\ttest", "").contains("7 columns, expected 8"));
        assert!(message("protein\t", "accession\t").starts_with("line 1"));
    }
}
