//! GPAD 1.1, 1.2 and 2.0 (<https://geneontology.org/docs/gene-product-association-data-gpad-format-2.0/>).

use super::gaf::{Association, is_negated};
use crate::annot::{
    collect::Collector,
    error::AnnotError,
    evidence::go_code,
    identifiers::is_curie,
    lines::{Columns, columns},
};
use crate::seq::accession::{GeneProduct, UNIPROT};
use std::io::BufRead;

/// Columns of a row: the last ones may be left out.
pub(crate) const COLUMNS: std::ops::RangeInclusive<usize> = 10..=12;

/// Property of an annotation that names its GO evidence code.
const GO_EVIDENCE: &str = "go_evidence=";

/// Reads associations.
///
/// # Errors
/// [`AnnotError::Record`] for a row that is no association, unless bad records are skipped; the
/// reader's errors.
pub(crate) fn read(reader: impl BufRead, collector: &mut Collector) -> Result<(), AnnotError> {
    collector.rows(reader, Some('!'), row)
}

fn row(line: u64, text: &str, collector: &mut Collector) -> Result<(), AnnotError> {
    let Columns { fields, count } = columns::<12>(text);
    if !COLUMNS.contains(&count) {
        return Err(AnnotError::record(
            line,
            format!("{count} columns; a GPAD row has 10 to 12, separated by tabs"),
        ));
    }
    // version 2 joins database and id, and gives the negation a column of its own
    let (database, id, negation) = match fields[0].split_once(':') {
        Some((database, id)) => (database, id, fields[1]),
        None => (fields[0], fields[1], fields[2]),
    };
    let (term, eco) = (fields[3], fields[5]);
    if id.is_empty() {
        return Err(AnnotError::record(line, "no id of a gene product"));
    }
    if !is_curie(term) {
        return Err(AnnotError::record(
            line,
            format!("{term:?} in column 4 is no term id like GO:0005524"),
        ));
    }
    if !eco.starts_with("ECO:") {
        return Err(AnnotError::record(
            line,
            format!("{eco:?} in column 6 is no ECO id"),
        ));
    }
    // GOA says which GO code it is, where others leave that to a mapping of ECO
    let code =
        (fields[11].split('|')).find_map(|property| property.trim().strip_prefix(GO_EVIDENCE));
    let evidence = code.filter(|code| go_code(code).is_some()).unwrap_or(eco);
    // GPAD names the observed form where GAF names the product and, in column 17, the form
    // of all databases, this one has isoforms
    let product = if database == UNIPROT {
        GeneProduct::parse(id)
    } else {
        GeneProduct {
            accession: id,
            form: "",
        }
    };
    Association {
        line,
        product: product.accession,
        form: product.form,
        term,
        evidence,
        negated: is_negated(negation),
    }
    .put(collector)
}
