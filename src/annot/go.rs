//! Annotations of the Gene Ontology: GAF, GPAD, files of function prediction, and rules of annotation.

pub mod cafa;
pub mod gaf;
pub mod gpad;
pub mod rules;
