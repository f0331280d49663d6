//! What UniProt gives: flat file, XML, tables of its REST service, and the comments that they share.

pub(crate) mod comment;
pub(crate) mod flat_feature;
pub(crate) mod uniprot_cell;
pub(crate) mod uniprot_flat;
pub(crate) mod uniprot_tsv;
pub(crate) mod uniprot_xml;
