//! Annotations: concepts, labels, and the files they are read from.

pub mod collect;
pub mod concept;
pub(crate) mod error;
pub mod evidence;
pub(crate) mod feature;
mod feature_names;
pub(crate) mod feature_table;
pub mod format;
pub(crate) mod gff;
pub mod go;
pub mod hits;
mod identifiers;
pub(crate) mod interpro;
pub mod label;
pub mod label_index;
pub(crate) mod lines;
pub mod mappings;
mod percent;
pub(crate) mod position;
pub(crate) mod uniprot;
pub mod vocabulary;
mod xml;

pub use error::AnnotError;
