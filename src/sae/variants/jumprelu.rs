//! A learned threshold per latent (Rajamanoharan et al., arXiv 2407.14435).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Code, Entry, LatentGradient, MOST_TENSORS, RowLoss, Rule, SelectedRow, relu::DEFAULT_LAMBDA,
};
use crate::{
    math::real::Real,
    sae::{
        params::{LatentTensor, Params},
        sparse::SparseRows,
    },
};

/// Thresholds that training begins with; pre-activations begin with a variance of about 1.
const INITIAL_THRESHOLD: f64 = 1.0;

/// Pre-activations above a threshold of their latent's own, and an L0 penalty, both by
/// straight-through estimates. An entry's second number is its pre-activation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JumpRelu {
    /// Weight of the penalty on active latents.
    pub lambda_sparsity: f64,
    /// Width of the window in which a threshold feels a pre-activation.
    pub bandwidth: f64,
}

impl JumpRelu {
    /// With the default weight and window.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lambda_sparsity: DEFAULT_LAMBDA,
            bandwidth: 0.2,
        }
    }

    /// What is added to a pre-activation before it is compared: while the model learns, the window
    /// around a threshold begins half a width below.
    fn window<T: Real>(&self, learning: bool) -> T {
        if learning {
            T::of(self.bandwidth / 2.0)
        } else {
            T::ZERO
        }
    }
}

impl Default for JumpRelu {
    fn default() -> Self {
        Self::new()
    }
}

/// Thresholds below 0 have no meaning.
pub(super) fn demand_positive<T: Real>(own: &mut [LatentTensor<T>]) {
    for tensor in own {
        for threshold in &mut tensor.values {
            *threshold = threshold.larger(T::ZERO);
        }
    }
}

impl<T: Real> Rule<T> for JumpRelu {
    fn has_second(&self) -> bool {
        true
    }

    fn absent_second(&self) -> T {
        // below every threshold and outside every window
        T::of(f64::NEG_INFINITY)
    }

    fn bias(&self, params: &Params<T>, latent: usize, learning: bool) -> T {
        params.b_enc[latent] - params.own(0)[latent] + self.window(learning)
    }

    fn append(&self, row: &SelectedRow<'_, T>, _: &mut Code<T>, out: &mut SparseRows<T>) {
        let window = self.window(row.learning);
        let thresholds = row.params.own(0);
        for &(value, latent) in row.chosen {
            let pre = value - window + thresholds[latent as usize];
            let active = value > window;
            if row.learning || active {
                out.push(latent, if active { pre } else { T::ZERO }, false);
                out.second.push(pre);
            }
        }
    }

    fn tensors(&self) -> &'static [(&'static str, f64)] {
        &[("threshold", INITIAL_THRESHOLD)]
    }

    fn constrain(&self, own: &mut [LatentTensor<T>]) {
        demand_positive(own);
    }

    fn penalises(&self) -> bool {
        true
    }

    fn penalise(&self, row: RowLoss<'_, T>) -> f64 {
        let lambda = T::of(self.lambda_sparsity);
        let width = T::of(self.bandwidth);
        let thresholds = row.params.own(0);
        let mut loss = T::ZERO;
        for (i, (slope, &latent)) in row.second_slopes.iter_mut().zip(row.latents).enumerate() {
            let threshold = thresholds[latent as usize];
            let distance = (row.second[i] - threshold).abs();
            if distance + distance < width {
                *slope = -(threshold * row.slopes[i] + lambda * row.factor) / width;
            }
            let active = if row.forced[i] {
                row.second[i] > threshold
            } else {
                row.values[i] > T::ZERO
            };
            if active {
                loss += lambda;
            } else {
                row.slopes[i] = T::ZERO;
            }
        }
        loss.f64()
    }

    fn pull(
        &self,
        entry: Entry<T>,
        b_enc: T,
        _: [T; MOST_TENSORS],
        gradient: &mut LatentGradient<T>,
    ) -> T {
        gradient.b_enc += entry.slope;
        gradient.own[0] += entry.second_slope;
        gradient.r += entry.slope * (entry.value - b_enc);
        entry.slope
    }
}
