//! What is said of a checkpoint beside it.

use super::Activation;
use crate::sae::conversion::InputTransform;

/// What the user says of a checkpoint that it does not say itself.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// How latents are chosen, where the tensors leave it open.
    pub activation: Option<Activation>,
    /// K of `TopK` and `BatchTopK`.
    pub k: Option<usize>,
    /// The threshold that `BatchTopK` applies, where it was not saved.
    pub threshold: Option<f32>,
    /// Whether the encoder sees activations minus the decoder's bias, where that is open.
    pub apply_b_dec: Option<bool>,
    /// What is done to a row, in place of what the family does.
    pub input: Option<InputTransform>,
    /// What activations are multiplied by.
    pub input_scale: Option<f64>,
    /// Whether activations are divided by the maxima that the checkpoint has; none: as the family
    /// does.
    pub normalize_latents: Option<bool>,
}
