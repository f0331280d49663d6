//! What was read from an input, and why some of it is no label.

use crate::annot::concept::{ConceptKind, Level};
use serde::Serialize;
use std::{collections::BTreeMap, fmt, ops::Range};

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
    /// Said of an isoform or a chain alone.
    OtherForm,
    /// A position is unknown or uncertain.
    UncertainPosition,
    /// It belongs to no concept (an `InterProScan` match without an entry, a comment in free text).
    NoConcept,
    /// Its term is obsolete, without replacement.
    ObsoleteTerm,
    /// The ontology does not have its term.
    UnknownTerm,
    /// Of a protein whose positions the input counts along another sequence, as one of its records proves.
    WrongNumbering,
    /// A bad record, skipped on request.
    Bad,
}

impl DropReason {
    /// All reasons, in their order.
    pub const ALL: [Self; 12] = [
        Self::Kind,
        Self::Negated,
        Self::Evidence,
        Self::OtherProtein,
        Self::Isoform,
        Self::OtherForm,
        Self::UncertainPosition,
        Self::NoConcept,
        Self::ObsoleteTerm,
        Self::UnknownTerm,
        Self::WrongNumbering,
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
            Self::OtherForm => "of isoforms or chains alone",
            Self::UncertainPosition => "at uncertain positions",
            Self::NoConcept => "without a concept",
            Self::ObsoleteTerm => "of obsolete terms",
            Self::UnknownTerm => "of terms that the ontology does not have",
            Self::WrongNumbering => "of proteins numbered along another sequence",
            Self::Bad => "bad",
        })
    }
}

/// A count that one protein has raised, beside those that its rows tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// [`InputReport::unknown_evidence`].
    UnknownEvidence,
    /// [`InputReport::by_secondary_accession`].
    SecondaryAccession,
    /// [`InputReport::by_sequence`].
    Sequence,
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
    /// Statements whose evidence has no GO code, so that it is only guessed whether it is of the kind asked for; they
    /// are taken under `any` and `curated`.
    pub unknown_evidence: u64,
    /// Kept statements without evidence, where some was asked for: features and keywords seldom have any.
    pub without_evidence: u64,
    /// Entries that were found under a secondary accession.
    pub by_secondary_accession: u64,
    /// GO annotations of an isoform or a processed chain, taken for the canonical protein (and for the
    /// isoform where it is among the sequences).
    pub of_forms: u64,
    /// Records whose protein was found by the MD5 of its sequence.
    pub by_sequence: u64,
    /// Kept statements whose id is an `alt_id` of a current term.
    pub alt_id_followed: u64,
    /// Kept statements whose id is of an obsolete term with a replacement.
    pub replaced_by_followed: u64,
    /// The first bad records that were skipped.
    pub bad: Vec<String>,
    /// Where among all statements those kept of this input are.
    #[serde(skip)]
    pub rows: Range<usize>,
    /// Counts that single proteins have raised, by number of the protein.
    #[serde(skip)]
    pub tallies: Vec<(u32, Tally)>,
}

impl InputReport {
    /// Takes back kept statements, which turn out to be no labels.
    pub(in crate::annot) fn take_back(
        &mut self,
        kind: ConceptKind,
        level: Level,
        reason: DropReason,
        count: u64,
    ) {
        if count == 0 {
            return;
        }
        self.kept -= count;
        *self.dropped.entry(reason).or_default() += count;
        let name = kind_and_level(kind, level);
        if let Some(kept) = self.kept_by_kind.get_mut(&name) {
            *kept -= count;
            if *kept == 0 {
                self.kept_by_kind.remove(&name);
            }
        }
    }
}

/// Under which name statements are counted: `feature, residue`.
pub(super) fn kind_and_level(kind: ConceptKind, level: Level) -> String {
    format!("{}, {}", kind.as_str(), level.as_str())
}
