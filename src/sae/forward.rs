//! From activations to concept predictions and sparse latents, for a block of rows.
//!
//! One matrix product serves the predictor and both encoders: the defined pre-activation is
//! `exp(r) (logit - b_pred) + b_enc`. The product is made in tiles that stay in cache and are
//! reduced to the K largest at once, so the rows-by-latents matrix never exists.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide` compiles"
)]

use super::{
    config::{ForcedMean, Objective},
    params::Params,
    product::{Matrix, multiply},
    real::Real,
    topk::Selector,
    vector::wide,
};

/// Latents per tile of the product.
const TILE: usize = 512;
/// Most rows per block.
const MAX_BLOCK: usize = 256;
/// Fewest rows per block: below, reading the weights costs more than multiplying.
const MIN_BLOCK: usize = 16;

/// Rows per block for a batch of `rows`: enough blocks to share among threads, whatever their
/// number, since results must not depend on it.
#[must_use]
pub fn block_rows(rows: usize) -> usize {
    (rows / 16).next_multiple_of(16).clamp(MIN_BLOCK, MAX_BLOCK)
}

/// Sparse rows of latents.
#[derive(Clone, Debug, Default)]
pub struct SparseRows<T> {
    /// Start of each row in the lists, and the end of the last.
    pub offsets: Vec<usize>,
    /// Latents, ascending in a row.
    pub latents: Vec<u32>,
    /// Activations, positive.
    pub values: Vec<T>,
    /// Whether the activation is the forced one.
    pub forced: Vec<bool>,
}

impl<T> SparseRows<T> {
    /// Forgets all rows, keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.clear();
        self.offsets.push(0);
        self.latents.clear();
        self.values.clear();
        self.forced.clear();
    }

    /// Rows held.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The entries of a row.
    #[must_use]
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    fn push(&mut self, latent: u32, value: T, forced: bool) {
        self.latents.push(latent);
        self.values.push(value);
        self.forced.push(forced);
    }
}

/// Memory that a thread reuses from block to block.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T> {
    tile: Vec<T>,
    selectors: Vec<Selector<T>>,
}

/// Encodes a block of centred rows `xc` `[rows, d]`.
///
/// `scale` is exp(r) `[m]`. Fills `logits` `[rows, m]` and replaces `out`.
pub fn encode_block<T: Real>(
    params: &Params<T>,
    scale: &[T],
    objective: &Objective,
    xc: &[T],
    logits: &mut [T],
    out: &mut SparseRows<T>,
    scratch: &mut Scratch<T>,
) {
    let (d, n, m) = (
        params.shape.width,
        params.shape.latents,
        params.shape.defined,
    );
    let rows = xc.len() / d;
    scratch.tile.resize(rows * TILE.min(n), T::ZERO);
    scratch
        .selectors
        .resize_with(rows.max(scratch.selectors.len()), Selector::default);
    for selector in &mut scratch.selectors[..rows] {
        selector.reset(objective.k);
    }
    let mut first = 0;
    while first < n {
        // a tile is either of defined or of unknown latents
        let end = if first < m { m } else { n };
        let count = TILE.min(end - first);
        multiply(
            Matrix::new(xc, rows, d, d),
            Matrix::new(&params.enc[first * d..(first + count) * d], count, d, d).transpose(),
            &mut scratch.tile,
            count,
        );
        let bias = &params.b_enc[first..first + count];
        let tile = scratch.tile[..rows * count].chunks_exact(count);
        wide(|| {
            for (row, (raw, selector)) in tile.zip(&mut scratch.selectors).enumerate() {
                if first < m {
                    let scale = &scale[first..first + count];
                    selector.offer(first, count, |i| scale[i] * raw[i] + bias[i]);
                    let b_pred = &params.b_pred[first..first + count];
                    let logits = &mut logits[row * m + first..row * m + first + count];
                    for ((logit, &raw), &b) in logits.iter_mut().zip(raw).zip(b_pred) {
                        *logit = raw + b;
                    }
                } else {
                    selector.offer(first, count, |i| raw[i] + bias[i]);
                }
            }
        });
        first += count;
    }
    out.clear();
    for (row, selector) in scratch.selectors[..rows].iter_mut().enumerate() {
        let logits = if objective.forced_activation {
            &logits[row * m..(row + 1) * m]
        } else {
            &[]
        };
        force(selector.finish(), logits, n - m, m, objective, out);
        out.offsets.push(out.latents.len());
    }
}

/// Appends a row: the selected latents, and every predicted concept lifted to the unknown mean.
fn force<T: Real>(
    selected: &[(T, u32)],
    logits: &[T],
    unknown: usize,
    defined: usize,
    objective: &Objective,
    out: &mut SparseRows<T>,
) {
    let split = selected.partition_point(|&(_, latent)| (latent as usize) < defined);
    let (mut of_concepts, others) = (&selected[..split], &selected[split..]);
    let mut sum = T::ZERO;
    for &(value, _) in others {
        sum += value;
    }
    let count = match objective.forced_mean {
        ForcedMean::All => unknown,
        ForcedMean::Active => others.len(),
    };
    let mean = if count == 0 {
        T::ZERO
    } else {
        sum / T::of(count as f64)
    };
    if mean > T::ZERO {
        for (concept, &logit) in logits.iter().enumerate() {
            // probability above one half
            if logit > T::ZERO {
                let concept = concept as u32;
                while let Some((&(value, latent), rest)) = of_concepts.split_first()
                    && latent < concept
                {
                    out.push(latent, value, false);
                    of_concepts = rest;
                }
                let own = match of_concepts.split_first() {
                    Some((&(value, latent), rest)) if latent == concept => {
                        of_concepts = rest;
                        value
                    }
                    _ => T::ZERO,
                };
                if mean > own {
                    out.push(concept, mean, true);
                } else {
                    out.push(concept, own, false);
                }
            }
        }
    }
    for &(value, latent) in of_concepts.iter().chain(others) {
        out.push(latent, value, false);
    }
}

/// `out = b_dec + sum of values times decoder rows` for one row.
#[inline(always)]
pub fn decode_row<T: Real>(params: &Params<T>, latents: &[u32], values: &[T], out: &mut [T]) {
    let d = params.shape.width;
    out.copy_from_slice(&params.b_dec);
    for (&latent, &value) in latents.iter().zip(values) {
        let row = &params.dec[latent as usize * d..][..d];
        super::vector::axpy(value, row, out);
    }
}
