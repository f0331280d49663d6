//! A block of rows on its way through a step: encoded, decoded, and the loss traced back to the
//! pre-activations of its active latents.

mod annotate;
mod row;

use serde::{Deserialize, Serialize};

use crate::wide;
use crate::{
    math::{
        real::Real,
        vector::{add, dot, squared_distance},
    },
    sae::{
        config::Objective,
        decoder::add_decoder_rows,
        params::Params,
        sparse::SparseRows,
        variants::{Entry, RowLoss, Rule},
    },
    train::loss::implication,
};
pub(crate) use annotate::ConceptTerms;
use row::Row;

/// Sums over the rows of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sums {
    /// Squared error of the reconstruction.
    pub rec: f64,
    /// What is minimised of it: with prefixes, the mean over theirs and the whole one's.
    pub nested: f64,
    /// What the variant adds: its penalty on active latents, and the error of open gates.
    pub penalty: f64,
    /// Weighted cross-entropy over rows and concepts.
    pub annot: f64,
    /// What children exceed their parents by, over rows and edges.
    pub implication: f64,
    /// Pairs of row and concept with a probability above one half.
    pub predicted: u64,
    /// Those of them in which the concept's latent is active.
    pub participating: u64,
    /// Active latents.
    pub active: u64,
    /// Forced ones among them.
    pub forced: u64,
    /// Length of the defined latents' part of the reconstruction, over that of both parts.
    pub defined_share: f64,
}

impl Sums {
    /// Adds those of another block.
    pub fn add(&mut self, other: &Self) {
        self.rec += other.rec;
        self.nested += other.nested;
        self.penalty += other.penalty;
        self.annot += other.annot;
        self.implication += other.implication;
        self.predicted += other.predicted;
        self.participating += other.participating;
        self.active += other.active;
        self.forced += other.forced;
        self.defined_share += other.defined_share;
    }
}

/// A block of rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block<T> {
    /// Active latents.
    pub z: SparseRows<T>,
    /// d loss / d pre-activation of each of them (gated: d magnitude).
    pub slopes: Vec<T>,
    /// Dead latents that reconstruct what is left; no rows where none is dead.
    pub dead: SparseRows<T>,
    /// d loss / d pre-activation of each of them.
    pub dead_slopes: Vec<T>,
    /// Gated: d loss / d gate; jumprelu: d loss / d threshold. Otherwise empty.
    pub second: Vec<T>,
    /// Sum over rows of d loss / d `x_hat`, `[d]`.
    pub bias_gradient: Vec<T>,
    /// Sum over rows of d loss / d logit, `[m]`.
    pub logit_gradient: Vec<T>,
    /// Sums over rows.
    pub sums: Sums,
    /// The defined latents' part of a row's reconstruction, `[d]`.
    part: Vec<T>,
    implied: implication::Scratch<T>,
}

/// What the losses of a batch are divided by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors<T> {
    /// d loss / d (squared error of a row).
    pub rec: T,
    /// d loss / d (cross-entropy of a row and concept).
    pub annot: T,
}

/// An entry of a block, traced back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traced<T> {
    /// Its activation.
    pub value: T,
    /// d loss / d activation.
    pub slope: T,
    /// Whether it is one of the dead latents', which reconstruct what is left.
    pub dead: bool,
}

impl<T: Real> Block<T> {
    /// Counts how predictions and latents agree; `logits` `[rows, m]` are the predictor's.
    pub(crate) fn count(&mut self, logits: &[T], defined: usize) {
        self.sums = Sums::default();
        let sums = &mut self.sums;
        sums.active = self.z.values.iter().filter(|&&v| v > T::ZERO).count() as u64;
        sums.forced = self.z.forced.iter().filter(|&&f| f).count() as u64;
        if defined == 0 {
            return;
        }
        for (row, logits) in logits.chunks_exact(defined).enumerate() {
            sums.predicted += wide!(|| logits.iter().filter(|&&l| l > T::ZERO).count()) as u64;
            for &latent in &self.z.latents[self.z.range(row)] {
                match logits.get(latent as usize) {
                    Some(&logit) => sums.participating += u64::from(logit > T::ZERO),
                    None => break,
                }
            }
        }
    }

    /// Value and slopes of an active entry.
    #[expect(clippy::inline_always, reason = "asked once an entry")]
    #[inline(always)]
    pub(crate) fn active_entry(&self, place: usize) -> Entry<T> {
        Entry {
            value: self.z.values[place],
            slope: self.slopes[place],
            second: self.z.second[place],
            second_slope: self.second[place],
        }
    }

