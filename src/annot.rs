//! Annotations: concepts, labels, and the files they are read from.

pub mod concept;
pub mod label;
