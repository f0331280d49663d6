//! Labels joined to residues: for every protein, which concepts its rows carry.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::batch::ALL_GROUPS;
use crate::annot::{
    concept::{CONCEPTS_FORMAT, Concept, ConceptKind, ConceptsFile, Level},
    label::Label,
};
use crate::sae::{
    error::SaeError,
    settings::{LabelLevel, Unlabelled},
};

/// A concept's place in a protein; `end` 0: the whole protein.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    concept: u32,
    start: u32,
    end: u32,
}

/// The labels of one protein.
#[derive(Clone, Debug, Default)]
struct OfProtein {
    ranges: Vec<Range>,
    /// Groups of concepts that it has labels of, a bit each.
    groups: u64,
}

/// The labels of every protein.
#[derive(Clone, Debug, Default)]
pub struct LabelIndex {
    proteins: HashMap<String, OfProtein>,
    concepts: Vec<String>,
    /// Group (kind and namespace) of each concept.
    groups: Vec<u8>,
    unlabelled: Unlabelled,
}

impl LabelIndex {
    /// Joins labels to the numbers of their concepts.
    ///
    /// # Errors
    /// [`SaeError::UnknownConcepts`] where a label's concept is not in the vocabulary.
    pub fn new(
        labels: &[Label],
        concepts: &ConceptsFile,
        level: LabelLevel,
        unlabelled: Unlabelled,
    ) -> Result<Self, SaeError> {
        let numbers: HashMap<&str, u32> = concepts
            .concepts
            .iter()
            .map(|c| (c.id.as_str(), c.index))
            .collect();
        let unknown: BTreeSet<&str> = labels
            .iter()
            .map(|l| l.concept.as_str())
            .filter(|id| !numbers.contains_key(id))
            .collect();
        if !unknown.is_empty() {
            let first: Vec<&str> = unknown.iter().copied().take(10).collect();
            return Err(SaeError::UnknownConcepts {
                count: unknown.len(),
                first: first.join(", "),
            });
        }
        let mut names_residues = vec![false; concepts.concepts.len()];
        for label in labels.iter().filter(|l| l.start.is_some()) {
            names_residues[numbers[label.concept.as_str()] as usize] = true;
        }
        let groups = group_concepts(concepts);
        let mut proteins: HashMap<String, OfProtein> = HashMap::new();
        for label in labels {
            let concept = numbers[label.concept.as_str()];
            let ends = label.start.zip(label.end);
            let range = match (level, ends) {
                (LabelLevel::Residue, None) => None,
                (LabelLevel::Auto, None) if names_residues[concept as usize] => None,
                (LabelLevel::Protein, _) | (LabelLevel::Auto, None) => Some((1, 0)),
                (LabelLevel::Residue | LabelLevel::Auto, Some(ends)) => Some(ends),
            };
            // a protein whose labels all are of another level is labelled nevertheless
            let protein = proteins.entry(label.protein.clone()).or_default();
            protein.groups |= 1 << groups[concept as usize];
            if let Some((start, end)) = range {
                protein.ranges.push(Range {
                    concept,
                    start,
                    end,
                });
            }
        }
        for OfProtein { ranges, .. } in proteins.values_mut() {
            ranges.sort_unstable();
            ranges.dedup();
            ranges.shrink_to_fit();
        }
        let ids = concepts.concepts.iter().map(|c| c.id.clone());
        Ok(Self {
            proteins,
            concepts: ids.collect(),
            groups,
            unlabelled,
        })
    }

    /// The labels of a protein.
    #[must_use]
    pub fn protein(&self, accession: &str) -> ProteinLabels<'_> {
        let found = self.proteins.get(accession);
        ProteinLabels {
            ranges: found.map_or(&[], |of| &of.ranges),
            groups: match (self.unlabelled, found) {
                (Unlabelled::Negative, _) | (Unlabelled::Ignore, Some(_)) => ALL_GROUPS,
                (Unlabelled::Namespace, Some(of)) => of.groups,
                (_, None) => 0,
            },
        }
    }

    /// Group (kind and namespace) of each concept.
    #[must_use]
    pub fn groups(&self) -> &[u8] {
        &self.groups
    }

    /// Proteins with labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.proteins.len()
    }

    /// Whether there is no label at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.proteins.is_empty()
    }

    /// Demands that a protein's labels lie within its `length` residues.
    ///
    /// # Errors
    /// [`SaeError::LabelPastEnd`].
    pub fn check_length(&self, accession: &str, length: u32) -> Result<(), SaeError> {
        let past = self
            .protein(accession)
            .ranges
            .iter()
            .find(|range| range.end > length);
        match past {
            None => Ok(()),
            Some(range) => Err(SaeError::LabelPastEnd {
                protein: accession.into(),
                concept: self.concepts[range.concept as usize].clone(),
                start: range.start,
                end: range.end,
                length,
            }),
        }
    }
}