    /// An entry by its place; those of dead latents are behind the active ones.
    #[expect(clippy::inline_always, reason = "asked once an entry")]
    #[inline(always)]
    #[must_use]
    pub(crate) fn entry(&self, place: usize) -> Traced<T> {
        match place.checked_sub(self.z.latents.len()) {
            None => Traced {
                value: self.z.values[place],
                slope: self.slopes[place],
                dead: false,
            },
            Some(place) => Traced {
                value: self.dead.values[place],
                slope: self.dead_slopes[place],
                dead: true,
            },
        }
    }

    /// Reconstructs the rows, leaves d loss / d `x_hat` in `gradient` `[rows, slots, d]` (for each
    /// group of latents between prefixes, that of all reconstructions it takes part in; then that of
    /// the dead latents' reconstruction of what is left, if any is dead), and traces it back to the
    /// pre-activations of active latents. Unless `learning`, losses are all that is computed.
    pub(crate) fn reconstruct(
        &mut self,
        model: &Reconstruction<'_, T>,
        x: &[T],
        gradient: &mut [T],
        learning: bool,
    ) {
        let d = model.params.shape.width;
        let rule = model.objective.variant.rule::<T>();
        let slots = model.objective.prefixes.len() + 1 + usize::from(self.dead.rows() > 0);
        self.clear_slopes(d);
        for row in 0..self.z.rows() {
            let x = &x[row * d..][..d];
            let gradient = &mut gradient[row * slots * d..][..slots * d];
            self.reconstruct_row(row, model, x, gradient, learning);
            if rule.penalises() {
                self.penalise(row, model, rule, x);
            }
        }
    }

    /// Makes room for the slopes of the block's entries.
    fn clear_slopes(&mut self, width: usize) {
        let clear = |values: &mut Vec<T>, size: usize| {
            values.clear();
            values.resize(size, T::ZERO);
        };
        clear(&mut self.bias_gradient, width);
        clear(&mut self.slopes, self.z.latents.len());
        clear(&mut self.dead_slopes, self.dead.latents.len());
        clear(&mut self.second, self.z.second.len());
        self.part.resize(width, T::ZERO);
    }

    fn reconstruct_row(
        &mut self,
        row: usize,
        model: &Reconstruction<'_, T>,
        x: &[T],
        gradient: &mut [T],
        learning: bool,
    ) {
        let (params, objective, factors) = (model.params, model.objective, model.factors);
        let (d, m) = (params.shape.width, params.shape.defined);
        let groups = objective.prefixes.len() + 1;
        let range = self.z.range(row);
        let latents = &self.z.latents[range.clone()];
        let values = &self.z.values[range.clone()];
        let twice = (factors.rec + factors.rec) / T::of(groups as f64);
        let (gradient, left) = gradient.split_at_mut(groups * d);
        let split = latents.partition_point(|&l| (l as usize) < m);
        let part = &mut self.part[..];
        wide!(|| {
            let entries = (latents, values);
            decode_groups(params, &objective.prefixes, entries, split, gradient, part);
        });
        if split > 0 {
            let whole = &gradient[(groups - 1) * d..];
            self.sums.defined_share += wide!(|| share(&self.part, whole));
        }
        let (rec, nested) = wide!(|| compare(params, x, twice, gradient, left));
        self.sums.rec += rec;
        self.sums.nested += nested;
        let bias_gradient = &mut self.bias_gradient[..];
        wide!(|| add(&gradient[..d], bias_gradient));
        if !left.is_empty() {
            let range = self.dead.range(row);
            let (latents, values) = (
                &self.dead.latents[range.clone()],
                &self.dead.values[range.clone()],
            );
            let slopes = &mut self.dead_slopes[range];
            let weight = T::of(objective.aux_weight) * factors.rec;
            let of_rows = (latents, values);
            let lost = wide!(|| reconstruct_rest(params, of_rows, left, slopes, weight));
            self.sums.penalty += objective.aux_weight * lost;
        }
        if learning {
            let row = Row {
                latents,
                values,
                forced: &self.z.forced[range.clone()],
                gradient,
                split,
            };
            let slopes = &mut self.slopes[range];
            wide!(|| row.backward(params, objective, slopes));
        }
    }

