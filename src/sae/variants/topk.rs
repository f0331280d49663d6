//! The K largest pre-activations of a row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rule;
use crate::math::real::Real;

/// Latents kept where nothing else is said.
pub(super) const DEFAULT_K: usize = 32;

/// The K largest positive pre-activations of a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topk {
    /// Latents kept per row, K.
    pub k: usize,
}

impl Topk {
    /// With the default K.
    #[must_use]
    pub const fn new() -> Self {
        Self { k: DEFAULT_K }
    }
}

impl Default for Topk {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> Rule<T> for Topk {
    fn most(&self) -> usize {
        self.k
    }
}