/// The labels of one protein.
#[derive(Clone, Copy, Debug)]
pub struct ProteinLabels<'a> {
    ranges: &'a [Range],
    /// Groups of concepts that its labels speak of, a bit each; for the others, its rows take no
    /// part in the annotation loss.
    pub groups: u64,
}

impl ProteinLabels<'_> {
    /// Concept, first and last residue of each, sorted; 1 and 0 where it is the whole protein.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u32, u32, u32)> {
        self.ranges.iter().map(|r| (r.concept, r.start, r.end))
    }

    /// Appends the concepts of the residue at `position`, ascending, each once; every concept of
    /// the protein where there is no position (a pooled row).
    pub fn append(&self, position: Option<u32>, out: &mut Vec<u32>) {
        let start = out.len();
        for range in self.ranges {
            let here = match position {
                Some(p) => range.end == 0 || (range.start <= p && p <= range.end),
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

/// The kind that an id's prefix says.
fn kind_of(id: &str) -> ConceptKind {
    match id.split_once(':').map(|(prefix, _)| prefix) {
        Some("GO") => ConceptKind::Go,
        Some("InterPro") => ConceptKind::Interpro,
        Some("UniProtKB-KW") => ConceptKind::Keyword,
        Some("residue") => ConceptKind::Residue,
        _ => ConceptKind::Feature,
    }
}

/// The vocabulary of labels that came without one: their ids, sorted by kind and id, no axioms.
#[must_use]
pub fn vocabulary(labels: &[Label]) -> ConceptsFile {
    #[derive(Default)]
    struct Count<'a> {
        proteins: BTreeSet<&'a str>,
        residues: BTreeMap<&'a str, BTreeSet<u32>>,
    }
    let mut counts: BTreeMap<(ConceptKind, &str), Count<'_>> = BTreeMap::new();
    for label in labels {
        let count = counts
            .entry((kind_of(&label.concept), &label.concept))
            .or_default();
        count.proteins.insert(&label.protein);
        if let Some((start, end)) = label.start.zip(label.end) {
            let residues = count.residues.entry(&label.protein).or_default();
            residues.extend(start..=end.min(start.saturating_add(1 << 20)));
        }
    }
    let concepts = counts
        .iter()
        .zip(0..)
        .map(|(((kind, id), count), index)| Concept {
            index,
            id: (*id).to_owned(),
            name: (*id).to_owned(),
            kind: *kind,
            namespace: None,
            level: if count.residues.is_empty() {
                Level::Protein
            } else {
                Level::Residue
            },
            parents: Vec::new(),
            proteins: count.proteins.len() as u64,
            residues: count.residues.values().map(|r| r.len() as u64).sum(),
            partial: false,
            information_content: 0.0,
        })
        .collect();
    ConceptsFile {
        format: CONCEPTS_FORMAT.into(),
        concepts,
        ..ConceptsFile::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn at(index: &LabelIndex, protein: &str, position: u32) -> Vec<u32> {
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
        let concepts = vocabulary(&labels);
        assert_eq!(concepts.concepts[0].id, "GO:0000001");
        assert_eq!(concepts.concepts[1].residues, 5);
        let index = |level| LabelIndex::new(&labels, &concepts, level, Unlabelled::Ignore).unwrap();
        let auto = index(LabelLevel::Auto);
        assert_eq!(at(&auto, "P1", 1), [0]);
        assert_eq!(at(&auto, "P1", 3), [0, 1]);
        assert_eq!(at(&auto, "P2", 3), [] as [u32; 0]);
        assert_eq!(auto.protein("P2").groups, ALL_GROUPS);
        assert_eq!(auto.protein("P3").groups, 0);
        let level = LabelLevel::Auto;
        let by_name = LabelIndex::new(&labels, &concepts, level, Unlabelled::Namespace).unwrap();
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

    #[test]
    fn unknown_concepts_are_named() {
        let labels = [label("P1", "GO:0000001", None)];
        let error = LabelIndex::new(
            &labels,
            &ConceptsFile::default(),
            LabelLevel::Auto,
            Unlabelled::Negative,
        )
        .unwrap_err();
        assert!(error.to_string().contains("GO:0000001"));
    }
}
