//! The tensors of a model folder.

use std::path::Path;

use super::files::{Slice, write_tensors};
use crate::sae::{error::SaeError, params::Params};

/// Name of the tensor of each latent's largest activation.
pub const LATENT_MAX: &str = "latent_max";
/// Name of the tensor of what a converted model's activations are multiplied by.
pub const LATENT_SCALE: &str = "latent_scale";
/// Name of the tensor of the weights of concepts' positives in training: a logit less the logarithm of
/// its weight is roughly that of a frequency.
pub const POSITIVE_WEIGHT: &str = "positive_weight";

/// What a model folder's tensors are made of.
#[derive(Clone, Copy, Debug)]
pub struct ModelTensors<'a> {
    /// The parameters.
    pub params: &'a Params<f32>,
    /// Largest activation of each latent over the training rows, `[n]`.
    pub latent_max: &'a [f32],
    /// What a converted model's activations are multiplied by, `[n]`; empty: nothing.
    pub latent_scale: &'a [f32],
    /// Weight of each concept's positives in training, `[m]`; empty where there is none.
    pub positive_weight: &'a [f32],
}

/// Writes the tensors of a model folder.
///
/// # Errors
/// [`SaeError::Io`].
pub fn write_weights(path: &Path, tensors: &ModelTensors<'_>) -> Result<(), SaeError> {
    let vector = |(name, values): (&str, _)| {
        let values: &[f32] = values;
        let shape = vec![values.len()];
        (name.to_owned(), Slice { shape, values })
    };
    let more = [
        (LATENT_SCALE, tensors.latent_scale),
        (POSITIVE_WEIGHT, tensors.positive_weight),
    ];
    let more = more.into_iter().filter(|(_, values)| !values.is_empty());
    let params = tensors.params.tensors();
    let all = params
        .map(|(name, shape, values)| (name.to_owned(), Slice { shape, values }))
        .chain([vector((LATENT_MAX, tensors.latent_max))])
        .chain(more.map(vector));
    write_tensors(path, all)
}
