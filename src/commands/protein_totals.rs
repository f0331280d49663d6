//! Sums over the residues of a protein: what is said of the whole of it, and what it is called by.

use super::calling::Calling;
use crate::{
    sae::{config::Shape, encode::sigmoid},
    score::calls::ProteinMeans,
    table::proteins::{MIN_PROBABILITY, ProteinFeatures},
};

/// Sums over the residues of one protein.
pub(super) struct Totals {
    pub(super) protein: String,
    pub(super) residues: u32,
    input_sum: Vec<f64>,
    logit_sum: Vec<f64>,
    probability_sum: Vec<f64>,
    probability_max: Vec<f32>,
    activation_sum: Vec<f64>,
    activation_max: Vec<f32>,
    /// Latents that were active, in order of appearance.
    touched: Vec<u32>,
}

impl Totals {
    pub(super) fn new(shape: &Shape) -> Self {
        let (concepts, latents) = (shape.defined, shape.latents);
        Self {
            protein: String::new(),
            residues: 0,
            input_sum: vec![0.0; shape.width],
            logit_sum: vec![0.0; concepts],
            probability_sum: vec![0.0; concepts],
            probability_max: vec![0.0; concepts],
            activation_sum: vec![0.0; latents],
            activation_max: vec![0.0; latents],
            touched: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, x: &[f32], logits: &[f32], latents: &[u32], values: &[f32]) {
        self.residues += 1;
        for (sum, &x) in self.input_sum.iter_mut().zip(x) {
            *sum += f64::from(x);
        }
        let sums = self
            .probability_sum
            .iter_mut()
            .zip(&mut self.probability_max)
            .zip(&mut self.logit_sum);
        for (&logit, ((sum, max), logit_sum)) in logits.iter().zip(sums) {
            let p = sigmoid(logit);
            *logit_sum += f64::from(logit);
            *sum += f64::from(p);
            *max = max.max(p);
        }
        for (&latent, &value) in latents.iter().zip(values) {
            let k = latent as usize;
            if self.activation_max[k] == 0.0 {
                self.touched.push(latent);
            }
            self.activation_sum[k] += f64::from(value);
            self.activation_max[k] = self.activation_max[k].max(value);
        }
    }

    /// Means over the residues of the PLM's activations `[width]`.
    pub(super) fn mean_activation(&self) -> Vec<f32> {
        let n = f64::from(self.residues.max(1));
        self.input_sum.iter().map(|sum| (sum / n) as f32).collect()
    }

    /// The protein's row; begins anew.
    pub(super) fn take(&mut self, calling: Option<&Calling>) -> ProteinFeatures {
        let n = f64::from(self.residues.max(1));
        let mean = |sums: &[f64]| {
            sums.iter()
                .map(|sum| (sum / n) as f32)
                .collect::<Vec<f32>>()
        };
        let (input, logits) = (self.mean_activation(), mean(&self.logit_sum));
        let mut row = ProteinFeatures {
            protein: std::mem::take(&mut self.protein),
            length: std::mem::take(&mut self.residues),
            ..ProteinFeatures::default()
        };
        for (concept, &max) in self.probability_max.iter().enumerate() {
            if max >= MIN_PROBABILITY {
                row.concepts.push(concept as u32);
                row.probability_mean
                    .push((self.probability_sum[concept] / n) as f32);
                row.probability_max.push(max);
            }
        }
        self.input_sum.fill(0.0);
        self.logit_sum.fill(0.0);
        self.probability_sum.fill(0.0);
        self.probability_max.fill(0.0);
        self.touched.sort_unstable();
        for &latent in &self.touched {
            let k = latent as usize;
            row.latents.push(latent);
            row.activation_mean
                .push((self.activation_sum[k] / n) as f32);
            row.activation_max.push(self.activation_max[k]);
            self.activation_sum[k] = 0.0;
            self.activation_max[k] = 0.0;
        }
        self.touched.clear();
        row.calls = calling.map(|calling| {
            let latents = row.latents.iter().copied();
            let means = ProteinMeans {
                logits,
                latents: latents.zip(row.activation_mean.iter().copied()).collect(),
            };
            calling.call(&row.protein, &means, &input)
        });
        row
    }
}
