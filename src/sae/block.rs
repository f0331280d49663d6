//! A block of rows on its way through a step: encoded, decoded, and the loss traced back to the
//! pre-activations of its active latents.

use super::{
    annotation,
    batch::{ALL_GROUPS, Batch},
    config::{ForcedMean, Objective, Variant},
    forward::SparseRows,
    params::Params,
    real::Real,
    vector::{add, axpy, dot, squared_distance, wide},
};

/// Sums over the rows of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
    /// Gated: d loss / d gate; jumprelu: d loss / d threshold. Otherwise empty.
    pub second: Vec<T>,
    /// Sum over rows of d loss / d `x_hat`, `[d]`.
    pub bias_gradient: Vec<T>,
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
            sums.predicted += wide(|| logits.iter().filter(|&&l| l > T::ZERO).count()) as u64;
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
        wide(|| {
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
            }
        });
        self.sums.annot = loss;
    }

    /// Reconstructs the rows, leaves d loss / d `x_hat` in `gradient` `[rows, groups, d]` (for each
    /// group of latents between prefixes, that of all reconstructions it takes part in), and traces
    /// it back to the pre-activations of active latents. `norms` `[n]` are the decoder rows' lengths,
    /// where the variant needs them.
    pub fn reconstruct(
        &mut self,
        params: &Params<T>,
        objective: &Objective,
        norms: &[T],
        x: &[T],
        gradient: &mut [T],
        factors: Factors<T>,
    ) {
        let (d, m) = (params.shape.width, params.shape.defined);
        let groups = objective.prefixes.len() + 1;
        self.bias_gradient.clear();
        self.bias_gradient.resize(d, T::ZERO);
        self.slopes.clear();
        self.slopes.resize(self.z.latents.len(), T::ZERO);
        self.second.clear();
        self.second.resize(self.z.second.len(), T::ZERO);
        self.part.resize(d, T::ZERO);
        let mut sums = self.sums;
        let twice = (factors.rec + factors.rec) / T::of(groups as f64);
        wide(|| {
            for row in 0..self.z.rows() {
                let range = self.z.range(row);
                let latents = &self.z.latents[range.clone()];
                let values = &self.z.values[range.clone()];
                let x = &x[row * d..][..d];
                let gradient = &mut gradient[row * groups * d..][..groups * d];
                let split = latents.partition_point(|&l| (l as usize) < m);
                let mut from = 0;
                for group in 0..groups {
                    let end = objective.prefixes.get(group).copied();
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
                        self.part.copy_from_slice(out);
                    }
                    add_rows(params, &latents[middle..to], &values[middle..to], out);
                    from = to;
                }
                let whole = &gradient[(groups - 1) * d..];
                if split > 0 {
                    let of_concepts = dot(&self.part, &self.part).f64().sqrt();
                    let of_others = squared_distance(&self.part, whole).f64().sqrt();
                    if of_concepts > 0.0 {
                        sums.defined_share += of_concepts / (of_concepts + of_others);
                    }
                }
                let mut nested = 0.0;
                let mut rec = 0.0;
                for out in gradient.chunks_exact_mut(d) {
                    for ((out, &x), &b) in out.iter_mut().zip(x).zip(&params.b_dec) {
                        *out = *out + b - x;
                    }
                    rec = dot(out, out).f64();
                    nested += rec;
                    for out in out {
                        *out *= twice;
                    }
                }
                sums.rec += rec;
                sums.nested += nested / groups as f64;
                for group in (1..groups).rev() {
                    let (before, here) = gradient.split_at_mut(group * d);
                    add(&here[..d], &mut before[(group - 1) * d..]);
                }
                add(&gradient[..d], &mut self.bias_gradient);
                let row = Row {
                    latents,
                    values,
                    forced: &self.z.forced[range.clone()],
                    gradient,
                    split,
                };
                let slopes = &mut self.slopes[range.clone()];
                row.trace_back(params, objective, slopes);
                if objective.variant.penalised() {
                    let second = if self.z.second.is_empty() {
                        (&[][..], &mut [][..])
                    } else {
                        (&self.z.second[range.clone()], &mut self.second[range])
                    };
                    let part = &mut self.part;
                    let lost =
                        row.penalise(params, objective, norms, x, slopes, second, part, factors);
                    sums.penalty += lost;
                }
            }
        });
        self.sums = sums;
    }
}

