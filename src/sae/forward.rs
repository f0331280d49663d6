//! From activations to concept predictions and sparse latents, for a block of rows.
//!
//! One matrix product serves the predictor and both encoders: the defined pre-activation is
//! `exp(r) (logit - b_pred) + b_enc`. The product is made in tiles that stay in cache and are
//! reduced to the K largest at once, so the rows-by-latents matrix never exists.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]

mod sparse;

pub use sparse::SparseRows;

use super::{
    config::{ForcedMean, Objective, Variant},
    params::Params,
    splice,
};
use crate::math::simd::LANES;
use crate::math::{
    product::{panels, weights_by_panels},
    real::Real,
    topk::Selector,
};
use crate::wide;

/// Latents per tile of the product.
const TILE: usize = 128;
/// Most rows per block.
const MAX_BLOCK: usize = 128;
/// Fewest rows per block: below, reading the weights costs more than multiplying.
const MIN_BLOCK: usize = 32;

/// Rows per block for a batch of `rows`: enough blocks to share among threads, whatever their
/// number, since results must not depend on it.
#[must_use]
pub fn block_rows(rows: usize) -> usize {
    (rows / 16)
        .next_multiple_of(LANES)
        .clamp(MIN_BLOCK, MAX_BLOCK)
}

/// How latents of a row are chosen.
#[derive(Clone, Copy, Debug)]
pub struct SelectionRule<'a, T> {
    /// How many at most.
    pub k: usize,
    /// What their value is above.
    pub least: T,
    /// Whether entries without activation are kept, for the sake of gradients.
    pub learning: bool,
    /// Which latents are dead, `[n]`; empty where none is, or none is asked for.
    pub dead: &'a [bool],
}

impl<'a, T: Real> SelectionRule<'a, T> {
    /// When a model is applied.
    #[must_use]
    pub fn applied(objective: &Objective, params: &Params<T>) -> Self {
        let batch_wide = objective.variant == Variant::Batchtopk;
        Self {
            k: if objective.variant.uses_k() && !batch_wide {
                objective.k
            } else {
                usize::MAX
            },
            least: match params.threshold.first() {
                // one threshold for all; that of jumprelu is part of the value
                Some(&threshold) if batch_wide => threshold,
                _ => T::ZERO,
            },
            learning: false,
            dead: &[],
        }
    }

    /// In a step of training; of batchtopk, candidates only.
    #[must_use]
    pub fn learning(objective: &Objective, params: &Params<T>, dead: &'a [bool]) -> Self {
        Self {
            least: T::ZERO,
            learning: true,
            dead,
            ..Self::applied(objective, params)
        }
    }
}

/// What is computed from the parameters before they are applied.
#[derive(Clone, Debug, Default)]
pub struct CachedParams<T> {
    /// exp(r), `[m]`.
    pub scale: Vec<T>,
    /// Products of all pairs of decoder rows, `[n, n]`; empty for variants without need.
    pub gram: Vec<T>,
}

impl<T: Real> CachedParams<T> {
    /// Of these parameters.
    #[must_use]
    pub fn new(params: &Params<T>, objective: &Objective) -> Self {
        let mut derived = Self::default();
        derived.refresh(params, objective);
        derived
    }

    /// Follows the parameters, of which a fixed dictionary does not change.
    pub fn refresh(&mut self, params: &Params<T>, objective: &Objective) {
        self.scale.clear();
        self.scale.extend(params.r_pred.iter().map(|r| r.exp()));
        if objective.variant == Variant::Splice && self.gram.is_empty() {
            self.gram = splice::gram(params);
        }
    }
}

/// Memory that a thread reuses from block to block.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T: Real> {
    panels: Vec<T>,
    tile: Vec<T>,
    selector: Selector<T>,
    of_dead: Selector<T>,
    code: splice::Code<T>,
    /// The dead latents that were chosen to reconstruct what is left of the last block; no rows
    /// where none is dead.
    pub dead: SparseRows<T>,
}

