//! A block of rows on its way through a step: encoded, decoded, and the loss traced back to the
//! pre-activations of its active latents.

use super::{
    annotation,
    batch::Batch,
    config::{ForcedMean, Objective},
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
    /// d loss / d pre-activation of each of them.
    pub slopes: Vec<T>,
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
        sums.active = self.z.latents.len() as u64;
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
        weights: &[T],
        factors: Factors<T>,
    ) {
        let m = weights.len();
        if m == 0 {
            return;
        }
        let mut loss = 0.0;
        wide(|| {
            for (row, logits) in (first..).zip(logits.chunks_exact_mut(m)) {
                if batch.annotated[row] {
                    loss += annotation::row(logits, batch.labels_of(row), weights, factors.annot);
                } else {
                    logits.fill(T::ZERO);
                }
            }
        });
        self.sums.annot = loss;
    }

    /// Reconstructs the rows, leaves d loss / d `x_hat` in `gradient` `[rows, d]`, and traces it
    /// back to the pre-activations of active latents.
    pub fn reconstruct(
        &mut self,
        params: &Params<T>,
        objective: &Objective,
        x: &[T],
        gradient: &mut [T],
        factors: Factors<T>,
    ) {
        let (d, m) = (params.shape.width, params.shape.defined);
        self.bias_gradient.clear();
        self.bias_gradient.resize(d, T::ZERO);
        self.slopes.clear();
        self.slopes.resize(self.z.latents.len(), T::ZERO);
        self.part.resize(d, T::ZERO);
        let (mut rec, mut defined_share) = (0.0, 0.0);
        wide(|| {
            for row in 0..self.z.rows() {
                let range = self.z.range(row);
                let latents = &self.z.latents[range.clone()];
                let values = &self.z.values[range.clone()];
                let x = &x[row * d..][..d];
                let out = &mut gradient[row * d..][..d];
                out.fill(T::ZERO);
                let split = latents.partition_point(|&l| (l as usize) < m);
                add_rows(params, &latents[..split], &values[..split], out);
                if split > 0 {
                    self.part.copy_from_slice(out);
                }
                add_rows(params, &latents[split..], &values[split..], out);
                if split > 0 {
                    let of_concepts = dot(&self.part, &self.part).f64().sqrt();
                    let of_others = squared_distance(&self.part, out).f64().sqrt();
                    if of_concepts > 0.0 {
                        defined_share += of_concepts / (of_concepts + of_others);
                    }
                }
                let mut error = T::ZERO;
                let twice = factors.rec + factors.rec;
                for ((out, &x), &b) in out.iter_mut().zip(x).zip(&params.b_dec) {
                    let e = *out + b - x;
                    *out = e;
                }
                error += dot(out, out);
                for out in &mut *out {
                    *out *= twice;
                }
                rec += error.f64();
                add(out, &mut self.bias_gradient);
                let forced = &self.z.forced[range.clone()];
                let slopes = &mut self.slopes[range];
                trace_back(params, objective, latents, forced, out, slopes, split);
            }
        });
        self.sums.rec = rec;
        self.sums.defined_share = defined_share;
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

/// From d loss / d `x_hat` of a row to the pre-activations of its active latents; the first
/// `split` are defined.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide` compiles"
)]
#[inline(always)]
fn trace_back<T: Real>(
    params: &Params<T>,
    objective: &Objective,
    latents: &[u32],
    forced: &[bool],
    gradient: &[T],
    slopes: &mut [T],
    split: usize,
) {
    let d = params.shape.width;
    // a forced latent holds the unknown latents' mean, whatever its own pre-activation
    let mut of_mean = T::ZERO;
    for ((slope, &latent), &forced) in slopes.iter_mut().zip(latents).zip(forced) {
        let of_latent = dot(gradient, &params.dec[latent as usize * d..][..d]);
        if forced {
            of_mean += of_latent;
        } else {
            *slope = of_latent;
        }
    }
    let count = match objective.forced_mean {
        ForcedMean::All => params.shape.unknown(),
        ForcedMean::Active => latents.len() - split,
    };
    if of_mean != T::ZERO && count > 0 {
        let share = of_mean / T::of(count as f64);
        for slope in &mut slopes[split..] {
            *slope += share;
        }
    }
}
