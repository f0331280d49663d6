//! The sizes of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Largest width, number of latents or of concepts that a reader allocates for.
pub const MAX_SIZE: usize = 1 << 24;

/// The sizes of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Width of the protein language model, d.
    pub width: usize,
    /// All latents, n.
    pub latents: usize,
    /// Defined latents, m: the first ones, one a concept.
    pub defined: usize,
    /// Classes of axioms that are no concept, z.
    pub zero_classes: usize,
    /// Relations of axioms, R.
    pub relations: usize,
}

impl Shape {
    /// Unknown latents, n - m.
    #[must_use]
    pub fn unknown(&self) -> usize {
        self.latents - self.defined
    }

    /// Classes of the axioms, m + z.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.defined + self.zero_classes
    }
}
