//! Latents and concepts over items: what alignment scores are computed from.
//!
//! Items are residues (for concepts whose labels name residues) or proteins (for the others, and for
//! tests of association, since residues of one protein are not independent).

use crate::annot::{concept::Level, label_index::LabelRange};

/// An active latent on an item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The item.
    pub item: u32,
    /// What ranks the item: the activation of a residue, the mean over the residues of a protein.
    pub value: f32,
    /// What is held against a threshold: the activation of a residue, the largest of a protein.
    pub peak: f32,
}

/// Items with their active latents and their concepts.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    items: usize,
    /// Active items of each latent, by item.
    hits: Vec<Vec<Hit>>,
    /// Concept of each instance.
    instances: Vec<u32>,
    /// Where each item's instances begin, and the last end.
    offsets: Vec<usize>,
    /// Instances of each item, by concept.
    members: Vec<u32>,
    /// Items that carry each concept.
    positives: Vec<usize>,
    /// Instances of each concept.
    instance_counts: Vec<usize>,
}

impl Sheet {
    /// An empty sheet for a model with this many latents and a vocabulary of this many concepts.
    #[must_use]
    pub fn new(latents: usize, concepts: usize) -> Self {
        Self {
            items: 0,
            hits: vec![Vec::new(); latents],
            instances: Vec::new(),
            offsets: vec![0],
            members: Vec::new(),
            positives: vec![0; concepts],
            instance_counts: vec![0; concepts],
        }
    }

    /// Items.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// Latents.
    #[must_use]
    pub fn latents(&self) -> usize {
        self.hits.len()
    }

    /// Concepts of the vocabulary.
    #[must_use]
    pub fn concepts(&self) -> usize {
        self.positives.len()
    }

    /// Items that carry a concept.
    #[must_use]
    pub fn positives(&self, concept: usize) -> usize {
        self.positives[concept]
    }

    /// Instances of a concept.
    #[must_use]
    pub fn instances(&self, concept: usize) -> usize {
        self.instance_counts[concept]
    }

    /// Active items of a latent.
    #[must_use]
    pub fn hits(&self, latent: usize) -> &[Hit] {
        &self.hits[latent]
    }

    /// Instances on an item, by concept.
    pub(super) fn members(&self, item: u32) -> &[u32] {
        let item = item as usize;
        &self.members[self.offsets[item]..self.offsets[item + 1]]
    }

    /// Concept of an instance.
    pub(super) fn concept_of(&self, instance: u32) -> usize {
        self.instances[instance as usize] as usize
    }

    /// Whether each item carries a concept.
    #[must_use]
    pub fn carries(&self, concept: usize) -> Vec<bool> {
        (0..self.items as u32)
            .map(|item| {
                self.members(item)
                    .iter()
                    .any(|&i| self.concept_of(i) == concept)
            })
            .collect()
    }

    /// Gives every item the instances of another: item i those of item `order[i]`, a permutation.
    pub fn exchange(&mut self, order: &[usize]) {
        let mut members = Vec::with_capacity(self.members.len());
        let mut offsets = vec![0];
        for &item in order {
            members.extend_from_slice(self.members(item as u32));
            offsets.push(members.len());
        }
        (self.members, self.offsets) = (members, offsets);
    }

    /// Begins the instances of a group of items (a protein): returns the number of the first.
    fn begin_instances(&mut self, concepts: impl IntoIterator<Item = u32>) -> u32 {
        let first = self.instances.len() as u32;
        for concept in concepts {
            self.instance_counts[concept as usize] += 1;
            self.instances.push(concept);
        }
        first
    }

    /// Ends an item with these instances, which must be sorted by concept.
    fn end_item(&mut self, instances: impl IntoIterator<Item = u32>) {
        let mut last = None;
        for instance in instances {
            let concept = self.instances[instance as usize];
            if last != Some(concept) {
                self.positives[concept as usize] += 1;
                last = Some(concept);
            }
            self.members.push(instance);
        }
        self.offsets.push(self.members.len());
        self.items += 1;
    }

    /// Adds the residues of a protein: rows of latents by position, and its labels.
    ///
    /// Only labels of concepts for which `keep` is true count.
    pub fn add_residues<'a>(
        &mut self,
        labels: &[LabelRange],
        keep: impl Fn(u32) -> bool,
        rows: impl IntoIterator<Item = ResidueRow<'a>>,
    ) {
        let kept: Vec<LabelRange> = labels
            .iter()
            .copied()
            .filter(|l| !l.is_whole() && keep(l.concept))
            .collect();
        // the two ends of a bond share their instance
        let mut numbers = Vec::with_capacity(kept.len());
        let mut distinct: Vec<(u32, u32)> = kept.iter().map(|l| (l.concept, l.instance)).collect();
        distinct.dedup();
        let first = self.begin_instances(distinct.iter().map(|d| d.0));
        for label in &kept {
            let at = distinct.partition_point(|d| *d < (label.concept, label.instance));
            numbers.push(first + at as u32);
        }
        for row in rows {
            let (position, item) = (row.position, self.items as u32);
            for (&latent, &value) in row.latents.iter().zip(row.values) {
                let hit = Hit {
                    item,
                    value,
                    peak: value,
                };
                self.hits[latent as usize].push(hit);
            }
            let on_it = kept.iter().zip(&numbers);
            let on_it = on_it.filter(|(l, _)| l.start <= position && position <= l.end);
            let instances: Vec<u32> = on_it.map(|(_, &n)| n).collect();
            self.end_item(instances);
        }
    }

    /// Adds a protein: its active latents with their mean and largest activation, and its labels.
    ///
    /// Only labels of concepts for which `keep` is true count.
    pub fn add_protein(
        &mut self,
        labels: &[LabelRange],
        keep: impl Fn(u32) -> bool,
        latents: &[ProteinLatent],
    ) {
        let mut concepts: Vec<u32> = labels
            .iter()
            .map(|l| l.concept)
            .filter(|&c| keep(c))
            .collect();
        concepts.dedup();
        let item = self.items as u32;
        for found in latents {
            let (value, peak) = (found.mean, found.peak);
            self.hits[found.latent as usize].push(Hit { item, value, peak });
        }
        let count = concepts.len() as u32;
        let first = self.begin_instances(concepts);
        self.end_item(first..first + count);
    }
}

/// The active latents of a residue.
#[derive(Clone, Copy, Debug)]
pub struct ResidueRow<'a> {
    /// Its position, from 1.
    pub position: u32,
    /// Latents.
    pub latents: &'a [u32],
    /// Their activations.
    pub values: &'a [f32],
}

/// A latent that is active in a protein.
#[derive(Clone, Copy, Debug)]
pub struct ProteinLatent {
    /// The latent.
    pub latent: u32,
    /// Its mean activation over all residues.
    pub mean: f32,
    /// Its largest.
    pub peak: f32,
}

/// Which concepts a sheet of residues, or of proteins, judges.
#[must_use]
pub fn judged_on(level: Level, residues: bool) -> bool {
    (level == Level::Residue) == residues
}
