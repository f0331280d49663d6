//! What was read from an input, and why some of it is no label.

use serde::Serialize;
use std::{collections::BTreeMap, fmt};

/// Why something that was read is no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// Its kind is not among `--kinds`.
    Kind,
    /// The record says NOT.
    Negated,
    /// Its evidence is not among `--evidence`.
    Evidence,
    /// Its protein is not among `--sequences`.
    OtherProtein,
    /// Numbered along an isoform.
    Isoform,
    /// A position is unknown or uncertain.
    UncertainPosition,
    /// It belongs to no concept (an `InterProScan` match without an entry).
    NoConcept,
    /// A bad record, skipped on request.
    Bad,
}

impl DropReason {
    /// All reasons, in their order.
    pub(super) const ALL: [Self; 8] = [
        Self::Kind,
        Self::Negated,
        Self::Evidence,
        Self::OtherProtein,
        Self::Isoform,
        Self::UncertainPosition,
        Self::NoConcept,
        Self::Bad,
    ];
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "of other kinds",
            Self::Negated => "negated (NOT)",
            Self::Evidence => "by evidence",
            Self::OtherProtein => "of proteins not in --sequences",
            Self::Isoform => "numbered along an isoform",
            Self::UncertainPosition => "at uncertain positions",
            Self::NoConcept => "without a concept",
            Self::Bad => "bad",
        })
    }
}

/// What was read from one input, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InputReport {
    /// Name of the input.
    pub input: String,
    /// Format of the input.
    pub format: String,
    /// Records (lines, entries) that were read.
    pub records: u64,
    /// Statements that were kept.
    pub kept: u64,
    /// Statements that were kept, by kind and level (`feature, residue`).
    pub kept_by_kind: BTreeMap<String, u64>,
    /// Statements and records that were not, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Records whose evidence is no GO code; they are taken under `any` and `curated`.
    pub unknown_evidence: u64,
    /// Entries that were found under a secondary accession.
    pub by_secondary_accession: u64,
    /// GO annotations of an isoform or a processed chain, taken for the canonical protein (and for the
    /// isoform where it is among the sequences).
    pub of_forms: u64,
    /// Records whose protein was found by the MD5 of its sequence.
    pub by_sequence: u64,
    /// The first bad records that were skipped.
    pub bad: Vec<String>,
}
