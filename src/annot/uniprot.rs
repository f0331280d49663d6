//! What UniProt gives: flat file, XML, tables of its REST service, and the comments that they share.

pub mod comment;
pub(crate) mod flat_feature;
pub mod uniprot_cell;
pub mod uniprot_flat;
pub mod uniprot_tsv;
pub mod uniprot_xml;
