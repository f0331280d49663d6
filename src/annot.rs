//! Annotations: concepts, labels, and the files they are read from.

pub mod concept;
pub mod label;
pub mod label_index;
pub mod partition;
