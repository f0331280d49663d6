//! Gates and magnitudes (Rajamanoharan et al., arXiv 2404.16014).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Code, Entry, LatentGradient, MOST_TENSORS, RowLoss, Rule, SelectedRow, relu::DEFAULT_LAMBDA,
};
use crate::{
    math::{real::Real, vector::dot},
    sae::{
        decoder::add_decoder_rows,
        params::{LatentTensor, Params},
        sparse::SparseRows,
    },
    wide,
};

/// Which latents are active and how strongly have biases and scales of their own. An L1 penalty
/// holds the gates, which must reconstruct a row by themselves too. An entry's second number is its
/// gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gated {
    /// Weight of the penalty on open gates.
    pub lambda_sparsity: f64,
}

impl Gated {
    /// With the default weight.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lambda_sparsity: DEFAULT_LAMBDA,
        }
    }
}

impl Default for Gated {
    fn default() -> Self {
        Self::new()
    }
}

/// Places of its own tensors.
const B_MAG: usize = 0;
const R_MAG: usize = 1;

impl<T: Real> Rule<T> for Gated {
    fn has_second(&self) -> bool {
        true
    }

    fn append(&self, row: &SelectedRow<'_, T>, _: &mut Code<T>, out: &mut SparseRows<T>) {
        let params = row.params;
        let (b_mag, r_mag) = (params.own(B_MAG), params.own(R_MAG));
        for &(gate, latent) in row.chosen {
            let l = latent as usize;
            let raw = gate - params.b_enc[l];
            let magnitude = (r_mag[l].exp() * raw + b_mag[l]).larger(T::ZERO);
            if row.learning || magnitude > T::ZERO {
                out.push(latent, magnitude, false);
                out.second.push(gate);
            }
        }
    }

    fn tensors(&self) -> &'static [(&'static str, f64)] {
        &[("b_mag", 0.0), ("r_mag", 0.0)]
    }

    fn penalises(&self) -> bool {
        true
    }

    fn penalise(&self, row: RowLoss<'_, T>) -> f64 {
        wide!(|| self.penalise_row(row))
    }

    fn prepare(&self, own: &[LatentTensor<T>], latent: usize) -> [T; MOST_TENSORS] {
        match own {
            [b_mag, r_mag] => [b_mag.values[latent], r_mag.values[latent].exp()],
            _ => [T::ZERO, T::ONE],
        }
    }

    fn pull(
        &self,
        entry: Entry<T>,
        b_enc: T,
        [b_mag, scale]: [T; MOST_TENSORS],
        gradient: &mut LatentGradient<T>,
    ) -> T {
        gradient.b_enc += entry.second_slope;
        gradient.own[B_MAG] += entry.slope;
        gradient.own[R_MAG] += entry.slope * (entry.value - b_mag);
        let pull = entry.second_slope + scale * entry.slope;
        gradient.r += pull * (entry.second - b_enc);
        pull
    }
}

impl Gated {
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into a caller that `wide!` compiles"
    )]
    #[inline(always)]
    fn penalise_row<T: Real>(self, row: RowLoss<'_, T>) -> f64 {
        let params: &Params<T> = row.params;
        let d = params.shape.width;
        let lambda = T::of(self.lambda_sparsity);
        let part = row.scratch;
        part.clear();
        part.resize(d, T::ZERO);
        add_decoder_rows(params, row.latents, row.second, part);
        for ((out, &x), &b) in part.iter_mut().zip(row.x).zip(&params.b_dec) {
            *out = *out + b - x;
        }
        let mut loss = dot(part, part);
        let twice = row.factor + row.factor;
        for (i, (slope, &latent)) in row.second_slopes.iter_mut().zip(row.latents).enumerate() {
            let latent = latent as usize;
            let gate = row.second[i];
            if gate > T::ZERO {
                let weight = lambda * row.lengths[latent];
                loss += weight * gate;
                let decoder = &params.dec[latent * d..][..d];
                *slope = twice * dot(part, decoder) + weight * row.factor;
            }
            if row.values[i] == T::ZERO {
                // no magnitude to pull at
                row.slopes[i] = T::ZERO;
            }
        }
        loss.f64()
    }
}
