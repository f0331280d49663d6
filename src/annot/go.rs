//! Annotations of the Gene Ontology: GAF, GPAD, and files of function prediction.

pub mod cafa;
pub mod gaf;
pub mod gpad;
