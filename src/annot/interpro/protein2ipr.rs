//! `InterPro`'s `protein2ipr.dat`: protein, entry, its name, signature, start, end; one match a line.
//!
//! The file is tens of gigabytes long: lines of proteins that are not asked for cost a look-up.

use super::interproscan;
use crate::annot::{
    collect::{Collector, DropReason},
    error::AnnotError,
    lines::{Columns, columns},
    position::{Place, number},
};
use std::io::BufRead;

/// Columns of a line.
pub(crate) const COLUMNS: usize = 6;

/// Reads matches.
///
/// # Errors
/// [`AnnotError::Record`] for a line that is no match, unless bad records are skipped; the
/// reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    collector.rows(reader, None, row)
}

fn row(line: u64, text: &str, collector: &mut Collector) -> Result<(), AnnotError> {
    let tab = memchr::memchr(b'\t', text.as_bytes()).unwrap_or(text.len());
    let name = &text[..tab];
    if collector.protein(name).is_none() {
        collector.count_dropped(DropReason::OtherProtein);
        return Ok(());
    }
    let Columns { fields, count } = columns::<COLUMNS>(text);
    let [protein, entry, name, signature, start, end] = fields;
    let place = match (number(start), number(end)) {
        (Some(start), Some(end)) if count == COLUMNS && !protein.is_empty() => {
            Place::Range(start, end)
        }
        _ => {
            return Err(AnnotError::record(
                line,
                format!("{count} columns; expected 6: protein, entry, name, signature, start, end"),
            ));
        }
    };
    interproscan::matched(collector, line, protein, entry, name, place)?;
    interproscan::signature(collector, line, protein, signature)
}
