//! From activations to concept predictions and sparse latents, for a block of rows.
//!
//! One matrix product serves the predictor and both encoders: the defined pre-activation is
//! `exp(r) (logit - b_pred) + b_enc`. The product is made in tiles that stay in cache and are
//! reduced to the K largest at once, so the rows-by-latents matrix never exists.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]

mod force;

pub(crate) use force::active;

use force::Forcing;

use super::{
    config::Objective,
    hierarchy::Hierarchy,
    params::Params,
    sparse::{RowEntries, SparseRows},
    variants::{Code, Rule, SelectedRow, gram},
};
use crate::math::simd::LANES;
use crate::math::{
    matrix_unit::{Line, PackedRows, Split, pack_panel, panel_lines},
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
        let rule = objective.variant.rule::<T>();
        Self {
            k: rule.most(),
            least: rule.least(params),
            learning: false,
            dead: &[],
        }
    }

    /// In a step of training; where the batch limits them, candidates only.
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
    /// Into which numbers products with the encoder split theirs; `None` where they are of single precision.
    pub split: Option<Split>,
    /// The encoder's rows so split, those of defined latents and the others; empty without.
    packed: Vec<PackedRows>,
}

impl<T: Real> CachedParams<T> {
    /// Of these parameters.
    #[must_use]
    pub fn new(params: &Params<T>, objective: &Objective, split: Option<Split>) -> Self {
        let mut derived = Self {
            split,
            ..Self::default()
        };
        derived.refresh(params, objective);
        derived
    }

    /// Follows the parameters, of which a fixed dictionary does not change.
    pub fn refresh(&mut self, params: &Params<T>, objective: &Objective) {
        self.scale.clear();
        self.scale.extend(params.r_pred.iter().map(|r| r.exp()));
        if objective.variant.rule::<T>().needs_gram() && self.gram.is_empty() {
            self.gram = gram(params);
        }
        self.pack(params);
    }

    /// Begins anew, with other parameters.
    pub fn clear(&mut self) {
        *self = Self {
            split: self.split,
            ..Self::default()
        };
    }

    /// Packs the encoder's rows, where products split them.
    fn pack(&mut self, params: &Params<T>) {
        let (Some(split), Some(rows)) = (self.split, T::singles(&params.enc)) else {
            return;
        };
        let d = params.shape.width;
        let (defined, unknown) = rows.split_at(params.shape.defined * d);
        if let [first, second] = &mut self.packed[..] {
            first.replace(defined);
            second.replace(unknown);
        } else {
            self.packed = [defined, unknown]
                .map(|rows| PackedRows::new(split, rows, d))
                .into();
        }
    }
}

/// Memory that a thread reuses from block to block.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T: Real> {
    panels: Vec<T>,
    /// The panels, split as products split their numbers.
    lines: Vec<Line>,
    tile: Vec<T>,
    selector: Selector<T>,
    of_dead: Selector<T>,
    code: Code<T>,
    /// A row before concepts are forced.
    row: SparseRows<T>,
    /// Concepts that are predicted.
    predicted: Vec<u32>,
    /// The dead latents that were chosen to reconstruct what is left of the last block; no rows
    /// where none is dead.
    pub dead: SparseRows<T>,
}

/// A model and how its latents are chosen.
#[derive(Clone, Copy, Debug)]
pub struct BlockEncoder<'a, T> {
    /// The parameters.
    pub params: &'a Params<T>,
    /// What is computed from them.
    pub cached: &'a CachedParams<T>,
    /// The objective.
    pub objective: &'a Objective,
    /// Which concepts are special cases of which.
    pub hierarchy: &'a Hierarchy,
    /// The selection.
    pub selection: SelectionRule<'a, T>,
}

