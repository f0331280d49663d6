//! What records have added, so that it can be taken back: a record that turns out to be bad leaves nothing behind, and
//! a protein whose positions an input counts along another sequence has no label of that input.

use super::{Collector, DropReason, Fingerprint, InputReport, NO_EVIDENCE, RawConcept, Row, Tally};
use crate::annot::{concept::ConceptKind, error::AnnotError, evidence::EvidenceFilter};
use std::collections::HashSet;

/// What is counted of the current input.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) kept: u64,
    /// By kind and level.
    pub(super) kept_by_kind: [[u64; 2]; ConceptKind::ALL.len()],
    pub(super) dropped: [u64; DropReason::ALL.len()],
    pub(super) unknown_evidence: u64,
    pub(super) without_evidence: u64,
    pub(super) by_secondary_accession: u64,
    pub(super) of_forms: u64,
    pub(super) by_sequence: u64,
}

/// What the current input has changed.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Counts that a protein has raised.
    pub(super) tallies: Vec<(u32, Tally)>,
    /// Fingerprints of proteins as they were before.
    pub(super) learned: Vec<(u32, Fingerprint)>,
    /// Proteins whose sequences were kept.
    pub(super) sequences: Vec<u32>,
    /// Names of concepts as they were before the current record.
    pub(super) renamed: Vec<(u32, String)>,
    /// Proteins whose numbering was proven wrong.
    pub(super) wrong: HashSet<String>,
}

/// How far everything was when a record began.
pub(super) struct Mark {
    counters: Counters,
    rows: usize,
    proteins: usize,
    concepts: usize,
    listed: usize,
    tallies: usize,
    learned: usize,
    sequences: usize,
}

impl Collector {
    /// Remembers where a record begins.
    pub(super) fn mark(&mut self) -> Mark {
        self.journal.renamed.clear();
        Mark {
            counters: self.counters,
            rows: self.rows.len(),
            proteins: self.proteins.count(),
            concepts: self.concepts.len(),
            listed: self.current.bad.len(),
            tallies: self.journal.tallies.len(),
            learned: self.journal.learned.len(),
            sequences: self.journal.sequences.len(),
        }
    }

    /// Takes back all that was added since.
    pub(super) fn undo(&mut self, mark: &Mark) {
        self.counters = mark.counters;
        self.rows.truncate(mark.rows);
        self.current.bad.truncate(mark.listed);
        self.journal.tallies.truncate(mark.tallies);
        for (protein, before) in self.journal.learned.drain(mark.learned..).rev() {
            self.sequences.set(protein, before);
        }
        for protein in self.journal.sequences.drain(mark.sequences..) {
            self.kept_sequences.get_or_insert_default().remove(&protein);
        }
        if self.concepts.len() > mark.concepts || !self.journal.renamed.is_empty() {
            for (concept, name) in self.journal.renamed.drain(..).rev() {
                self.concepts[concept as usize].name = name;
            }
            for concept in self.concepts.drain(mark.concepts..) {
                self.concept_index[concept.kind as usize].remove(&concept.id);
            }
            self.entries.clear();
        }
        self.proteins.truncate(mark.proteins);
        self.sequences.truncate(mark.proteins);
        self.last.forget();
    }

    /// Notes the proteins whose numbering an error proves wrong.
    pub(super) fn distrust(&mut self, error: &AnnotError) {
        for protein in error.misnumbered() {
            let accession = self.accession(protein).to_owned();
            self.journal.wrong.insert(accession);
        }
    }

    /// Takes back what the current input says of proteins whose numbering it has wrong, wherever it says so.
    pub(super) fn withdraw_misnumbered(&mut self) {
        let names = std::mem::take(&mut self.journal.wrong);
        let numbers = names.iter().filter_map(|name| self.proteins.get(name));
        let wrong: HashSet<u32> = numbers.collect();
        if wrong.is_empty() {
            return;
        }
        let mut rows = self.rows.split_off(self.current.rows.start);
        let unproven = self.settings.evidence != EvidenceFilter::Any;
        let concepts = &self.concepts;
        self.current
            .withdraw(&mut rows, &wrong, concepts, unproven, |_| false);
        self.rows.append(&mut rows);
        for &(protein, before) in self.journal.learned.iter().rev() {
            if wrong.contains(&protein) {
                self.sequences.set(protein, before);
            }
        }
        if let Some(kept) = &mut self.kept_sequences {
            for protein in self.journal.sequences.iter().filter(|p| wrong.contains(p)) {
                kept.remove(protein);
            }
        }
    }
}

impl InputReport {
    /// Removes from the input's rows those of proteins whose numbering is wrong, and everything that was counted of
    /// them; `is_bad` tells rows that are bad in themselves.
    pub(in crate::annot) fn withdraw(
        &mut self,
        rows: &mut Vec<Row>,
        wrong: &HashSet<u32>,
        concepts: &[RawConcept],
        unproven: bool,
        is_bad: impl Fn(&Row) -> bool,
    ) {
        rows.retain(|row| {
            if !wrong.contains(&row.protein) {
                return true;
            }
            let reason = if is_bad(row) {
                DropReason::Bad
            } else {
                DropReason::WrongNumbering
            };
            let kind = concepts[row.concept as usize].kind;
            self.take_back(kind, row.place.level(), reason, 1);
            self.without_evidence -= u64::from(unproven && row.evidence == NO_EVIDENCE);
            false
        });
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.retain(|(protein, tally)| {
            let is_wrong = wrong.contains(protein);
            let count = match tally {
                Tally::UnknownEvidence => &mut self.unknown_evidence,
                Tally::SecondaryAccession => &mut self.by_secondary_accession,
                Tally::Sequence => &mut self.by_sequence,
            };
            *count -= u64::from(is_wrong);
            !is_wrong
        });
        self.tallies = tallies;
    }
}
