//! GPAD 1.1, 1.2 and 2.0 (<https://geneontology.org/docs/gene-product-association-data-gpad-format-2.0/>).

use super::{
    collect::{Collector, DropReason, Observation, Source},
    concept::ConceptKind,
    error::AnnotError,
    gaf::{is_curie, is_negated},
    lines::Lines,
    position::Place,
};
use std::io::BufRead;

/// Columns of a row: the last ones may be left out.
pub(super) const COLUMNS: std::ops::RangeInclusive<usize> = 10..=12;

/// Reads associations.
///
/// # Errors
/// [`AnnotError::Record`] for a row that is no association, unless bad records are skipped; the
/// reader's errors.
pub fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    while let Some((line, text)) = lines.next_line()? {
        if text.trim().is_empty() || text.starts_with('!') {
            continue;
        }
        collector.record();
        if let Err(error) = row(line, text, collector) {
            collector.bad(error)?;
        }
    }
    Ok(())
}

fn row(line: u64, text: &str, collector: &mut Collector) -> Result<(), AnnotError> {
    let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
    if !COLUMNS.contains(&fields.len()) {
        return Err(AnnotError::record(
            line,
            format!(
                "{} columns; a GPAD row has 10 to 12, separated by tabs",
                fields.len()
            ),
        ));
    }
    // version 2 joins database and id, and gives the negation a column of its own
    let (protein, negation) = match fields[0].split_once(':') {
        Some((_, id)) => (id, fields[1]),
        None => (fields[1], fields[2]),
    };
    let (term, evidence) = (fields[3], fields[5]);
    if protein.is_empty() {
        return Err(AnnotError::record(line, "no id of a gene product"));
    }
    if !is_curie(term) {
        return Err(AnnotError::record(
            line,
            format!("{term:?} in column 4 is no term id like GO:0005524"),
        ));
    }
    if !evidence.starts_with("ECO:") {
        return Err(AnnotError::record(
            line,
            format!("{evidence:?} in column 6 is no ECO id"),
        ));
    }
    if is_negated(negation) {
        collector.drop(DropReason::Negated);
        return Ok(());
    }
    collector.put(&Observation {
        protein,
        kind: ConceptKind::Go,
        id: term,
        name: "",
        place: Place::Whole,
        source: Source::Go,
        evidence,
        line,
    })
}