/// Encodes a block of centred rows `xc` `[rows, d]`.
///
/// Fills `logits` `[rows, m]` and replaces `out`.
#[expect(
    clippy::too_many_arguments,
    reason = "what is read, what is written, and what is reused"
)]
pub fn encode_block<T: Real>(
    params: &Params<T>,
    derived: &CachedParams<T>,
    objective: &Objective,
    choice: SelectionRule<'_, T>,
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
    panels(xc, d, &mut scratch.panels);
    let lanes = rows.next_multiple_of(LANES);
    scratch.tile.resize(lanes * TILE, T::ZERO);
    scratch.selector.reset(rows, choice.k, choice.least);
    let of_dead = &mut scratch.of_dead;
    if !choice.dead.is_empty() {
        of_dead.reset(rows, objective.aux_k.unwrap_or(0), T::ZERO);
    }
    // all that these need is the product
    let chosen_later = objective.variant.only_concepts();
    // the value that is compared with 0: the window around a threshold begins half a width below
    let window = if choice.learning {
        T::of(objective.bandwidth / 2.0)
    } else {
        T::ZERO
    };
    let jump = objective.variant == Variant::Jumprelu;
    let mut first = 0;
    while first < n {
        // a tile is either of defined or of unknown latents
        let end = if first < m { m } else { n };
        let count = TILE.min(end - first);
        let weights = &params.enc[first * d..(first + count) * d];
        let tile = &mut scratch.tile[..count * lanes];
        weights_by_panels(weights, d, &scratch.panels, tile);
        let selector = &mut scratch.selector;
        wide!(|| {
            for (latent, raw) in (first..).zip(tile.chunks_exact(lanes)) {
                if chosen_later {
                    continue;
                }
                let mut bias = params.b_enc[latent];
                if jump {
                    bias = bias - params.threshold[latent] + window;
                }
                let scale = derived.scale.get(latent).copied().unwrap_or(T::ONE);
                for (panel, raw) in raw.as_chunks::<LANES>().0.iter().enumerate() {
                    let mut values = *raw;
                    for value in &mut values {
                        *value = scale * *value + bias;
                    }
                    selector.offer(panel, latent as u32, &values);
                    if choice.dead.get(latent) == Some(&true) {
                        of_dead.offer(panel, latent as u32, &values);
                    }
                }
            }
            if first < m {
                let b_pred = &params.b_pred[first..first + count];
                for (row, logits) in logits.chunks_exact_mut(m).enumerate() {
                    let raw = tile[row..].iter().step_by(lanes);
                    let logits = &mut logits[first..first + count];
                    for ((logit, &raw), &b) in logits.iter_mut().zip(raw).zip(b_pred) {
                        *logit = raw + b;
                    }
                }
            }
        });
        first += count;
    }
    out.clear();
    for row in 0..rows {
        let logits = &logits[row * m..(row + 1) * m];
        let selected = scratch.selector.finish(row);
        match objective.variant {
            Variant::Gated => select_gated(params, choice, selected, out),
            Variant::Jumprelu => select_jumprelu(params, choice, selected, window, out),
            Variant::Splice => scratch
                .code
                .append(params, &derived.gram, logits, objective, out),
            _ if objective.forced_activation => {
                select_protsae(selected, logits, n - m, m, objective, out);
            }
            _ => select_protsae(selected, &[], n - m, m, objective, out),
        }
        out.offsets.push(out.latents.len());
    }
    let dead = &mut scratch.dead;
    dead.clear();
    if choice.dead.is_empty() {
        dead.offsets.clear();
        return;
    }
    for row in 0..rows {
        for &(value, latent) in of_dead.finish(row) {
            dead.push(latent, value, false);
        }
        dead.offsets.push(dead.latents.len());
    }
}

/// Appends a row of a gated model: the latents whose gates are open, and their magnitudes.
fn select_gated<T: Real>(
    params: &Params<T>,
    choice: SelectionRule<'_, T>,
    gates: &[(T, u32)],
    out: &mut SparseRows<T>,
) {
    for &(gate, latent) in gates {
        let l = latent as usize;
        let raw = gate - params.b_enc[l];
        let magnitude = (params.r_mag[l].exp() * raw + params.b_mag[l]).larger(T::ZERO);
        if choice.learning || magnitude > T::ZERO {
            out.push(latent, magnitude, false);
            out.second.push(gate);
        }
    }
}

/// Appends a row of a jumprelu model: the latents above their thresholds, or near below.
fn select_jumprelu<T: Real>(
    params: &Params<T>,
    choice: SelectionRule<'_, T>,
    selected: &[(T, u32)],
    window: T,
    out: &mut SparseRows<T>,
) {
    for &(value, latent) in selected {
        let threshold = params.threshold[latent as usize];
        let pre = value - window + threshold;
        let active = value > window;
        if choice.learning || active {
            out.push(latent, if active { pre } else { T::ZERO }, false);
            out.second.push(pre);
        }
    }
}

/// Appends a row: the selected latents, and every predicted concept lifted to the unknown mean.
fn select_protsae<T: Real>(
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
        crate::math::vector::axpy(value, row, out);
    }
}
