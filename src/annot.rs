//! Annotations: concepts, labels, and the files they are read from.

pub mod cluster;
pub mod collect;
pub mod comment;
pub mod concept;
mod error;
pub mod evidence;
pub mod feature;
pub mod feature_table;
pub mod format;
pub mod gaf;
pub mod interproscan;
pub mod label;
pub mod label_index;
mod lines;
mod numbering;
pub mod partition;
pub mod position;
pub mod split;
pub mod uniprot_cell;
pub mod uniprot_tsv;
pub mod vocabulary;

pub use error::AnnotError;
