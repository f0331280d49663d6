//! One label: a protein, or a range of its residues, carries a concept.

/// A row of a `labels/1` table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Accession of the protein.
    pub protein: String,
    /// Id of the concept.
    pub concept: String,
    /// First residue, 1-based; none for the whole protein.
    pub start: Option<u32>,
    /// Last residue, 1-based, inclusive; none for the whole protein.
    pub end: Option<u32>,
    /// Number of the occurrence, from 1 within protein and concept; the two ends of a bond share one.
    pub instance: u32,
    /// Where the label comes from (`GO`, `UniProtKB`, `InterPro`, `sequence`).
    pub source: String,
    /// Evidence code, where the source gives one.
    pub evidence: Option<String>,
}
