//! Sequences: accessions, letters, FASTA, and its shards.

pub(crate) mod accession;
pub(crate) mod alphabet;
pub mod checksum;
mod composition;
pub mod fasta;
pub(crate) mod lines;
pub mod shards;

/// A protein: its accession and its residues in one-letter code, upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protein {
    /// First word of the FASTA header, or the accession in it.
    pub accession: String,
    /// Residues, one upper-case letter each.
    pub sequence: Vec<u8>,
}
