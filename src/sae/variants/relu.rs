//! Every positive pre-activation, held down by an L1 penalty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RowLoss, Rule};
use crate::math::real::Real;

/// Weight of a penalty where nothing else is said.
pub(super) const DEFAULT_LAMBDA: f64 = 1.0;

/// Every positive pre-activation; an L1 penalty, weighted by decoder rows' lengths.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relu {
    /// Weight of the penalty on active latents.
    pub lambda_sparsity: f64,
}

impl Relu {
    /// With the default weight.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lambda_sparsity: DEFAULT_LAMBDA,
        }
    }
}

impl Default for Relu {
    fn default() -> Self {
        Self::new()
    }
}

/// An L1 penalty on activations.
#[expect(
    clippy::needless_pass_by_value,
    reason = "what it takes is what it writes to"
)]
pub(super) fn penalise<T: Real>(lambda: f64, row: RowLoss<'_, T>) -> f64 {
    let lambda = T::of(lambda);
    let mut loss = T::ZERO;
    for ((slope, &latent), &value) in row.slopes.iter_mut().zip(row.latents).zip(row.values) {
        let weight = lambda * row.lengths[latent as usize];
        loss += weight * value;
        *slope += weight * row.factor;
    }
    loss.f64()
}

impl<T: Real> Rule<T> for Relu {
    fn penalises(&self) -> bool {
        true
    }

    fn penalise(&self, row: RowLoss<'_, T>) -> f64 {
        penalise(self.lambda_sparsity, row)
    }
}
