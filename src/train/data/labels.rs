//! Labels joined to residues: for every protein, which concepts its rows carry.

use super::batch::ALL_GROUPS;
use crate::annot::{
    concept::{Concept, ConceptsFile},
    label_index::{LabelError, LabelIndex, LabelRange},
};
use crate::sae::settings::{LabelLevel, Unlabelled};
use std::collections::{BTreeMap, BTreeSet};

/// The labels of every protein, as rows carry them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrainingLabels {
    index: LabelIndex,
    /// Groups of concepts that each protein has labels of, a bit each; by number of the protein in the index.
    spoken: Vec<u64>,
    /// Group (kind and namespace) of each concept.
    groups: Vec<u8>,
    unlabelled: Unlabelled,
}

impl TrainingLabels {
    /// Joins labels to rows: `level` says which labels hold for which rows, `unlabelled` what it means that a protein
    /// has none of a concept.
    #[must_use]
    pub(crate) fn new(
        mut index: LabelIndex,
        concepts: &ConceptsFile,
        level: LabelLevel,
        unlabelled: Unlabelled,
    ) -> Self {
        let groups = group_concepts(concepts);
        // a protein whose labels all are of another level is labelled nevertheless
        let of_protein = |labels: &Vec<LabelRange>| {
            let groups = labels.iter().map(|l| 1 << groups[l.concept as usize]);
            groups.fold(0, |all, group: u64| all | group)
        };
        let spoken = index.by_number().iter().map(of_protein).collect();
        let mut names_residues = vec![false; concepts.concepts.len()];
        for label in index.by_number().iter().flatten() {
            names_residues[label.concept as usize] |= !label.is_whole();
        }
        index.rewrite(|label| {
            let holds = match (level, label.is_whole()) {
                (LabelLevel::Residue, true) => false,
                (LabelLevel::Auto, true) => !names_residues[label.concept as usize],
                (LabelLevel::Protein, _) | (LabelLevel::Residue | LabelLevel::Auto, false) => true,
            };
            let is_whole = level == LabelLevel::Protein;
            holds.then_some(LabelRange {
                concept: label.concept,
                // a row carries a concept once, in however many instances
                instance: 0,
                start: if is_whole { 0 } else { label.start },
                end: if is_whole { 0 } else { label.end },
            })
        });
        Self {
            index,
            spoken,
            groups,
            unlabelled,
        }
    }

    /// The labels of a protein.
    #[must_use]
    pub(crate) fn protein(&self, accession: &str) -> ProteinLabels<'_> {
        let found = self.index.number(accession);
        ProteinLabels {
            ranges: found.map_or(&[], |number| &self.index.by_number()[number]),
            groups: match (self.unlabelled, found) {
                (Unlabelled::Negative, _) | (Unlabelled::Ignore, Some(_)) => ALL_GROUPS,
                (Unlabelled::Namespace, Some(number)) => self.spoken[number],
                (_, None) => 0,
            },
        }
    }

    /// Group (kind and namespace) of each concept.
    #[must_use]
    pub(crate) fn groups(&self) -> &[u8] {
        &self.groups
    }

    /// Demands that a protein's labels lie within its `length` residues.
    ///
    /// # Errors
    /// [`LabelError::PastEnd`].
    pub(crate) fn check_length(&self, accession: &str, length: u32) -> Result<(), LabelError> {
        self.index.check_length(accession, length)
    }
}

/// The labels of one protein.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProteinLabels<'a> {
    /// By concept, then place.
    pub(crate) ranges: &'a [LabelRange],
    /// Groups of concepts that its labels speak of, a bit each; for the others, its rows take no
    /// part in the annotation loss.
    pub groups: u64,
}

impl ProteinLabels<'_> {
    /// Appends the concepts of the residue at `position`, ascending, each once; every concept of
    /// the protein where there is no position (a pooled row).
    pub(crate) fn append(&self, position: Option<u32>, out: &mut Vec<u32>) {
        let start = out.len();
        for range in self.ranges {
            let here = match position {
                Some(p) => range.is_whole() || (range.start <= p && p <= range.end),
                None => true,
            };
            // ranges are sorted by concept
            if here && out[start..].last() != Some(&range.concept) {
                out.push(range.concept);
            }
        }
    }
}

/// Numbers kinds and namespaces; beyond 63 of them, the rest share a number.
fn group_concepts(concepts: &ConceptsFile) -> Vec<u8> {
    let key = |c: &Concept| (c.kind, c.namespace.clone());
    let all: BTreeSet<_> = concepts.concepts.iter().map(key).collect();
    let numbers: BTreeMap<_, u8> = all
        .into_iter()
        .zip((0..=63).chain(std::iter::repeat(63)))
        .collect();
    concepts.concepts.iter().map(|c| numbers[&key(c)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annot::{label::Label, label_index::LabelCollector};

    fn index(labels: &[Label], concepts: &ConceptsFile) -> LabelIndex {
        let mut collector = LabelCollector::new(concepts);
        for label in labels {
            collector.add(label.clone());
        }
        collector.finish().unwrap()
    }

    fn label(protein: &str, concept: &str, ends: Option<(u32, u32)>) -> Label {
        Label {
            protein: protein.into(),
            concept: concept.into(),
            start: ends.map(|e| e.0),
            end: ends.map(|e| e.1),
            instance: 1,
            source: String::new(),
            evidence: None,
        }
    }

    fn at(index: &TrainingLabels, protein: &str, position: u32) -> Vec<u32> {
        let mut out = vec![99];
        index.protein(protein).append(Some(position), &mut out);
        out.split_off(1)
    }

    #[test]
    fn residues_outrank_proteins_where_a_concept_has_both() {
        let labels = [
            label("P1", "HELIX", Some((2, 4))),
            label("P1", "HELIX", Some((3, 6))),
            label("P1", "GO:0000001", None),
            label("P2", "HELIX", None),
        ];
        let concepts = ConceptsFile::of_labels(&labels);
        assert_eq!(concepts.concepts[0].id, "GO:0000001");
        assert_eq!(concepts.concepts[1].residues, 5);
        let joined = |level, unlabelled| {
            TrainingLabels::new(index(&labels, &concepts), &concepts, level, unlabelled)
        };
        let index = |level| joined(level, Unlabelled::Ignore);
        let auto = index(LabelLevel::Auto);
        assert_eq!(at(&auto, "P1", 1), [0]);
        assert_eq!(at(&auto, "P1", 3), [0, 1]);
        assert_eq!(at(&auto, "P2", 3), [] as [u32; 0]);
        assert_eq!(auto.protein("P2").groups, ALL_GROUPS);
        assert_eq!(auto.protein("P3").groups, 0);
        let by_name = joined(LabelLevel::Auto, Unlabelled::Namespace);
        assert_eq!(by_name.groups(), [0, 1]);
        assert_eq!(by_name.protein("P1").groups, 0b11);
        assert_eq!(by_name.protein("P2").groups, 0b10);
        assert_eq!(at(&index(LabelLevel::Residue), "P1", 1), [] as [u32; 0]);
        assert_eq!(at(&index(LabelLevel::Protein), "P1", 1), [0, 1]);
        assert_eq!(at(&index(LabelLevel::Protein), "P2", 1), [1]);
        assert!(auto.check_length("P1", 6).is_ok());
        let error = auto.check_length("P1", 5).unwrap_err().to_string();
        assert!(error.contains("HELIX") && error.contains("3-6"), "{error}");
    }
}
