//! The masked-language-modelling head: logits and log-likelihoods of tokens.

use super::{
    block::{Linear, Norm},
    embeddings::Embeddings,
};
use crate::math::simd;
use crate::plm::{
    architecture::{Architecture, NormKind},
    batch::Batch,
    error::PlmError,
    panel::{self, Inputs, LANES, View, ViewMut, Weights},
    weights::{Matrix, ModelFolder},
};
use rayon::prelude::*;

/// The head's weights.
pub(super) struct Head<W = Matrix> {
    /// First layer and the norm behind it, where there is more than a decoder.
    pub(super) first: Option<(Linear<W>, Norm)>,
    /// Into logits.
    pub(super) decoder: Linear<W>,
}

impl Head {
    /// Loads the head; its decoder is the word embedding where the configuration says so.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor is missing (a checkpoint of a classifier has none of them), or the family has no head.
    pub(super) fn load(folder: &ModelFolder, embeddings: &Embeddings) -> Result<Self, PlmError> {
        let config = &folder.architecture;
        let (width, tokens) = (config.width, config.tokens);
        let Some(names) = &config.names.head else {
            return Err(PlmError::Usage(format!(
                "{} has no masked-language-modelling head: it embeds, and predicts no residues",
                config.family
            )));
        };
        let weight = if config.tied_head {
            Matrix::from_vec(embeddings.words().to_vec(), tokens, width)
        } else {
            folder.matrix(names.decoder, tokens, width)?
        };
        let first = match names.first {
            Some([dense, norm]) => Some((
                Linear::load(folder, dense, width, width, true)?,
                Norm::load(folder, NormKind::Layer, norm, width, true)?,
            )),
            None => None,
        };
        Ok(Self {
            first,
            decoder: Linear {
                weight,
                bias: folder.vector(names.bias, tokens)?,
            },
        })
    }

    /// The same with its weights in another form.
    pub(super) fn map<W>(self, form: impl Fn(Matrix) -> W) -> Head<W> {
        Head {
            first: (self.first).map(|(dense, norm)| (dense.map(&form), norm)),
            decoder: self.decoder.map(&form),
        }
    }
}

impl Head<Weights> {
    /// Logits from the last residual stream, in panels; products are of single precision, whatever the blocks' are.
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
                    match &self.first {
                        None => second.copy_from_slice(x),
                        Some((dense, norm)) => {
                            let inputs = Inputs::Single(View {
                                data: x,
                                stride: size,
                            });
                            let mut to = ViewMut {
                                data: first,
                                stride: size,
                            };
                            panel::linear(&dense.weight, &dense.bias, &inputs, &mut to, 1);
                            simd::gelu(first);
                            norm.apply(config.epsilon, first, second);
                        }
                    }
                    let inputs = Inputs::Single(View {
                        data: second,
                        stride: size,
                    });
                    let stride = config.tokens * LANES;
                    let mut to = ViewMut { data: out, stride };
                    panel::linear(
                        &self.decoder.weight,
                        &self.decoder.bias,
                        &inputs,
                        &mut to,
                        1,
                    );
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
