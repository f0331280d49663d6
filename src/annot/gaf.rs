//! GAF 2.0 to 2.2 (<https://geneontology.github.io/docs/go-annotation-file-gaf-format-2.2/>).

use super::{
    collect::{Collector, DropReason, Observation, Source},
    concept::ConceptKind,
    error::AnnotError,
    lines::Lines,
    position::Place,
};
use std::io::BufRead;

/// Columns of a row: 15 in GAF 1, 17 since; files in use mix them.
pub(super) const COLUMNS: std::ops::RangeInclusive<usize> = 15..=17;

/// Reads gene associations.
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
    let mut fields = [""; 7];
    let mut columns = 0;
    for field in text.split('\t') {
        if let Some(slot) = fields.get_mut(columns) {
            *slot = field.trim();
        }
        columns += 1;
    }
    if !COLUMNS.contains(&columns) {
        return Err(AnnotError::record(
            line,
            format!("{columns} columns; a GAF row has 15 to 17, separated by tabs"),
        ));
    }
    let [database, id, _, qualifier, term, _, evidence] = fields;
    if database.is_empty() || id.is_empty() {
        return Err(AnnotError::record(
            line,
            "database or id is empty (columns 1 and 2)",
        ));
    }
    if !is_curie(term) {
        return Err(AnnotError::record(
            line,
            format!("{term:?} in column 5 is no term id like GO:0005524"),
        ));
    }
    if evidence.is_empty() {
        return Err(AnnotError::record(line, "no evidence code (column 7)"));
    }
    if is_negated(qualifier) {
        collector.drop(DropReason::Negated);
        return Ok(());
    }
    collector.put(&Observation {
        protein: id,
        kind: ConceptKind::Go,
        id: term,
        name: "",
        place: Place::Whole,
        source: Source::Go,
        evidence,
        line,
    })
}

/// Whether qualifiers (`NOT|part_of`) negate the statement.
pub(super) fn is_negated(qualifiers: &str) -> bool {
    qualifiers
        .split('|')
        .any(|qualifier| qualifier.trim().eq_ignore_ascii_case("NOT"))
}

/// Whether a text has the form `PREFIX:LOCAL`.
pub(super) fn is_curie(text: &str) -> bool {
    text.split_once(':').is_some_and(|(prefix, local)| {
        !prefix.is_empty()
            && !local.is_empty()
            && !text.contains(|c: char| c.is_whitespace() || c == ',' || c == '|')
    })
}
