//! Tokens into the residual stream.

use super::config::Config;
use crate::plm::{
    batch::Batch,
    error::PlmError,
    panel::{self, LANES},
    weights::ModelFolder,
};
use rayon::prelude::*;

/// Share of tokens that training masked, of which four fifths became `<mask>`.
const MASKED_IN_TRAINING: f32 = 0.15 * 0.8;

/// Word embeddings.
pub struct Embeddings {
    words: Vec<f32>,
    mask: u32,
}

impl Embeddings {
    /// Loads them.
    ///
    /// # Errors
    /// [`PlmError`] where the tensor does not fit.
    pub fn load(folder: &ModelFolder) -> Result<Self, PlmError> {
        let config = &folder.config;
        let name = "embeddings.word_embeddings.weight";
        let words = folder.matrix(
            name,
            config.vocab,
            config.width,
            crate::plm::weights::Precision::F32,
        )?;
        Ok(Self {
            words: words.to_vec(),
            mask: folder.vocab.mask,
        })
    }

    /// The embedding of each token, `vocab x width`.
    #[must_use]
    pub fn words(&self) -> &[f32] {
        &self.words
    }

    /// The share of each sequence's tokens that is not `<mask>`. Under token dropout, masked tokens
    /// count as zeros and the others are scaled to what training saw: by (1 - 0.12) over this.
    #[must_use]
    pub fn unmasked(&self, batch: &Batch) -> Vec<f32> {
        (0..batch.sequences())
            .map(|s| {
                let tokens = &batch.tokens()[batch.range(s)];
                let masked = tokens.iter().filter(|&&t| t == self.mask).count();
                1.0 - masked as f32 / tokens.len() as f32
            })
            .collect()
    }

    /// One token's row of the residual stream, `row` of d numbers; `unmasked` as from
    /// [`Self::unmasked`].
    pub fn row(&self, config: &Config, token: u32, unmasked: f32, row: &mut [f32]) {
        let width = config.width;
        if config.token_dropout && token == self.mask {
            row.fill(0.0);
            return;
        }
        row.copy_from_slice(&self.words[token as usize * width..][..width]);
        if config.token_dropout {
            for value in row {
                *value = *value * (1.0 - MASKED_IN_TRAINING) / unmasked;
            }
        }
    }

    /// Residual 0 in panels; lanes behind the last token are zero.
    pub fn embed(&self, config: &Config, batch: &Batch, out: &mut [f32]) {
        let unmasked = self.unmasked(batch);
        out.par_chunks_mut(config.width * LANES)
            .enumerate()
            .for_each(|(p, panel)| {
                let mut row = vec![0f32; config.width];
                panel.fill(0.0);
                for (lane, &token) in batch
                    .tokens()
                    .iter()
                    .skip(p * LANES)
                    .take(LANES)
                    .enumerate()
                {
                    let sequence = batch.sequence_of(p * LANES + lane);
                    self.row(config, token, unmasked[sequence], &mut row);
                    panel::set_column(panel, lane, &row);
                }
            });
    }
}
