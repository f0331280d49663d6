//! What readers say, and what they are asked to take.

use crate::annot::{concept::ConceptKind, evidence::EvidenceFilter, position::Place};

/// Where a label comes from, as `labels/1` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// An annotation of the Gene Ontology.
    Go,
    /// A feature or keyword of `UniProt`.
    UniProt,
    /// A match of `InterPro`, or what follows from one.
    InterPro,
    /// The sequence itself.
    Sequence,
}

impl Source {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::UniProt => "UniProtKB",
            Self::InterPro => "InterPro",
            Self::Sequence => "sequence",
        }
    }
}

/// Something that a record says about a protein.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The protein, as the record names it.
    pub protein: &'a str,
    /// Kind of the concept.
    pub kind: ConceptKind,
    /// Id of the concept.
    pub id: &'a str,
    /// Human-readable name of the concept, where the record has it.
    pub name: &'a str,
    /// Where in the protein.
    pub place: Place,
    /// Whose statement.
    pub source: Source,
    /// GO codes or ECO ids, separated by commas, or empty.
    pub evidence: &'a str,
    /// Line of the record, from 1.
    pub line: u64,
}

impl<'a> Observation<'a> {
    /// What `UniProt` says of a whole protein, its concept still to be named: a feature without id, name or evidence.
    #[must_use]
    pub fn of_uniprot(protein: &'a str, line: u64) -> Self {
        Self {
            protein,
            kind: ConceptKind::Feature,
            id: "",
            name: "",
            place: Place::Whole,
            source: Source::UniProt,
            evidence: "",
            line,
        }
    }

    /// That a protein has a term of the Gene Ontology.
    #[must_use]
    pub fn of_term(protein: &'a str, id: &'a str, evidence: &'a str, line: u64) -> Self {
        Self {
            protein,
            kind: ConceptKind::Go,
            id,
            name: "",
            place: Place::Whole,
            source: Source::Go,
            evidence,
            line,
        }
    }
}

/// What a record says of its protein's sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Number of residues.
    pub length: Option<u32>,
    /// CRC64 of `UniProt`.
    pub crc64: Option<u64>,
    /// MD5 of `InterProScan`.
    pub md5: Option<[u8; 16]>,
}

/// What the readers are asked to take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Kinds of concepts to take.
    pub kinds: Vec<ConceptKind>,
    /// Evidence to take.
    pub evidence: EvidenceFilter,
    /// Whether bad records are skipped and counted instead of refused.
    pub skip_bad: bool,
    /// Whether `sp|P12345|NAME` is kept as it is.
    pub raw_ids: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kinds: vec![
                ConceptKind::Go,
                ConceptKind::Interpro,
                ConceptKind::Feature,
                ConceptKind::Keyword,
            ],
            evidence: EvidenceFilter::Any,
            skip_bad: false,
            raw_ids: false,
        }
    }
}
