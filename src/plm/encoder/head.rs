//! The masked-language-modelling head: logits and log-likelihoods of tokens.

use super::{
    block::{Linear, Norm},
    embeddings::Embeddings,
};
use crate::math::simd;
use crate::plm::{
    architecture::Architecture,
    batch::Batch,
    error::PlmError,
    panel::{self, LANES, View, ViewMut},
    weights::{Matrix, ModelFolder, Precision},
};
use rayon::prelude::*;

/// The head's weights.
pub(super) struct Head {
    /// First layer.
    pub(super) dense: Linear,
    /// Norm behind it.
    pub(super) norm: Norm,
    /// Into logits.
    pub(super) decoder: Linear,
}

impl Head {
    /// Loads the head; its decoder is the word embedding unless the configuration says otherwise.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor is missing (a checkpoint of a classifier has none of them).
    pub(super) fn load(
        folder: &ModelFolder,
        embeddings: &Embeddings,
        precision: Precision,
    ) -> Result<Self, PlmError> {
        let config = &folder.architecture;
        let (width, tokens, names) = (config.width, config.tokens, config.names);
        let weight = if config.tied_head {
            Matrix::from_vec(embeddings.words().to_vec(), tokens, width)
        } else {
            folder.matrix(names.head_decoder, tokens, width, precision)?
        };
        Ok(Self {
            dense: Linear::load(folder, names.head_dense, width, width, precision)?,
            norm: Norm::load(folder, names.head_norm)?,
            decoder: Linear {
                weight,
                bias: folder.vector(names.head_bias, tokens)?,
            },
        })
    }

    /// Logits from the last residual stream, in panels.
    pub(super) fn logits(&self, config: &Architecture, batch: &Batch, stream: &[f32]) -> Logits {
        let size = config.width * LANES;
        let tokens = batch.tokens().len();
        let mut values = vec![0f32; tokens * config.tokens];
        values
            .par_chunks_mut(LANES * config.tokens)
            .zip(stream.par_chunks(size))
            .for_each(|(rows, x)| {
                panel::with_scratch(2 * size + config.tokens * LANES, |scratch| {
                    let (first, rest) = scratch.split_at_mut(size);
                    let (second, out) = rest.split_at_mut(size);
                    let view = View {
                        data: x,
                        stride: size,
                    };
                    let mut to = ViewMut {
                        data: first,
                        stride: size,
                    };
                    panel::linear(&self.dense.weight, &self.dense.bias, &view, &mut to, 1);
                    simd::gelu(first);
                    self.norm.apply(config.epsilon, first, second);
                    let view = View {
                        data: second,
                        stride: size,
                    };
                    let stride = config.tokens * LANES;
                    let mut to = ViewMut { data: out, stride };
                    panel::linear(&self.decoder.weight, &self.decoder.bias, &view, &mut to, 1);
                    for (lane, row) in rows.chunks_exact_mut(config.tokens).enumerate() {
                        panel::column(out, lane, row);
                    }
                });
            });
        Logits {
            vocab: config.tokens,
            values,
        }
    }
}

/// Logits of every token of a batch, row-major.
pub struct Logits {
    vocab: usize,
    values: Vec<f32>,
}

impl Logits {
    /// From rows of `vocab` numbers.
    pub(super) fn new(vocab: usize, values: Vec<f32>) -> Self {
        Self { vocab, values }
    }

    /// The logits of a token (its index in the batch).
    #[must_use]
    pub fn row(&self, token: usize) -> &[f32] {
        &self.values[token * self.vocab..][..self.vocab]
    }

    /// The natural logarithm of the probability of token id `id` in the place of a token.
    #[must_use]
    pub fn log_probability(&self, token: usize, id: u32) -> f64 {
        let row = self.row(token);
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|&l| f64::from(l - largest).exp()).sum();
        f64::from(row[id as usize] - largest) - sum.ln()
    }

    /// The sum of log-probabilities of a sequence's residues, each seen by the model (no masking).
    #[must_use]
    pub fn log_likelihood(&self, batch: &Batch, sequence: usize) -> f64 {
        batch
            .residues(sequence)
            .map(|token| self.log_probability(token, batch.tokens()[token]))
            .sum()
    }
}
