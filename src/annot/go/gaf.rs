//! GAF 2.0 to 2.2 (<https://geneontology.github.io/docs/go-annotation-file-gaf-format-2.2/>).

use crate::annot::{
    collect::{Collector, DropReason, Observation},
    error::AnnotError,
    identifiers::is_curie,
    lines::{Columns, columns},
};
use std::io::BufRead;

/// Columns of a row: 15 in GAF 1, 17 since; files in use mix them.
pub(crate) const COLUMNS: std::ops::RangeInclusive<usize> = 15..=17;

/// Reads gene associations.
///
/// # Errors
/// [`AnnotError::Record`] for a row that is no association, unless bad records are skipped; the
/// reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    collector.rows(reader, Some('!'), row)
}

fn row(line: u64, text: &str, collector: &mut Collector) -> Result<(), AnnotError> {
    let Columns { fields, count } = columns::<17>(text);
    if !COLUMNS.contains(&count) {
        return Err(AnnotError::record(
            line,
            format!("{count} columns; a GAF row has 15 to 17, separated by tabs"),
        ));
    }
    let [database, product, _, qualifier, term, _, evidence, ..] = fields;
    if database.is_empty() || product.is_empty() {
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
    // `UniProtKB:P12345-2`: the isoform that was observed
    let form = fields[16].split_once(':').map_or("", |(_, form)| form);
    Association {
        line,
        product,
        form,
        term,
        evidence,
        negated: is_negated(qualifier),
    }
    .put(collector)
}

/// What a row of GAF or GPAD says.
pub(crate) struct Association<'a> {
    pub(crate) line: u64,
    /// The gene product, by its canonical accession.
    pub(crate) product: &'a str,
    /// The one of its forms that was observed (`P12345-2`), or empty.
    pub(crate) form: &'a str,
    pub(crate) term: &'a str,
    pub(crate) evidence: &'a str,
    pub(crate) negated: bool,
}

impl Association<'_> {
    pub(crate) fn put(&self, collector: &mut Collector) -> Result<(), AnnotError> {
        if self.negated {
            collector.count_dropped(DropReason::Negated);
            return Ok(());
        }
        let observation = Observation::of_term(self.product, self.term, self.evidence, self.line);
        collector.put_product(&observation, self.form)
    }
}

/// Whether qualifiers (`NOT|part_of`) negate the statement.
pub(crate) fn is_negated(qualifiers: &str) -> bool {
    qualifiers
        .split('|')
        .any(|qualifier| qualifier.trim().eq_ignore_ascii_case("NOT"))
}
