//! Annotations: concepts, labels, and the files they are read from.

mod axiom_numbering;
pub mod collect;
pub mod concept;
pub mod error;
pub mod evidence;
mod expansion;
pub mod feature;
mod feature_names;
pub mod feature_table;
pub mod format;
pub mod gff;
pub mod go;
pub mod hits;
pub mod interpro;
pub mod label;
pub mod label_index;
pub(crate) mod lines;
pub mod mappings;
mod percent;
pub mod position;
pub mod uniprot;
pub mod vocabulary;
mod xml;

pub use error::AnnotError;
