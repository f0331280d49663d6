//! Annotations of the Gene Ontology: GAF and GPAD.

pub(crate) mod gaf;
pub(crate) mod gpad;
