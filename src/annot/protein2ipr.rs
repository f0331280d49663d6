//! `InterPro`'s `protein2ipr.dat`: protein, entry, its name, signature, start, end; one match a line.
//!
//! The file is tens of gigabytes long: lines of proteins that are not asked for cost a look-up.

use super::{
    collect::{Collector, DropReason},
    error::AnnotError,
    interproscan,
    lines::Lines,
    position::{Place, number},
};
use std::io::BufRead;

/// Columns of a line.
pub(super) const COLUMNS: usize = 6;

/// Reads matches.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is no match, unless bad records are skipped; the
/// reader's errors.
pub fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    let mut lines = Lines::new(reader);
    while let Some((line, text)) = lines.next_line()? {
        if text.is_empty() {
            continue;
        }
        collector.record();
        let protein = text.split('\t').next().unwrap_or_default();
        if collector.protein(protein).is_none() {
            collector.drop(DropReason::OtherProtein);
            continue;
        }
        if let Err(error) = row(line, text, collector) {
            collector.bad(error)?;
        }
    }
    Ok(())
}

fn row(line: u64, text: &str, collector: &mut Collector) -> Result<(), AnnotError> {
    let mut fields = [""; COLUMNS];
    let mut columns = 0;
    for field in text.split('\t') {
        if let Some(slot) = fields.get_mut(columns) {
            *slot = field;
        }
        columns += 1;
    }
    let [protein, entry, name, signature, start, end] = fields;
    let place = match (number(start.trim()), number(end.trim())) {
        (Some(start), Some(end)) if columns == COLUMNS && !protein.is_empty() => {
            Place::Range(start, end)
        }
        _ => {
            return Err(AnnotError::record(
                line,
                format!(
                    "{columns} columns; expected 6: protein, entry, name, signature, start, end"
                ),
            ));
        }
    };
    interproscan::matched(collector, line, protein, entry, name, place)?;
    interproscan::signature(collector, line, protein, signature)
}
