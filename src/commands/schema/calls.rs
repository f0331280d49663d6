//! Files of calls of whole proteins, and curves of their scores.

use super::{error::CheckError, lines::Fields};
use crate::{
    annot::concept::ConceptKind,
    commands::evaluate::CURVE_COLUMNS,
    report::calls::{COLUMNS, Corroboration},
};

/// Columns of GAF 2.2 whose values are held against something, by their numbers from 0.
const GAF_COLUMNS: usize = 17;
const GPAD_COLUMNS: usize = 12;

/// Checks a line.
type Check = fn(&Fields<'_>) -> Result<(), CheckError>;

/// A table with a header, if it is one of these: what it is.
pub(super) fn table(text: &str) -> Option<Result<String, CheckError>> {
    let header = text.lines().next()?;
    let rows = || text.lines().zip(1..).skip(1);
    let is = |columns: &[&str]| header == columns.join("\t");
    let (what, columns, each): (_, &[&str], Check) = if is(&COLUMNS) {
        ("table of calls", &COLUMNS, call)
    } else if is(&CURVE_COLUMNS) {
        ("curves", &CURVE_COLUMNS, point)
    } else {
        return None;
    };
    let checked = rows().try_for_each(|(row, line)| each(&Fields::of(line, row, columns)?));
    Some(checked.map(|()| format!("{what} of {} rows", rows().count())))
}

/// What holds of a call, by the columns of its table.
pub(super) fn call(fields: &Fields<'_>) -> Result<(), CheckError> {
    fields.not_empty("protein")?;
    fields.not_empty("concept")?;
    fields.name("kind", &ConceptKind::ALL.map(ConceptKind::as_str))?;
    fields.name("aspect", &["", "F", "P", "C"])?;
    fields.not_empty("score")?;
    fields.share("score", 0.0, 1.0)?;
    fields.share("donor_score", 0.0, 1.0)?;
    let by = fields.get("corroborated_by");
    let known = Corroboration::ALL.map(Corroboration::as_str);
    let is_known = by == "none" || by.split(',').all(|word| known.contains(&word));
    let expected = format!("none, or some of {}", known.join(", "));
    fields.demand(is_known, "corroborated_by", &expected)
}

fn point(fields: &Fields<'_>) -> Result<(), CheckError> {
    fields.not_empty("method")?;
    fields.name("knowledge", &["all", "NK", "LK", "PK"])?;
    for column in ["threshold", "precision", "recall", "f"] {
        fields.not_empty(column)?;
        fields.share(column, 0.0, 1.0)?;
    }
    for column in &CURVE_COLUMNS[4..] {
        fields.share(column, 0.0, f64::INFINITY)?;
    }
    Ok(())
}

/// GAF or GPAD as it is written here: what it is.
pub(super) fn associations(text: &str) -> Result<String, CheckError> {
    let (name, columns) = if text.starts_with("!gaf") {
        ("GAF", GAF_COLUMNS)
    } else {
        ("GPAD", GPAD_COLUMNS)
    };
    let mut calls = 0;
    for (row, line) in text
        .lines()
        .zip(1..)
        .filter(|(row, _)| !row.starts_with('!'))
    {
        let values: Vec<&str> = row.split('\t').collect();
        let (found, expected) = (values.len().to_string(), columns.to_string());
        super::error::demand(
            values.len() == columns,
            line,
            "number of columns",
            &found,
            &expected,
        )?;
        let (term, reference) = if columns == GAF_COLUMNS {
            (values[4], values[5])
        } else {
            (values[3], values[4])
        };
        super::error::demand(term.starts_with("GO:"), line, "the term", term, "GO:...")?;
        super::error::demand(
            reference.contains(':'),
            line,
            "the reference",
            reference,
            "DB:id",
        )?;
        calls += 1;
    }
    Ok(format!("{name} of {calls} calls"))
}
