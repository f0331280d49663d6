//! A block of rows on its way through a step: encoded, decoded, and the loss traced back to the
//! pre-activations of its active latents.

mod row;

use serde::{Deserialize, Serialize};

use crate::wide;
use crate::{
    math::{
        real::Real,
        vector::{TOGETHER, add, axpy, combine, dot, squared_distance},
    },
    sae::{config::Objective, forward::SparseRows, params::Params},
    train::{
        data::batch::{ALL_GROUPS, Batch},
        loss::annotation,
    },
};
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
        self.predicted += other.predicted;
        self.participating += other.participating;
        self.active += other.active;
        self.forced += other.forced;
        self.defined_share += other.defined_share;
    }
}

/// A block of rows.
#[derive(Clone, Debug, Default)]
pub struct Block<T> {
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
}

/// What the losses of a batch are divided by.
#[derive(Clone, Copy, Debug)]
pub struct Factors<T> {
    /// d loss / d (squared error of a row).
    pub rec: T,
    /// d loss / d (cross-entropy of a row and concept).
    pub annot: T,
}

impl<T: Real> Block<T> {
    /// Counts how predictions and latents agree; `logits` `[rows, m]` are the predictor's.
    pub fn count(&mut self, logits: &[T], defined: usize) {
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

    /// Adds the annotation loss of the block's rows (`first` is the first one's number in the
    /// batch), and replaces their logits by gradients.
    pub fn annotate(
        &mut self,
        logits: &mut [T],
        batch: &Batch<T>,
        first: usize,
        (weights, groups): (&[T], &[u8]),
        factors: Factors<T>,
    ) {
        let m = weights.len();
        if m == 0 {
            return;
        }
        let mut loss = 0.0;
        self.logit_gradient.clear();
        self.logit_gradient.resize(m, T::ZERO);
        let sums = &mut self.logit_gradient;
        wide!(|| {
            for (row, logits) in (first..).zip(logits.chunks_exact_mut(m)) {
                let labels = batch.labels_of(row);
                loss += match batch.groups[row] {
                    ALL_GROUPS => annotation::row(logits, labels, weights, factors.annot),
                    0 => {
                        logits.fill(T::ZERO);
                        0.0
                    }
                    spoken => {
                        let spoken = (groups, spoken);
                        annotation::partial_row(logits, labels, weights, factors.annot, spoken)
                    }
                };
                add(logits, sums);
            }
        });
        self.sums.annot = loss;
    }

    /// Value and slope of an entry, and whether it is one of the dead latents', which are behind the
    /// active ones.
    #[expect(clippy::inline_always, reason = "asked once an entry")]
    #[inline(always)]
    #[must_use]
    pub fn entry(&self, place: usize) -> (T, T, bool) {
        match place.checked_sub(self.z.latents.len()) {
            None => (self.z.values[place], self.slopes[place], false),
            Some(place) => (self.dead.values[place], self.dead_slopes[place], true),
        }
    }

    /// Reconstructs the rows, leaves d loss / d `x_hat` in `gradient` `[rows, slots, d]` (for each
    /// group of latents between prefixes, that of all reconstructions it takes part in; then that of
    /// the dead latents' reconstruction of what is left, if any is dead), and traces it back to the pre-activations of active latents. `norms` `[n]` are the decoder rows' lengths,
    /// where the variant needs them. Unless `learning`, losses are all that is computed.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, and what is written"
    )]
    pub fn reconstruct(
        &mut self,
        params: &Params<T>,
        objective: &Objective,
        norms: &[T],
        x: &[T],
        gradient: &mut [T],
        factors: Factors<T>,
        learning: bool,
    ) {
        let (d, m) = (params.shape.width, params.shape.defined);
        let groups = objective.prefixes.len() + 1;
        self.bias_gradient.clear();
        self.bias_gradient.resize(d, T::ZERO);
        self.slopes.clear();
        self.slopes.resize(self.z.latents.len(), T::ZERO);
        self.dead_slopes.clear();
        self.dead_slopes.resize(self.dead.latents.len(), T::ZERO);
        let slots = groups + usize::from(self.dead.rows() > 0);
        self.second.clear();
        self.second.resize(self.z.second.len(), T::ZERO);
        self.part.resize(d, T::ZERO);
        let mut sums = self.sums;
        let twice = (factors.rec + factors.rec) / T::of(groups as f64);
        for row in 0..self.z.rows() {
            let range = self.z.range(row);
            let latents = &self.z.latents[range.clone()];
            let values = &self.z.values[range.clone()];
            let x = &x[row * d..][..d];
            let gradient = &mut gradient[row * slots * d..][..slots * d];
            let (gradient, left) = gradient.split_at_mut(groups * d);
            let split = latents.partition_point(|&l| (l as usize) < m);
            let part = &mut self.part[..];
            wide!(|| {
                let entries = (latents, values);
                decode_groups(params, &objective.prefixes, entries, split, gradient, part);
            });
            if split > 0 {
                let whole = &gradient[(groups - 1) * d..];
                sums.defined_share += wide!(|| share(&self.part, whole));
            }
            let (rec, nested) = wide!(|| compare(params, x, twice, gradient, left));
            sums.rec += rec;
            sums.nested += nested;
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
                sums.penalty += objective.aux_weight * lost;
            }
            let row = Row {
                latents,
                values,
                forced: &self.z.forced[range.clone()],
                gradient,
                split,
            };
            let slopes = &mut self.slopes[range.clone()];
            if learning {
                wide!(|| row.backward(params, objective, slopes));
            }
            if objective.variant.penalised() {
                let second = if self.z.second.is_empty() {
                    (&[][..], &mut [][..])
                } else {
                    (&self.z.second[range.clone()], &mut self.second[range])
                };
                let part = &mut self.part;
                let lost = row.penalise(params, objective, norms, x, slopes, second, part, factors);
                sums.penalty += lost;
            }
        }
        self.sums = sums;
    }
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
        add_rows(params, &latents[from..middle], &values[from..middle], out);
        if split > from && split <= to {
            part.copy_from_slice(out);
        }
        add_rows(params, &latents[middle..to], &values[middle..to], out);
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

/// `out += values times decoder rows`.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn add_rows<T: Real>(params: &Params<T>, latents: &[u32], values: &[T], out: &mut [T]) {
    let d = params.shape.width;
    let row = |latent: u32| &params.dec[latent as usize * d..][..d];
    let (latent_groups, latents) = latents.as_chunks::<TOGETHER>();
    let (value_groups, values) = values.as_chunks::<TOGETHER>();
    for (latents, &values) in latent_groups.iter().zip(value_groups) {
        combine(values, latents.map(row), out);
    }
    for (&latent, &value) in latents.iter().zip(values) {
        axpy(value, row(latent), out);
    }
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
    add_rows(params, latents, values, left);
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
