//! What labels say of a protein, as ranges are held against it.

use crate::{
    annot::{
        concept::{Concept, ConceptKind},
        feature,
        label_index::LabelRange,
    },
    score::{decode::Item, matching::Known},
};

/// How the labels of a vocabulary become instances.
#[derive(Clone, Debug)]
pub struct Instances {
    /// Whether each concept joins residues.
    bonds: Vec<bool>,
    /// Whether each concept is partial.
    partial: Vec<bool>,
}

impl Instances {
    /// Of the concepts of a vocabulary, by index.
    #[must_use]
    pub fn new(concepts: &[Concept]) -> Self {
        let is_bond = |concept: &Concept| {
            concept.kind == ConceptKind::Feature
                && feature::is_bond(feature::key_of_concept(&concept.id))
        };
        Self {
            bonds: concepts.iter().map(is_bond).collect(),
            partial: concepts.iter().map(|c| c.partial).collect(),
        }
    }

    /// Whether a concept joins residues.
    #[must_use]
    pub fn is_bond(&self, concept: u32) -> bool {
        self.bonds[concept as usize]
    }

    /// Whether the absence of a concept says nothing outside of [`Instances::known`].
    #[must_use]
    pub fn is_partial(&self, concept: u32) -> bool {
        self.partial[concept as usize]
    }

    /// Distinct instances by concept: ranges; of a concept of bonds, the two ends of an instance together. Labels are those
    /// of one protein, by concept and instance.
    #[must_use]
    pub fn of(&self, labels: &[LabelRange]) -> Vec<(u32, Vec<Item>)> {
        let mut all = Vec::new();
        for of_concept in labels.chunk_by(|a, b| a.concept == b.concept) {
            let concept = of_concept[0].concept;
            let of_concept = || of_concept.iter().filter(|l| !l.is_whole());
            let mut items: Vec<Item> = if self.is_bond(concept) {
                let placed: Vec<&LabelRange> = of_concept().collect();
                let instances = placed.chunk_by(|a, b| a.instance == b.instance);
                let one = |ends: &[&LabelRange]| match ends {
                    [a, b] => Item::bond(a.start, b.start),
                    _ => Item::range(ends[0].start, ends[0].end),
                };
                instances.map(one).collect()
            } else {
                of_concept().map(|l| Item::range(l.start, l.end)).collect()
            };
            items.sort_unstable();
            items.dedup();
            if !items.is_empty() {
                all.push((concept, items));
            }
        }
        all
    }

    /// The stretch in which labels of partial concepts say something: from the first to the last residue that any of them
    /// names; none without such labels.
    #[must_use]
    pub fn known(&self, labels: &[LabelRange]) -> Option<Known> {
        let placed = labels.iter().filter(|l| !l.is_whole());
        let partial = placed.filter(|l| self.is_partial(l.concept));
        let stretches = partial.map(|l| Known {
            first: l.start,
            last: l.end,
        });
        stretches.reduce(|a, b| Known {
            first: a.first.min(b.first),
            last: a.last.max(b.last),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_distinct_ranges_and_bonds_have_two_ends() {
        let label = |concept, instance, start, end| LabelRange {
            concept,
            instance,
            start,
            end,
        };
        let labels = [
            label(0, 1, 3, 9),
            label(0, 2, 3, 9),
            label(0, 3, 5, 6),
            label(1, 1, 8, 8),
            label(1, 1, 2, 2),
            label(1, 2, 7, 7),
            label(2, 1, 0, 0),
        ];
        let expected = [
            (0, vec![Item::range(3, 9), Item::range(5, 6)]),
            (1, vec![Item::bond(2, 8), Item::range(7, 7)]),
        ];
        let instances = Instances {
            bonds: vec![false, true, false],
            partial: vec![true, false, true],
        };
        assert_eq!(instances.of(&labels), expected);
        let known = instances.known(&labels);
        assert_eq!(known, Some(Known { first: 3, last: 9 }));
        assert_eq!(instances.known(&labels[3..]), None);
    }
}
