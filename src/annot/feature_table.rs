//! Feature tables: CSV or TSV with a column for each of protein, feature, start, end and note.

use super::{
    collect::{Collector, DropReason, Observation, Source},
    concept::ConceptKind,
    error::AnnotError,
    evidence::codes_of,
    feature,
    position::{Place, number},
};
use std::io::BufRead;

/// Names of the column of the protein.
pub(super) const PROTEIN: [&str; 3] = ["protein", "protein_id", "accession"];
/// Name of the column of the feature's key.
pub(super) const FEATURE: &str = "feature";
/// Name of the column of the first residue.
pub(super) const START: &str = "start";

/// Reads features by the names of their columns; an empty `end` means one residue.
///
/// # Errors
/// [`AnnotError::Column`] without a needed column, [`AnnotError::Record`] for a bad row unless bad
/// records are skipped, the reader's errors.
pub(crate) fn read(
    reader: impl BufRead,
    delimiter: u8,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(reader);
    let headers = reader.headers().map_err(describe)?.clone();
    let find = |name: &str| {
        headers
            .iter()
            .position(|h| h.trim().eq_ignore_ascii_case(name))
    };
    let need = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| find(name))
            .ok_or_else(|| AnnotError::Column {
                line: 1,
                wanted: names.join(" or "),
                found: headers.iter().collect::<Vec<_>>().join(", "),
            })
    };
    let columns = Columns {
        protein: need(&PROTEIN)?,
        feature: need(&[FEATURE])?,
        start: need(&[START])?,
        end: find("end"),
        note: find("note"),
        ligand: find("ligand"),
        isoform: find("isoform_id"),
        evidence: find("evidence"),
    };
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = record.position().map_or(0, csv::Position::line);
                let width = headers.len();
                collector.record(|collector| row(line, &record, &columns, width, collector))?;
            }
            Err(error) => {
                let fatal = error.is_io_error();
                let error = describe(error);
                if fatal {
                    return Err(error);
                }
                collector.record(|_| Err(error))?;
            }
        }
    }
}

struct Columns {
    protein: usize,
    feature: usize,
    start: usize,
    end: Option<usize>,
    note: Option<usize>,
    ligand: Option<usize>,
    isoform: Option<usize>,
    evidence: Option<usize>,
}

fn row(
    line: u64,
    record: &csv::StringRecord,
    columns: &Columns,
    width: usize,
    collector: &mut Collector,
) -> Result<(), AnnotError> {
    if record.len() != width {
        return Err(AnnotError::record(
            line,
            format!("{} columns; the header has {width}", record.len()),
        ));
    }
    let field = |column: Option<usize>| column.and_then(|c| record.get(c)).unwrap_or("").trim();
    let protein = field(Some(columns.protein));
    let name = field(Some(columns.feature));
    if protein.is_empty() || name.is_empty() {
        return Err(AnnotError::record(line, "protein or feature is empty"));
    }
    if !field(columns.isoform).is_empty() {
        collector.count_dropped(DropReason::Isoform);
        return Ok(());
    }
    let position = |column: Option<usize>, what: &str| {
        let text = field(column);
        number(text).ok_or_else(|| {
            AnnotError::record(
                line,
                format!("{what} {text:?} of {protein} is no residue number"),
            )
        })
    };
    let start = position(Some(columns.start), "start")?;
    let end = if field(columns.end).is_empty() {
        start
    } else {
        position(columns.end, "end")?
    };
    let key = feature::key(name);
    let id = feature::concept_id(&key, field(columns.note), field(columns.ligand));
    collector.put(&Observation {
        protein,
        kind: ConceptKind::Feature,
        id: &id,
        name: &feature::concept_name(&key, &id, ""),
        place: Place::of_feature(&key, start, end),
        source: Source::UniProt,
        evidence: &codes_of(field(columns.evidence)),
        line,
    })
}

fn describe(error: csv::Error) -> AnnotError {
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) => AnnotError::Io(error),
        csv::ErrorKind::Utf8 { .. } => AnnotError::record(line, "not valid UTF-8"),
        other => AnnotError::record(line, format!("{other:?}")),
    }
}
