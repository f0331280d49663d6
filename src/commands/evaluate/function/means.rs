//! Means over the residues of each protein, of all that a model says.

use super::super::rows::PartRows;
use crate::{
    sae::{config::Shape, encode::sigmoid},
    score::calls::ProteinMeans,
    split::partition::Part,
};

/// One protein.
pub(in crate::commands::evaluate) struct Mean {
    pub(in crate::commands::evaluate) protein: String,
    pub(in crate::commands::evaluate) part: Part,
    /// Probabilities of the concepts.
    pub(super) probabilities: Vec<f32>,
    /// Logits of the concepts.
    pub(super) logits: Vec<f32>,
    /// The PLM's activations.
    pub(in crate::commands::evaluate) activations: Vec<f32>,
    /// Latents that are ever active, ascending, and their activations.
    pub(in crate::commands::evaluate) latents: Vec<(u32, f32)>,
}

/// Means of all proteins.
pub(in crate::commands::evaluate) struct Means {
    pub(in crate::commands::evaluate) latents: usize,
    pub(in crate::commands::evaluate) width: usize,
    /// In the order of their names.
    pub(in crate::commands::evaluate) proteins: Vec<Mean>,
}

impl Means {
    pub(in crate::commands::evaluate) fn new(shape: &Shape) -> Self {
        Self {
            latents: shape.latents,
            width: shape.width,
            proteins: Vec::new(),
        }
    }

    /// Adds a protein.
    pub(in crate::commands::evaluate) fn add(&mut self, rows: &PartRows) {
        let Some(part) = rows.part else { return };
        let n = rows.positions.len().max(1) as f64;
        let concepts = rows.logits.len() / rows.positions.len().max(1);
        let mut sums = vec![0.0_f64; concepts];
        for row in rows.logits.chunks_exact(concepts.max(1)) {
            for (sum, &logit) in sums.iter_mut().zip(row) {
                *sum += f64::from(sigmoid(logit));
            }
        }
        let means = ProteinMeans::of(
            rows.positions.len(),
            &rows.logits,
            &rows.latents,
            &rows.values,
        );
        self.proteins.push(Mean {
            protein: rows.protein.clone(),
            part,
            probabilities: sums.iter().map(|sum| (sum / n) as f32).collect(),
            logits: means.logits,
            activations: rows
                .activation_sums
                .iter()
                .map(|s| (s / n) as f32)
                .collect(),
            latents: means.latents,
        });
    }

    /// All proteins are there: they get an order that is theirs alone.
    pub(in crate::commands::evaluate) fn sort(&mut self) {
        self.proteins.sort_by(|a, b| a.protein.cmp(&b.protein));
    }
}
