//! The concept predictor alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Code, Rule, SelectedRow};
use crate::{math::real::Real, sae::sparse::SparseRows};

/// No latent is ever active: logits are all that is learned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearProbe {}

impl<T: Real> Rule<T> for LinearProbe {
    fn compares(&self) -> bool {
        false
    }

    fn append(&self, _: &SelectedRow<'_, T>, _: &mut Code<T>, _: &mut SparseRows<T>) {}
}
