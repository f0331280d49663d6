//! Annotations of the Gene Ontology: GAF, GPAD, files of function prediction, and rules of annotation.

pub mod cafa;
pub(crate) mod gaf;
pub(crate) mod gpad;
pub mod rules;
