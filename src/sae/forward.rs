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
    config::{ForcedMean, Objective, Variant},
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
const MIN_BLOCK: usize = 32;

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
    /// Activations: positive, or (while learning) 0 where only the gate or threshold feels the row.
    pub values: Vec<T>,
    /// Whether the activation is the forced one.
    pub forced: Vec<bool>,
    /// Gated: the gate; jumprelu: the pre-activation. Otherwise empty.
    pub second: Vec<T>,
}

impl<T> SparseRows<T> {
    /// Forgets all rows, keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.clear();
        self.offsets.push(0);
        self.latents.clear();
        self.values.clear();
        self.forced.clear();
        self.second.clear();
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

    /// Keeps the entries that `keep` says, of all rows.
    pub fn retain(&mut self, keep: impl Fn(usize, u32, &T) -> bool) {
        let (mut to, mut start) = (0, 0);
        for row in 0..self.offsets.len().saturating_sub(1) {
            let end = self.offsets[row + 1];
            for from in start..end {
                if keep(row, self.latents[from], &self.values[from]) {
                    self.latents.swap(to, from);
                    self.values.swap(to, from);
                    self.forced.swap(to, from);
                    to += 1;
                }
            }
            self.offsets[row + 1] = to;
            start = end;
        }
        self.latents.truncate(to);
        self.values.truncate(to);
        self.forced.truncate(to);
    }

    fn push(&mut self, latent: u32, value: T, forced: bool) {
        self.latents.push(latent);
        self.values.push(value);
        self.forced.push(forced);
    }
}

/// How latents of a row are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice<T> {
    /// How many at most.
    pub k: usize,
    /// What their value is above.
    pub least: T,
    /// Whether entries without activation are kept, for the sake of gradients.
    pub learning: bool,
}

impl<T: Real> Choice<T> {
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
        }
    }

    /// In a step of training; of batchtopk, candidates only.
    #[must_use]
    pub fn learning(objective: &Objective, params: &Params<T>) -> Self {
        Self {
            least: T::ZERO,
            learning: true,
            ..Self::applied(objective, params)
        }
    }
}

/// Memory that a thread reuses from block to block.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T: Real> {
    tile: Vec<T>,
    selectors: Vec<Selector<T>>,
}

/// Encodes a block of centred rows `xc` `[rows, d]`.
///
/// `scale` is exp(r) `[m]`. Fills `logits` `[rows, m]` and replaces `out`.
#[expect(
    clippy::too_many_arguments,
    reason = "what is read, what is written, and what is reused"
)]
pub fn encode_block<T: Real>(
    params: &Params<T>,
    scale: &[T],
    objective: &Objective,
    choice: Choice<T>,
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
        selector.reset(choice.k, choice.least);
    }
    let probe = objective.variant == Variant::LinearProbe;
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
                    if !probe {
                        selector.offer(first, count, |i| scale[i] * raw[i] + bias[i]);
                    }
                    let b_pred = &params.b_pred[first..first + count];
                    let logits = &mut logits[row * m + first..row * m + first + count];
                    for ((logit, &raw), &b) in logits.iter_mut().zip(raw).zip(b_pred) {
                        *logit = raw + b;
                    }
                } else if jump {
                    let threshold = &params.threshold[first..first + count];
                    selector.offer(first, count, |i| raw[i] + bias[i] - threshold[i] + window);
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
        let selected = selector.finish();
        match objective.variant {
            Variant::Gated => open_gates(params, choice, selected, out),
            Variant::Jumprelu => jump_over(params, choice, selected, window, out),
            _ => force(selected, logits, n - m, m, objective, out),
        }
        out.offsets.push(out.latents.len());
    }
}

/// Appends a row of a gated model: the latents whose gates are open, and their magnitudes.
fn open_gates<T: Real>(
    params: &Params<T>,
    choice: Choice<T>,
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
fn jump_over<T: Real>(
    params: &Params<T>,
    choice: Choice<T>,
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
