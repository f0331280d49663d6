//! The loss of one reconstructed row, traced back to its latents.

use super::{Factors, add_rows};
use crate::{
    math::{real::Real, vector::dot},
    sae::{
        config::{ForcedMean, Objective, Variant},
        params::Params,
    },
};

/// A row, reconstructed.
pub(crate) struct Row<'a, T> {
    pub(crate) latents: &'a [u32],
    pub(crate) values: &'a [T],
    pub(crate) forced: &'a [bool],
    /// d loss / d `x_hat`, `[groups, d]`.
    pub(crate) gradient: &'a [T],
    /// Defined latents among them, which come first.
    pub(crate) split: usize,
}

impl<T: Real> Row<'_, T> {
    /// From d loss / d `x_hat` to the pre-activations of active latents.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    pub(crate) fn backward(&self, params: &Params<T>, objective: &Objective, slopes: &mut [T]) {
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
    pub(crate) fn penalise(
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
            Variant::Relu | Variant::Splice => {
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
