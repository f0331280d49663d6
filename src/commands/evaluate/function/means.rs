//! Means over the residues of each protein, of all that a model says.

use super::super::rows::PartRows;
use crate::{sae::encode::sigmoid, split::partition::Part};

/// One protein.
pub(super) struct Mean {
    pub(super) protein: String,
    pub(super) part: Part,
    /// Probabilities of the concepts.
    pub(super) probabilities: Vec<f32>,
    /// Logits of the concepts.
    pub(super) logits: Vec<f32>,
    /// The PLM's activations.
    pub(super) activations: Vec<f32>,
    /// Latents that are ever active, ascending, and their activations.
    pub(super) latents: Vec<(u32, f32)>,
}

/// Means of all proteins.
pub(in crate::commands::evaluate) struct Means {
    pub(super) latents: usize,
    pub(super) width: usize,
    /// In the order of their names.
    pub(super) proteins: Vec<Mean>,
}

impl Means {
    pub(in crate::commands::evaluate) fn new(latents: usize, width: usize) -> Self {
        Self {
            latents,
            width,
            proteins: Vec::new(),
        }
    }

    /// Adds a protein.
    pub(in crate::commands::evaluate) fn add(&mut self, rows: &PartRows) {
        let Some(part) = rows.part else { return };
        let n = rows.positions.len().max(1) as f64;
        let concepts = rows.logits.len() / rows.positions.len().max(1);
        let mut sums = vec![(0.0_f64, 0.0_f64); concepts];
        for row in rows.logits.chunks_exact(concepts.max(1)) {
            for ((p, l), &logit) in sums.iter_mut().zip(row) {
                *p += f64::from(sigmoid(logit));
                *l += f64::from(logit);
            }
        }
        let mut active: Vec<(u32, f32)> = (rows.latents.iter().copied())
            .zip(rows.values.iter().copied())
            .collect();
        // a stable sort: each latent's values are added in the order of the residues
        active.sort_by_key(|&(latent, _)| latent);
        let latents = active.chunk_by(|a, b| a.0 == b.0).map(|same| {
            let sum: f64 = same.iter().map(|&(_, value)| f64::from(value)).sum();
            (same[0].0, (sum / n) as f32)
        });
        self.proteins.push(Mean {
            protein: rows.protein.clone(),
            part,
            probabilities: sums.iter().map(|(p, _)| (p / n) as f32).collect(),
            logits: sums.iter().map(|(_, l)| (l / n) as f32).collect(),
            activations: rows
                .activation_sums
                .iter()
                .map(|s| (s / n) as f32)
                .collect(),
            latents: latents.collect(),
        });
    }

    /// All proteins are there: they get an order that is theirs alone.
    pub(in crate::commands::evaluate) fn sort(&mut self) {
        self.proteins.sort_by(|a, b| a.protein.cmp(&b.protein));
    }
}
