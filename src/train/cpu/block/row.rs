//! The loss of one reconstructed row, traced back to its latents.

use crate::{
    math::{real::Real, vector::dot},
    sae::{
        config::{ForcedMean, Objective},
        forward::active,
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
            ForcedMean::Active => active(&self.values[self.split..]),
        };
        if of_mean != T::ZERO && count > 0 {
            let share = of_mean / T::of(count as f64);
            for slope in &mut slopes[self.split..] {
                *slope += share;
            }
        }
    }
}
