//! Ontologies: reading them, their EL normal forms, and propagation along their relations.

mod clauses;
mod error;
pub mod graph;
mod model;
pub mod normal;
pub mod obo;

pub use error::OntologyError;
pub use model::{Class, Ontology, OntologyCounts, PART_OF, Relation, Resolved, Term};
