//! Files of function prediction: scores of proteins for terms, terms that proteins have, and weights of terms.
//!
//! Columns are separated by blanks, as CAFA-evaluator reads them. The submission layout of CAFA (`AUTHOR`, `MODEL`,
//! `KEYWORDS`, `ACCURACY`, rows, `END`) is read as well.

use crate::annot::{
    error::AnnotError,
    identifiers::is_curie,
    lines::{Line, Lines},
};
use std::io::BufRead;

/// First words of the lines of a submission that are no prediction.
pub(crate) const HEADERS: [&str; 4] = ["AUTHOR", "MODEL", "KEYWORDS", "ACCURACY"];
/// Last line of a submission.
pub(crate) const END: &str = "END";

/// Reads predictions: protein, term and score from 0 to 1.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is no prediction; what `each` returns; the reader's errors.
pub fn read_predictions(
    reader: impl BufRead,
    mut each: impl FnMut(&str, &str, f64),
) -> Result<(), AnnotError> {
    rows(reader, true, |line, words| {
        let [protein, term, score, ..] = words else {
            let wanted = "expected a protein, a term and a score";
            return Err(AnnotError::record(line, wanted));
        };
        let number = score.parse().ok().filter(|s| (0.0..=1.0).contains(s));
        let number = number.ok_or_else(|| {
            AnnotError::record(line, format!("{score:?} is no score from 0 to 1"))
        })?;
        each(protein, term, number);
        Ok(())
    })
}

/// Reads what proteins have: protein and term; more columns are passed.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is no such pair; the reader's errors.
pub fn read_truth(
    reader: impl BufRead,
    mut each: impl FnMut(&str, &str),
) -> Result<(), AnnotError> {
    rows(reader, false, |line, words| {
        let [protein, term, ..] = words else {
            return Err(AnnotError::record(line, "expected a protein and a term"));
        };
        each(protein, term);
        Ok(())
    })
}

/// Rows of which the second word is a term; a first one whose words name columns is passed.
fn rows(
    reader: impl BufRead,
    submission: bool,
    mut each: impl FnMut(u64, &[&str]) -> Result<(), AnnotError>,
) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    let mut is_first = true;
    while let Some(Line { number: line, text }) = lines.next_line()? {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some(first) = words.first() else { continue };
        if submission && words.len() == 1 && *first == END {
            break;
        }
        if submission && HEADERS.contains(first) {
            is_first = false;
            continue;
        }
        let is_term = words.get(1).is_some_and(|term| is_curie(term));
        let may_be_header = std::mem::take(&mut is_first) && words.len() > 1;
        if !is_term && !may_be_header {
            return Err(AnnotError::record(
                line,
                "the second column is no term id like GO:0005524",
            ));
        }
        if is_term {
            each(line, &words)?;
        }
    }
    Ok(())
}

/// Reads weights of terms: term and information accretion.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is no such pair; the reader's errors.
pub fn read_weights(reader: impl BufRead) -> Result<Vec<(String, f64)>, AnnotError> {
    let mut lines = Lines::new(reader);
    let mut weights = Vec::new();
    while let Some(Line { number: line, text }) = lines.next_line()? {
        let mut words = text.split_whitespace();
        let (term, weight) = (words.next(), words.next());
        let Some(term) = term else { continue };
        let weight = weight.and_then(|w| w.parse::<f64>().ok());
        let weight = weight.ok_or_else(|| {
            AnnotError::record(line, "expected a term and its information accretion")
        })?;
        // what cannot be had is infinitely rare: no weight
        weights.push((
            term.to_owned(),
            if weight.is_finite() { weight } else { 0.0 },
        ));
    }
    Ok(weights)
}

/// Reads a list of terms, the first word of each line.
///
/// # Errors
/// The reader's.
pub fn read_terms(reader: impl BufRead) -> Result<Vec<String>, AnnotError> {
    let mut lines = Lines::new(reader);
    let mut terms = Vec::new();
    while let Some(Line { text, .. }) = lines.next_line()? {
        terms.extend(text.split_whitespace().next().map(str::to_owned));
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(text: &str) -> Result<Vec<(String, String, f64)>, AnnotError> {
        let mut found = Vec::new();
        read_predictions(text.as_bytes(), |protein, term, score| {
            found.push((protein.to_owned(), term.to_owned(), score));
        })?;
        Ok(found)
    }

    #[test]
    fn both_layouts_of_predictions_are_read() {
        let plain = predictions("P1\tGO:1\t0.5\n\nP2 GO:2  1.00 more\n").unwrap();
        let submission = "AUTHOR team\nMODEL 1\nKEYWORDS machine learning.\nP1\tGO:1\t0.50\nP2\tGO:2\t1.00\nEND\nx\n";
        assert_eq!(predictions(submission).unwrap(), plain);
        assert_eq!(plain[1], ("P2".into(), "GO:2".into(), 1.0));
        assert_eq!(
            predictions("target\tterm\tscore\nP1\tGO:1\t0.5\n").unwrap(),
            plain[..1]
        );
    }

    #[test]
    fn what_is_no_prediction_is_named_by_its_line() {
        for (text, line) in [
            ("P1\tGO:1\n", 1),
            ("P1\tGO:1\t0.5\nP1\tGO:1\t1.5\n", 2),
            ("P1\tGO:1\tnan\n", 1),
            ("P1\tGO:1\t0.5\nP1\tGO1\t0.5\n", 2),
            ("P1\n", 1),
        ] {
            let error = predictions(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("line {line}: ")),
                "{text:?}: {error}"
            );
        }
        assert!(read_weights(&b"GO:1 x\n"[..]).is_err());
        assert_eq!(read_weights(&b"GO:1 inf\n"[..]).unwrap()[0].1, 0.0);
    }
}
