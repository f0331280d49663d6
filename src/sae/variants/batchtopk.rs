//! The K largest pre-activations per row on average, chosen over the batch (arXiv 2412.06410).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rule, topk::DEFAULT_K};
use crate::{
    math::real::Real,
    sae::params::{LatentTensor, Params},
};

/// The K largest per row on average, over the batch; a threshold for all latents when applied.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchTopk {
    /// Latents kept per row on average, K.
    pub k: usize,
}

impl BatchTopk {
    /// With the default K.
    #[must_use]
    pub const fn new() -> Self {
        Self { k: DEFAULT_K }
    }
}

impl Default for BatchTopk {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> Rule<T> for BatchTopk {
    fn least(&self, params: &Params<T>) -> T {
        params.own(0).first().copied().unwrap_or(T::ZERO)
    }

    fn limits_batch(&self) -> bool {
        true
    }

    fn tensors(&self) -> &'static [(&'static str, f64)] {
        &[("threshold", 0.0)]
    }

    fn constrain(&self, own: &mut [LatentTensor<T>]) {
        super::jumprelu::demand_positive(own);
    }
}
