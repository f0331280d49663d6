//! Whether predictions and latents agree with the hierarchy of concepts: how often a child is predicted and its parent is
//! not, and how often a child's latent is active and its parent's is not (absorption: arXiv 2409.14507).
//!
//! A concept is predicted where its logit less the logarithm of its positives' weight in training is above 0: that weight
//! makes rare concepts too likely.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sae::{folder::Sae, hierarchy::Hierarchy, sigmoid};

/// Predictions of children, over items and edges of the hierarchy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Violations {
    /// Predictions of a child, one an edge and item.
    pub child_predictions: u64,
    /// Those of them whose parent is not predicted.
    pub violations: u64,
    /// Their share; none where no child is predicted.
    pub share: Option<f64>,
}

impl Violations {
    fn add(&mut self, edges: &[[u32; 2]], predicted: &[bool]) {
        for &[child, parent] in edges {
            if predicted[child as usize] {
                self.child_predictions += 1;
                self.violations += u64::from(!predicted[parent as usize]);
            }
        }
    }

    fn finish(mut self) -> Self {
        let some = self.child_predictions > 0;
        self.share = some.then(|| self.violations as f64 / self.child_predictions as f64);
        self
    }
}

/// Violations of the hierarchy on the test proteins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// Edges between concepts.
    pub edges: u64,
    /// Residue by residue.
    pub residues: Violations,
    /// Protein by protein: the mean over residues of the frequency is above one half.
    pub proteins: Violations,
    /// Of active latents in place of predictions, residue by residue.
    #[serde(default)]
    pub latents: Violations,
}

/// Counts violations.
#[derive(Debug)]
pub struct ConsistencyCounter {
    hierarchy: Hierarchy,
    /// Logarithms of the weights of positives, `[m]`.
    log_weights: Vec<f32>,
    counts: Consistency,
}

impl ConsistencyCounter {
    /// Of a model; none where no concept is a special case of another.
    #[must_use]
    pub fn new(sae: &Sae) -> Option<Self> {
        let defined = sae.config.shape.defined;
        let hierarchy = Hierarchy::new(&sae.concepts, defined);
        let weights = &sae.positive_weight;
        Self::of(hierarchy, weights, defined)
    }

    fn of(hierarchy: Hierarchy, weights: &[f32], defined: usize) -> Option<Self> {
        if hierarchy.edges().is_empty() {
            return None;
        }
        let mut log_weights: Vec<f32> = weights.iter().map(|w| w.ln()).collect();
        log_weights.resize(defined, 0.0);
        Some(Self {
            counts: Consistency {
                edges: hierarchy.edges().len() as u64,
                ..Consistency::default()
            },
            hierarchy,
            log_weights,
        })
    }

    /// Adds the active latents of a residue, ascending.
    pub fn add_latents(&mut self, latents: &[u32]) {
        let m = self.log_weights.len();
        let defined = &latents[..latents.partition_point(|&l| (l as usize) < m)];
        let edges = self.hierarchy.edges();
        for &child in defined {
            // edges ascend by child
            let first = edges.partition_point(|edge| edge[0] < child);
            for [_, parent] in edges[first..].iter().take_while(|edge| edge[0] == child) {
                self.counts.latents.child_predictions += 1;
                let is_active = defined.binary_search(parent).is_ok();
                self.counts.latents.violations += u64::from(!is_active);
            }
        }
    }

    /// Adds a protein with its logits `[residues, m]`.
    pub fn add(&mut self, logits: &[f32]) {
        let m = self.log_weights.len();
        let edges = self.hierarchy.edges();
        let mut sums = vec![0.0f64; m];
        let mut predicted = vec![false; m];
        let mut rows = 0.0;
        for row in logits.chunks_exact(m) {
            rows += 1.0;
            for (concept, (&logit, &w)) in row.iter().zip(&self.log_weights).enumerate() {
                predicted[concept] = logit > w;
                sums[concept] += f64::from(sigmoid(logit - w));
            }
            self.counts.residues.add(edges, &predicted);
        }
        for (predicted, sum) in predicted.iter_mut().zip(sums) {
            *predicted = sum > 0.5 * rows;
        }
        self.counts.proteins.add(edges, &predicted);
    }

    /// The counts and shares.
    #[must_use]
    pub fn finish(self) -> Consistency {
        Consistency {
            residues: self.counts.residues.finish(),
            proteins: self.counts.proteins.finish(),
            latents: self.counts.latents.finish(),
            ..self.counts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_without_its_parent_is_counted() {
        let hierarchy = Hierarchy::of_parents(&[&[1], &[2], &[]]);
        // the first concept's positives weigh e times as much as negatives
        let weights = [1f32.exp(), 1.0, 1.0];
        let mut counter = ConsistencyCounter::of(hierarchy, &weights, 3).unwrap();
        counter.add(&[2.0, 1.0, 1.0, 2.0, -1.0, 1.0, 0.5, 1.0, -1.0]);
        counter.add_latents(&[0, 1]);
        counter.add_latents(&[0, 2, 9]);
        counter.add_latents(&[9]);
        let counts = counter.finish();
        // the first row has 0 -> 1 right and 1 without 2, the second 0 without 1
        assert_eq!(counts.latents.child_predictions, 3);
        assert_eq!(counts.latents.violations, 2);
        // edges 0 -> 1 and 1 -> 2; the third row's first concept is below its weight
        assert_eq!(counts.edges, 2);
        assert_eq!(counts.residues.child_predictions, 4);
        assert_eq!(counts.residues.violations, 2);
        assert_eq!(counts.residues.share, Some(0.5));
        assert_eq!(counts.proteins.child_predictions, 2);
        assert_eq!(counts.proteins.share, Some(0.0));
    }

    #[test]
    fn without_a_hierarchy_there_is_nothing_to_count() {
        let flat = Hierarchy::of_parents(&[&[], &[]]);
        assert!(ConsistencyCounter::of(flat, &[1.0; 2], 2).is_none());
    }
}
