//! Tables of homologues: the twelve columns of BLAST's `-outfmt 6`, as DIAMOND and `MMseqs2` write them.

use super::{
    error::AnnotError,
    lines::{Line, Lines},
};
use crate::seq::accession;
use std::{collections::BTreeMap, io::BufRead};

/// Columns of a row: query, target, identity, ..., E-value, bits.
const COLUMNS: usize = 12;

/// A homologue.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Accession.
    pub target: String,
    /// Share of identical residues in the alignment.
    pub identity: f64,
    bits: f64,
}

/// Reads the homologues of each protein, the one of the most bits first; a protein is none of its own.
///
/// # Errors
/// [`AnnotError::Record`] for a row that is no hit; the reader's errors.
pub fn read(reader: impl BufRead) -> Result<BTreeMap<String, Vec<Hit>>, AnnotError> {
    let mut lines = Lines::new(reader);
    let mut hits: BTreeMap<String, Vec<Hit>> = BTreeMap::new();
    while let Some(Line { number: line, text }) = lines.next_line()? {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = text.split('\t').map(str::trim).collect();
        let number = |at: usize| {
            let number = columns.get(at).and_then(|text| text.parse::<f64>().ok());
            number.filter(|number| number.is_finite() && *number >= 0.0)
        };
        let (Some(identity), Some(bits), true) =
            (number(2), number(COLUMNS - 1), columns.len() == COLUMNS)
        else {
            return Err(AnnotError::record(
                line,
                "no hit: expected the twelve columns of BLAST's outfmt 6, query, target, identity, ..., bits",
            ));
        };
        let [query, target] = [columns[0], columns[1]].map(accession::from_header_word);
        if query == target {
            continue;
        }
        // MMseqs2 writes a share, the others percent
        let identity = if identity > 1.0 {
            identity / 100.0
        } else {
            identity
        };
        hits.entry(query.to_owned()).or_default().push(Hit {
            target: target.to_owned(),
            identity,
            bits,
        });
    }
    for list in hits.values_mut() {
        list.sort_by(|a, b| {
            b.bits
                .total_cmp(&a.bits)
                .then_with(|| a.target.cmp(&b.target))
        });
    }
    Ok(hits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_homologue_comes_first() {
        let row = |target: &str, identity: &str, bits: &str| {
            format!("sp|P1|A\t{target}\t{identity}\t9\t0\t0\t1\t9\t1\t9\t1e-9\t{bits}\n")
        };
        let text = [
            row("Q1", "35.5", "80"),
            row("P1", "100", "900"),
            row("tr|Q2|B", "0.9", "120.5"),
        ]
        .concat();
        let hits = read(text.as_bytes()).unwrap();
        let found: Vec<(&str, f64)> = (hits["P1"].iter())
            .map(|hit| (hit.target.as_str(), hit.identity))
            .collect();
        assert_eq!(found, [("Q2", 0.9), ("Q1", 0.355)]);
        let error = read(&b"P1\tQ1\t0.5\n"[..]).unwrap_err().to_string();
        assert!(error.starts_with("line 1"), "{error}");
    }
}
