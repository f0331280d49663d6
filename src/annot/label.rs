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

/// A [`Label`] whose texts are somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRef<'a> {
    /// Accession of the protein.
    pub protein: &'a str,
    /// Id of the concept.
    pub concept: &'a str,
    /// First residue, 1-based; none for the whole protein.
    pub start: Option<u32>,
    /// Last residue, 1-based, inclusive; none for the whole protein.
    pub end: Option<u32>,
    /// Number of the occurrence.
    pub instance: u32,
    /// Where the label comes from.
    pub source: &'a str,
    /// Evidence code, where the source gives one.
    pub evidence: Option<&'a str>,
}

impl<'a> From<&'a Label> for LabelRef<'a> {
    fn from(label: &'a Label) -> Self {
        Self {
            protein: &label.protein,
            concept: &label.concept,
            start: label.start,
            end: label.end,
            instance: label.instance,
            source: &label.source,
            evidence: label.evidence.as_deref(),
        }
    }
}

impl From<LabelRef<'_>> for Label {
    fn from(label: LabelRef<'_>) -> Self {
        Self {
            protein: label.protein.to_owned(),
            concept: label.concept.to_owned(),
            start: label.start,
            end: label.end,
            instance: label.instance,
            source: label.source.to_owned(),
            evidence: label.evidence.map(str::to_owned),
        }
    }
}
