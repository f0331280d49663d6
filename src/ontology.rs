//! Ontologies: reading them, their EL normal forms, and propagation along their relations.

mod clauses;
mod error;
mod frames;
pub mod graph;
pub mod graphs;
mod iri;
mod model;
pub mod norm_file;
pub mod normal;
pub mod obo;

pub use error::OntologyError;
pub use model::{
    Class, Conjunct, NEVER_IN_TAXON, ONLY_IN_TAXON, Ontology, OntologyCounts, OntologyIdentity,
    PART_OF, Relation, Relationship, Resolved, Term,
};

use std::io::{BufRead, Cursor, Read};

/// Reads an ontology in OBO format or as OBO Graphs JSON, told apart by content.
///
/// # Errors
/// Those of the formats, and the reader's.
pub fn read(mut reader: impl BufRead) -> Result<Ontology, OntologyError> {
    let mut beginning = Vec::new();
    (&mut reader).take(64).read_to_end(&mut beginning)?;
    let text = beginning
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&beginning);
    let is_json = text.trim_ascii_start().first() == Some(&b'{');
    let reader = Cursor::new(beginning).chain(reader);
    if is_json {
        graphs::read(reader)
    } else {
        obo::read(reader)
    }
}