    /// Adds a row's part of the variant's own loss.
    fn penalise(&mut self, row: usize, model: &Reconstruction<'_, T>, rule: &dyn Rule<T>, x: &[T]) {
        let range = self.z.range(row);
        let (second, second_slopes) = if self.z.second.is_empty() {
            (&[][..], &mut [][..])
        } else {
            (
                &self.z.second[range.clone()],
                &mut self.second[range.clone()],
            )
        };
        self.sums.penalty += rule.penalise(RowLoss {
            params: model.params,
            x,
            latents: &self.z.latents[range.clone()],
            values: &self.z.values[range.clone()],
            forced: &self.z.forced[range.clone()],
            second,
            lengths: model.norms,
            factor: model.factors.rec,
            slopes: &mut self.slopes[range],
            second_slopes,
            scratch: &mut self.part,
        });
    }
}

/// What a block is reconstructed with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reconstruction<'a, T> {
    pub(crate) params: &'a Params<T>,
    pub(crate) objective: &'a Objective,
    /// Lengths of decoder rows, `[n]`, where the variant needs them.
    pub(crate) norms: &'a [T],
    pub(crate) factors: Factors<T>,
}

/// What each group of latents adds to those before it: `out` `[groups, d]`, without bias. `part` `[d]`
/// is left with what the first `split` latents, those of concepts, reconstruct.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn decode_groups<T: Real>(
    params: &Params<T>,
    prefixes: &[usize],
    (latents, values): (&[u32], &[T]),
    split: usize,
    gradient: &mut [T],
    part: &mut [T],
) {
    let d = params.shape.width;
    let mut from = 0;
    for group in 0..=prefixes.len() {
        let end = prefixes.get(group).copied();
        let to = end.map_or(latents.len(), |end| {
            latents.partition_point(|&l| (l as usize) < end)
        });
        let (before, here) = gradient.split_at_mut(group * d);
        let out = &mut here[..d];
        match before.len().checked_sub(d) {
            None => out.fill(T::ZERO),
            Some(last) => out.copy_from_slice(&before[last..]),
        }
        // concepts come first
        let middle = split.clamp(from, to);
        add_decoder_rows(params, &latents[from..middle], &values[from..middle], out);
        if split > from && split <= to {
            part.copy_from_slice(out);
        }
        add_decoder_rows(params, &latents[middle..to], &values[middle..to], out);
        from = to;
    }
}

/// Share of a reconstruction's length that its first `part` carries, of that and the rest's.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn share<T: Real>(part: &[T], whole: &[T]) -> f64 {
    let of_part = dot(part, part).f64().sqrt();
    let of_rest = squared_distance(part, whole).f64().sqrt();
    if of_part > 0.0 {
        of_part / (of_part + of_rest)
    } else {
        0.0
    }
}

/// Turns reconstructions `[groups, d]`, without bias, into `twice` their errors, summed over those that
/// each group takes part in. Returns the squared error of the last and the mean over all; the last
/// error itself is left in `left`, if there is room.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn compare<T: Real>(
    params: &Params<T>,
    x: &[T],
    twice: T,
    gradient: &mut [T],
    left: &mut [T],
) -> (f64, f64) {
    let d = x.len();
    let groups = gradient.len() / d;
    let (mut rec, mut nested) = (0.0, 0.0);
    for out in gradient.chunks_exact_mut(d) {
        for ((out, &x), &b) in out.iter_mut().zip(x).zip(&params.b_dec) {
            *out = *out + b - x;
        }
        rec = dot(out, out).f64();
        nested += rec;
        if !left.is_empty() {
            left.copy_from_slice(out);
        }
        for out in out {
            *out *= twice;
        }
    }
    for group in (1..groups).rev() {
        let (before, here) = gradient.split_at_mut(group * d);
        add(&here[..d], &mut before[(group - 1) * d..]);
    }
    (rec, nested / groups as f64)
}

/// Dead latents reconstruct what the others leave (`AuxK`; Gao et al., arXiv 2406.04093, A.2):
/// returns ‖`e_hat` - e‖², where the residual e = x - `x_hat`, whose negative is `left` `[d]`, counts as
/// a constant. Leaves `factor` times its gradients: by `e_hat` in `left`, by pre-activations in `slopes`.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn reconstruct_rest<T: Real>(
    params: &Params<T>,
    (latents, values): (&[u32], &[T]),
    left: &mut [T],
    slopes: &mut [T],
    factor: T,
) -> f64 {
    let d = params.shape.width;
    add_decoder_rows(params, latents, values, left);
    let lost = dot(left, left).f64();
    let twice = factor + factor;
    for value in &mut *left {
        *value *= twice;
    }
    for (slope, &latent) in slopes.iter_mut().zip(latents) {
        *slope = dot(left, &params.dec[latent as usize * d..][..d]);
    }
    lost
}
