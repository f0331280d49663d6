//! Annotations: concepts, labels, and the files they are read from.

pub mod cluster;
pub mod collect;
pub mod comment;
pub mod concept;
mod error;
pub mod evidence;
mod expansion;
pub mod feature;
mod feature_names;
pub mod feature_table;
mod flat_feature;
pub mod format;
pub mod gaf;
pub mod gff;
pub mod gpad;
pub mod grouping;
pub mod interproscan;
pub mod interproscan_json;
pub mod interproscan_xml;
pub mod label;
pub mod label_index;
mod lines;
mod numbering;
pub mod partition;
mod percent;
pub mod position;
pub mod protein2ipr;
pub mod reference;
pub mod split;
pub mod uniprot_cell;
pub mod uniprot_flat;
pub mod uniprot_tsv;
pub mod uniprot_xml;
pub mod vocabulary;
mod xml;

pub use error::AnnotError;