impl<T: Real> BlockEncoder<'_, T> {
    /// Encodes a block of centred rows `xc` `[rows, d]`: fills `logits` `[rows, m]` and replaces `out`.
    pub fn encode(
        &self,
        xc: &[T],
        logits: &mut [T],
        out: &mut SparseRows<T>,
        scratch: &mut Scratch<T>,
    ) {
        let rows = xc.len() / self.params.shape.width;
        self.compare(xc, rows, logits, scratch);
        self.select(rows, logits, out, scratch);
        self.select_dead(rows, scratch);
    }

    /// Makes the product, tile by tile: logits, and the largest pre-activations of each row.
    fn compare(&self, xc: &[T], rows: usize, logits: &mut [T], scratch: &mut Scratch<T>) {
        let (params, selection) = (self.params, &self.selection);
        let shape = params.shape;
        let (d, n, m) = (shape.width, shape.latents, shape.defined);
        panels(xc, d, &mut scratch.panels);
        self.pack(scratch);
        let lanes = rows.next_multiple_of(LANES);
        scratch.tile.resize(lanes * TILE, T::ZERO);
        scratch.selector.reset(rows, selection.k, selection.least);
        if !selection.dead.is_empty() {
            let most = self.objective.aux_k.unwrap_or(0);
            scratch.of_dead.reset(rows, most, T::ZERO);
        }
        let rule = self.objective.variant.rule::<T>();
        let mut first = 0;
        while first < n {
            // a tile is either of defined or of unknown latents
            let end = if first < m { m } else { n };
            let count = TILE.min(end - first);
            let tile = &mut scratch.tile[..count * lanes];
            match (&self.cached.packed[..], T::singles_mut(tile)) {
                ([defined, _], Some(tile)) if first < m => {
                    defined.by_panels(first..first + count, &scratch.lines, tile);
                }
                ([_, unknown], Some(tile)) => {
                    unknown.by_panels(first - m..first - m + count, &scratch.lines, tile);
                }
                _ => {
                    let weights = &params.enc[first * d..(first + count) * d];
                    weights_by_panels(weights, d, &scratch.panels, tile);
                }
            }
            let (selector, of_dead) = (&mut scratch.selector, &mut scratch.of_dead);
            wide!(|| {
                if rule.compares() {
                    for (latent, raw) in (first..).zip(tile.chunks_exact(lanes)) {
                        self.offer(rule, latent, raw, selector, of_dead);
                    }
                }
                if first < m {
                    let b_pred = &params.b_pred[first..first + count];
                    // neighbouring latents' logits of a row lie in one line of the cache
                    let latents = (first..).zip(tile.chunks_exact(lanes));
                    for ((latent, raw), &b) in latents.zip(b_pred) {
                        for (logits, &raw) in logits.chunks_exact_mut(m).zip(raw) {
                            logits[latent] = raw + b;
                        }
                    }
                }
            });
            first += count;
        }
    }

    /// Splits the block's panels, where products do.
    fn pack(&self, scratch: &mut Scratch<T>) {
        let (Some(split), Some(panels)) = (self.cached.split, T::singles(&scratch.panels)) else {
            return;
        };
        let d = self.params.shape.width;
        let size = panel_lines(d, split);
        let panels = panels.chunks_exact(d * LANES);
        scratch.lines.resize(panels.len() * size, Line::default());
        for (panel, lines) in panels.zip(scratch.lines.chunks_exact_mut(size)) {
            pack_panel(split, panel, LANES, d, lines);
        }
    }

    /// Offers a latent's pre-activations, one a row, to the rows' selections.
    #[inline(always)]
    fn offer(
        &self,
        rule: &dyn Rule<T>,
        latent: usize,
        raw: &[T],
        selector: &mut Selector<T>,
        of_dead: &mut Selector<T>,
    ) {
        let selection = &self.selection;
        let bias = rule.bias(self.params, latent, selection.learning);
        let scale = self.cached.scale.get(latent).copied().unwrap_or(T::ONE);
        for (panel, raw) in raw.as_chunks::<LANES>().0.iter().enumerate() {
            let mut values = *raw;
            for value in &mut values {
                *value = scale * *value + bias;
            }
            selector.offer(panel, latent as u32, &values);
            if selection.dead.get(latent) == Some(&true) {
                of_dead.offer(panel, latent as u32, &values);
            }
        }
    }

    /// Turns each row's largest pre-activations into its active latents.
    fn select(&self, rows: usize, logits: &[T], out: &mut SparseRows<T>, scratch: &mut Scratch<T>) {
        let (params, selection) = (self.params, &self.selection);
        let m = params.shape.defined;
        let rule = self.objective.variant.rule::<T>();
        // what the whole batch decides is forced when it has
        let forcing = self
            .forcing()
            .filter(|_| !(selection.learning && rule.limits_batch()));
        out.clear();
        for row in 0..rows {
            let logits = &logits[row * m..(row + 1) * m];
            let selected = SelectedRow {
                params,
                chosen: scratch.selector.finish(row),
                logits,
                gram: &self.cached.gram,
                learning: selection.learning,
            };
            match &forcing {
                None => rule.append(&selected, &mut scratch.code, out),
                Some(forcing) => {
                    let own = &mut scratch.row;
                    own.clear();
                    rule.append(&selected, &mut scratch.code, own);
                    forcing.append(own.entries(), logits, &mut scratch.predicted, out);
                }
            }
            out.offsets.push(out.latents.len());
        }
    }

    fn forcing(&self) -> Option<Forcing<'_, T>> {
        Forcing::new(self.objective, self.params.shape, self.hierarchy)
    }

    /// Forces the concepts that `logits` `[rows, m]` predict, in a block whose entries the whole batch
    /// has decided on.
    pub(crate) fn force(&self, logits: &[T], block: &mut SparseRows<T>, scratch: &mut Scratch<T>) {
        let Some(forcing) = self.forcing() else {
            return;
        };
        let m = self.params.shape.defined;
        let out = &mut scratch.row;
        out.clear();
        for (row, logits) in logits.chunks_exact(m).enumerate().take(block.rows()) {
            let range = block.range(row);
            let entries = RowEntries {
                latents: &block.latents[range.clone()],
                values: &block.values[range],
                second: &[],
            };
            forcing.append(entries, logits, &mut scratch.predicted, out);
            out.offsets.push(out.latents.len());
        }
        std::mem::swap(out, block);
    }

    /// The dead latents that reconstruct what is left of each row.
    fn select_dead(&self, rows: usize, scratch: &mut Scratch<T>) {
        let dead = &mut scratch.dead;
        dead.clear();
        if self.selection.dead.is_empty() {
            dead.offsets.clear();
            return;
        }
        for row in 0..rows {
            for &(value, latent) in scratch.of_dead.finish(row) {
                dead.push(latent, value, false);
            }
            dead.offsets.push(dead.latents.len());
        }
    }
}