/// `out += values times decoder rows`.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide` compiles"
)]
#[inline(always)]
fn add_rows<T: Real>(params: &Params<T>, latents: &[u32], values: &[T], out: &mut [T]) {
    let d = params.shape.width;
    for (&latent, &value) in latents.iter().zip(values) {
        axpy(value, &params.dec[latent as usize * d..][..d], out);
    }
}

/// A row, reconstructed.
struct Row<'a, T> {
    latents: &'a [u32],
    values: &'a [T],
    forced: &'a [bool],
    /// d loss / d `x_hat`, `[groups, d]`.
    gradient: &'a [T],
    /// Defined latents among them, which come first.
    split: usize,
}

impl<T: Real> Row<'_, T> {
    /// From d loss / d `x_hat` to the pre-activations of active latents.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide` compiles"
    )]
    #[inline(always)]
    fn trace_back(&self, params: &Params<T>, objective: &Objective, slopes: &mut [T]) {
        let d = params.shape.width;
        // a forced latent holds the unknown latents' mean, whatever its own pre-activation
        let mut of_mean = T::ZERO;
        let mut group = 0;
        for ((slope, &latent), &forced) in slopes.iter_mut().zip(self.latents).zip(self.forced) {
            let latent = latent as usize;
            while objective
                .prefixes
                .get(group)
                .is_some_and(|&end| latent >= end)
            {
                group += 1;
            }
            let gradient = &self.gradient[group * d..][..d];
            let of_latent = dot(gradient, &params.dec[latent * d..][..d]);
            if forced {
                of_mean += of_latent;
            } else {
                *slope = of_latent;
            }
        }
        let count = match objective.forced_mean {
            ForcedMean::All => params.shape.unknown(),
            ForcedMean::Active => self.latents.len() - self.split,
        };
        if of_mean != T::ZERO && count > 0 {
            let share = of_mean / T::of(count as f64);
            for slope in &mut slopes[self.split..] {
                *slope += share;
            }
        }
    }

    /// Adds the variant's own loss to the slopes, and returns it. Decoder rows' lengths (and, for
    /// open gates, the rows themselves) are taken as constants.
    #[expect(clippy::too_many_arguments, reason = "one row's part of `reconstruct`")]
    fn penalise(
        &self,
        params: &Params<T>,
        objective: &Objective,
        norms: &[T],
        x: &[T],
        slopes: &mut [T],
        (entered, second): (&[T], &mut [T]),
        part: &mut [T],
        factors: Factors<T>,
    ) -> f64 {
        let lambda = T::of(objective.lambda_sparsity);
        let mut loss = T::ZERO;
        match objective.variant {
            Variant::Relu => {
                for ((slope, &latent), &value) in
                    slopes.iter_mut().zip(self.latents).zip(self.values)
                {
                    let weight = lambda * norms[latent as usize];
                    loss += weight * value;
                    *slope += weight * factors.rec;
                }
            }
            Variant::Gated => {
                let d = params.shape.width;
                part.fill(T::ZERO);
                add_rows(params, self.latents, entered, part);
                for ((out, &x), &b) in part.iter_mut().zip(x).zip(&params.b_dec) {
                    *out = *out + b - x;
                }
                loss += dot(part, part);
                let twice = factors.rec + factors.rec;
                for (i, (slope, &latent)) in second.iter_mut().zip(self.latents).enumerate() {
                    let latent = latent as usize;
                    let weight = lambda * norms[latent];
                    loss += weight * entered[i];
                    let row = &params.dec[latent * d..][..d];
                    *slope = twice * dot(part, row) + weight * factors.rec;
                    if self.values[i] == T::ZERO {
                        // no magnitude to pull at
                        slopes[i] = T::ZERO;
                    }
                }
            }
            Variant::Jumprelu => {
                let width = T::of(objective.bandwidth);
                for (i, (slope, &latent)) in second.iter_mut().zip(self.latents).enumerate() {
                    let threshold = params.threshold[latent as usize];
                    let active = self.values[i] > T::ZERO;
                    if (entered[i] - threshold).abs() + (entered[i] - threshold).abs() < width {
                        *slope = -(threshold * slopes[i] + lambda * factors.rec) / width;
                    }
                    if active {
                        loss += lambda;
                    } else {
                        slopes[i] = T::ZERO;
                    }
                }
            }
            _ => {}
        }
        loss.f64()
    }
}
