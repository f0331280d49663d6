//! Labels by protein, with concepts by number: what training and scoring look things up in.

use super::{
    concept::{ConceptsFile, Level},
    label::Label,
};
use crate::error::{Classify, ErrorKind};
use std::collections::{BTreeSet, HashMap};

/// What can be wrong between labels, concepts and proteins.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// Labels of concepts that the vocabulary does not have.
    #[error(
        "{count} labels name concepts that are not in the vocabulary, such as {examples}; both must come from one run of protsae-concepts"
    )]
    UnknownConcepts {
        /// Labels.
        count: u64,
        /// The first ids, by name.
        examples: String,
    },
    /// A label past the end of its protein.
    #[error(
        "label '{concept}' of protein '{protein}' ends at residue {end}, the protein has {length}"
    )]
    PastEnd {
        /// The protein.
        protein: String,
        /// The concept.
        concept: String,
        /// Last residue of the label.
        end: u32,
        /// Residues of the protein.
        length: u32,
    },
}

impl Classify for LabelError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

/// One label of a protein.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelRange {
    /// Number of the concept.
    pub concept: u32,
    /// Number of the occurrence.
    pub instance: u32,
    /// First residue, 1-based; 0: the whole protein.
    pub start: u32,
    /// Last residue, inclusive; 0: the whole protein.
    pub end: u32,
}

impl LabelRange {
    /// Whether it names the whole protein.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.start == 0
    }
}

/// Labels by protein.
#[derive(Clone, Debug, Default)]
pub struct LabelIndex {
    by_protein: HashMap<String, Vec<LabelRange>>,
    /// Ids of the concepts, by number.
    ids: Vec<String>,
    levels: Vec<Level>,
}

/// Collects labels; [`LabelCollector::finish`] checks them.
pub struct LabelCollector {
    index: LabelIndex,
    numbers: HashMap<String, u32>,
    unknown: BTreeSet<String>,
    unknown_count: u64,
}

/// Unknown ids that a message names.
const EXAMPLES: usize = 10;

impl LabelCollector {
    /// Begins to collect labels of these concepts.
    #[must_use]
    pub fn new(concepts: &ConceptsFile) -> Self {
        let ids: Vec<String> = concepts.concepts.iter().map(|c| c.id.clone()).collect();
        let numbered = ids.iter().cloned().zip(0..).collect();
        Self {
            index: LabelIndex {
                by_protein: HashMap::new(),
                levels: concepts.concepts.iter().map(|c| c.level).collect(),
                ids,
            },
            numbers: numbered,
            unknown: BTreeSet::new(),
            unknown_count: 0,
        }
    }

    /// Adds a label.
    pub fn add(&mut self, label: Label) {
        let Some(&concept) = self.numbers.get(&label.concept) else {
            self.unknown_count += 1;
            if self.unknown.len() < EXAMPLES {
                self.unknown.insert(label.concept);
            }
            return;
        };
        self.index
            .by_protein
            .entry(label.protein)
            .or_default()
            .push(LabelRange {
                concept,
                instance: label.instance,
                start: label.start.unwrap_or(0),
                end: label.end.unwrap_or(0),
            });
    }

    /// The labels by protein, each protein's sorted.
    ///
    /// # Errors
    /// [`LabelError::UnknownConcepts`].
    pub fn finish(mut self) -> Result<LabelIndex, LabelError> {
        if self.unknown_count > 0 {
            let examples: Vec<String> = self.unknown.into_iter().collect();
            return Err(LabelError::UnknownConcepts {
                count: self.unknown_count,
                examples: examples.join(", "),
            });
        }
        for labels in self.index.by_protein.values_mut() {
            labels.sort_unstable();
            labels.dedup();
        }
        Ok(self.index)
    }
}

impl LabelIndex {
    /// Labels of a protein, by concept, instance and start; none where it has none.
    #[must_use]
    pub fn of(&self, protein: &str) -> &[LabelRange] {
        self.by_protein.get(protein).map_or(&[], Vec::as_slice)
    }

    /// Proteins that carry a label, and their labels, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[LabelRange])> {
        let all = self.by_protein.iter();
        all.map(|(protein, labels)| (protein.as_str(), labels.as_slice()))
    }

    /// Proteins that carry a label.
    #[must_use]
    pub fn proteins(&self) -> usize {
        self.by_protein.len()
    }

    /// Concepts of the vocabulary.
    #[must_use]
    pub fn concepts(&self) -> usize {
        self.ids.len()
    }

    /// Id of a concept.
    #[must_use]
    pub fn id(&self, concept: u32) -> &str {
        &self.ids[concept as usize]
    }

    /// Whether a concept's labels name residues.
    #[must_use]
    pub fn level(&self, concept: u32) -> Level {
        self.levels[concept as usize]
    }

    /// Demands that no label ends past a protein of this length.
    ///
    /// # Errors
    /// [`LabelError::PastEnd`], naming both.
    pub fn check_length(&self, protein: &str, length: u32) -> Result<(), LabelError> {
        match self.of(protein).iter().find(|l| l.end > length) {
            None => Ok(()),
            Some(label) => Err(LabelError::PastEnd {
                protein: protein.to_owned(),
                concept: self.ids[label.concept as usize].clone(),
                end: label.end,
                length,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annot::concept::{Concept, ConceptKind};

    fn concepts() -> ConceptsFile {
        let concept = |index, id: &str, level| Concept {
            index,
            id: id.into(),
            name: id.into(),
            kind: ConceptKind::Feature,
            namespace: None,
            level,
            parents: Vec::new(),
            proteins: 1,
            residues: 1,
            partial: false,
            information_content: 0.0,
        };
        ConceptsFile {
            concepts: vec![
                concept(0, "A", Level::Protein),
                concept(1, "B", Level::Residue),
            ],
            ..ConceptsFile::default()
        }
    }

    fn label(protein: &str, concept: &str, range: Option<(u32, u32)>) -> Label {
        Label {
            protein: protein.into(),
            concept: concept.into(),
            start: range.map(|r| r.0),
            end: range.map(|r| r.1),
            instance: 1,
            source: String::new(),
            evidence: None,
        }
    }

    #[test]
    fn labels_are_found_by_protein_in_order_of_concept() {
        let mut collector = LabelCollector::new(&concepts());
        collector.add(label("P", "B", Some((2, 5))));
        collector.add(label("P", "A", None));
        let index = collector.finish().unwrap();
        let found: Vec<_> = index
            .of("P")
            .iter()
            .map(|l| (l.concept, l.start, l.end))
            .collect();
        assert_eq!(found, [(0, 0, 0), (1, 2, 5)]);
        assert!(index.of("Q").is_empty());
        assert!(index.check_length("P", 5).is_ok());
        let error = index.check_length("P", 4).unwrap_err().to_string();
        assert_eq!(
            error,
            "label 'B' of protein 'P' ends at residue 5, the protein has 4"
        );
    }

    #[test]
    fn unknown_concepts_are_named() {
        let mut collector = LabelCollector::new(&concepts());
        collector.add(label("P", "C", None));
        let error = collector.finish().unwrap_err().to_string();
        assert!(
            error.contains("1 labels") && error.contains("such as C"),
            "{error}"
        );
    }
}
