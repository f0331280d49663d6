//! Tokens into the residual stream.

use super::block::Norm;
use crate::plm::{
    architecture::Positions,
    batch::Batch,
    error::PlmError,
    panel::{self, LANES},
    weights::ModelFolder,
};
use rayon::prelude::*;

/// Word embeddings, and what is done to them.
pub(super) struct Embeddings {
    words: Vec<f32>,
    width: usize,
    dropout: Option<TokenDropout>,
    /// What is added to a token by its place in its sequence: rows of `width` numbers, from that of the first token on.
    positions: Option<Vec<f32>>,
    norm: Option<Norm>,
    epsilon: f32,
}

/// Masked tokens count as zeros, and the others are scaled to what training saw.
struct TokenDropout {
    mask: Option<u32>,
    /// Share of tokens that were masked in training.
    in_training: f32,
}

impl Embeddings {
    /// Loads them.
    ///
    /// # Errors
    /// [`PlmError`] where the tensor does not fit.
    pub(super) fn load(folder: &ModelFolder) -> Result<Self, PlmError> {
        let config = &folder.architecture;
        let (tokens, width) = (config.tokens, config.width);
        let (names, epsilon) = (config.names, config.epsilon);
        let words = folder.matrix(names.words, tokens, width)?;
        let positions = match (config.positions, names.positions) {
            (Positions::Learned { rows, first }, Some(name)) => Some(
                folder
                    .matrix(name, rows, width)?
                    .to_vec()
                    .split_off(first * width),
            ),
            _ => None,
        };
        let norm = |name| Norm::load(folder, config.norm, name, width, names.biases.norms);
        Ok(Self {
            positions,
            norm: names.embedding_norm.map(norm).transpose()?,
            epsilon,
            words: words.to_vec(),
            width,
            dropout: config.masked_in_training.map(|share| TokenDropout {
                mask: folder.vocabulary.mask(),
                in_training: share,
            }),
        })
    }

    /// The embedding of each token, `tokens x width`.
    pub(super) fn words(&self) -> &[f32] {
        &self.words
    }

    /// The share of each sequence's tokens that is not masked: under token dropout, tokens are scaled by
    /// (1 - the share in training) over this.
    fn unmasked(&self, batch: &Batch) -> Vec<f32> {
        let mask = self.dropout.as_ref().and_then(|dropout| dropout.mask);
        (0..batch.sequences())
            .map(|s| {
                let tokens = &batch.tokens()[batch.range(s)];
                let masked = tokens.iter().filter(|&&t| Some(t) == mask).count();
                1.0 - masked as f32 / tokens.len() as f32
            })
            .collect()
    }

    /// One token's row of the residual stream, `row` of d numbers; `unmasked` as from [`Self::unmasked`], `position`
    /// counts from 0 in its sequence.
    ///
    /// # Panics
    /// Where the model has no such position: windows are checked against that before.
    fn row(&self, token: u32, position: usize, unmasked: f32, row: &mut [f32]) {
        let word = &self.words[token as usize * self.width..][..self.width];
        match &self.dropout {
            None => row.copy_from_slice(word),
            Some(dropout) if dropout.mask == Some(token) => row.fill(0.0),
            Some(dropout) => {
                for (value, word) in row.iter_mut().zip(word) {
                    *value = word * (1.0 - dropout.in_training) / unmasked;
                }
            }
        }
        if let Some(positions) = &self.positions {
            panel::add(row, &positions[position * self.width..][..self.width]);
        }
        if let Some(norm) = &self.norm {
            normalise(norm, self.epsilon, row);
        }
    }

    /// Residual 0 in panels; lanes behind the last token are zero.
    pub(super) fn embed(&self, batch: &Batch, out: &mut [f32]) {
        let unmasked = self.unmasked(batch);
        out.par_chunks_mut(self.width * LANES)
            .enumerate()
            .for_each(|(p, panel)| {
                let mut row = vec![0f32; self.width];
                panel.fill(0.0);
                let tokens = batch.tokens().iter().skip(p * LANES).take(LANES);
                for (lane, &token) in tokens.enumerate() {
                    let at = p * LANES + lane;
                    let sequence = batch.sequence_of(at);
                    let position = at - batch.range(sequence).start;
                    self.row(token, position, unmasked[sequence], &mut row);
                    panel::set_column(panel, lane, &row);
                }
            });
    }

    /// Residual 0 in rows, `tokens x width`.
    pub(super) fn rows(&self, batch: &Batch) -> Vec<f32> {
        let unmasked = self.unmasked(batch);
        let mut rows = vec![0f32; batch.tokens().len() * self.width];
        for (sequence, &unmasked) in unmasked.iter().enumerate() {
            for (position, token) in batch.range(sequence).enumerate() {
                let row = &mut rows[token * self.width..][..self.width];
                self.row(batch.tokens()[token], position, unmasked, row);
            }
        }
        rows
    }
}

/// Layer norm of a row, with sums in double precision.
fn normalise(norm: &Norm, epsilon: f32, row: &mut [f32]) {
    let width = row.len() as f64;
    let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / width;
    let squares = row.iter().map(|&v| (f64::from(v) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / width + f64::from(epsilon)).sqrt();
    for ((value, weight), bias) in row.iter_mut().zip(&norm.weight).zip(&norm.bias) {
        let centred = (f64::from(*value) - mean) / deviation;
        *value = (centred as f32).mul_add(*weight, *bias);
    }
}
