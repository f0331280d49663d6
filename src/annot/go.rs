//! Annotations of the Gene Ontology: GAF and GPAD.

pub mod gaf;
pub mod gpad;
