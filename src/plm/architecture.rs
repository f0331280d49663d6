//! What there is to know of a model: everything that windows, places and both engines ask for stands here as data.

use super::{error::PlmError, names::TensorNames};
use crate::table::metadata::Site;
use std::ops::RangeInclusive;

/// Refuses sizes beyond anything published before memory is asked for.
const LARGEST: usize = 1 << 17;

/// A model of a family: the shape of its encoder and the conventions of its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Name of the family.
    pub family: &'static str,
    /// Blocks, L.
    pub layers: usize,
    /// Width of the residual stream, d.
    pub width: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of an attention head.
    pub head_width: usize,
    /// Width inside the MLP.
    pub inner: usize,
    /// Rows of the word embeddings: tokens of the vocabulary, or more.
    pub tokens: usize,
    /// Which norms the blocks have, but for those of queries and keys.
    pub norm: NormKind,
    /// Epsilon of the norms.
    pub epsilon: f32,
    /// What queries are multiplied by.
    pub attention_scale: f32,
    /// How a token's position is known to the model.
    pub positions: Positions,
    /// What the MLP does between its layers.
    pub activation: Activation,
    /// What the results of attention and MLP are multiplied by before they are added to the residual stream.
    pub residual_scale: f32,
    /// Whether all activations stay within half precision.
    pub fits_half: bool,
    /// Share of tokens that were `<mask>` in training, where embeddings are rescaled for it (token dropout).
    pub masked_in_training: Option<f32>,
    /// Whether the head's decoder is the word embedding.
    pub tied_head: bool,
    /// Most residues of a window; `None` where positions have no end.
    pub longest_window: Option<usize>,
    /// Names of the tensors.
    pub names: &'static TensorNames,
}

/// A norm of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// Minus the mean, over the root of variance and epsilon (Ba et al. 2016).
    Layer,
    /// Over the root of mean square and epsilon (Zhang and Sennrich 2019).
    RootMeanSquare,
}

/// A function between the layers of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// With the exact error function.
    Gelu,
    /// GELU by its approximation with the hyperbolic tangent.
    GeluTanh,
    /// x / (1 + exp(-x)).
    Silu,
    /// The larger of x and 0.
    Relu,
}

/// How a token's position is known to the model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Positions {
    /// Queries and keys are rotated (Su et al. 2021).
    Rotary {
        /// Base of the frequencies.
        theta: f64,
        /// How the name of a tensor of frequencies ends, which is believed where a checkpoint has one.
        frequencies: Option<&'static str>,
        /// Which features are rotated together.
        pairs: Pairs,
    },
    /// Embeddings of positions are added to those of words.
    Learned {
        /// How many there are.
        rows: usize,
        /// The one of a sequence's first token.
        first: usize,
    },
    /// Numbers are added to scores, by head and distance (Raffel et al. 2020).
    Relative {
        /// Kinds of distances.
        buckets: usize,
        /// The distance from which on all are of one kind.
        distance: usize,
    },
}

/// Which features of a head are rotated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// Each of the first half with its like of the second.
    Halves,
    /// Each of even number with the next.
    Neighbours,
}

impl Architecture {
    /// Width of all heads together.
    #[must_use]
    pub fn attention_width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Layers at which activations can be read at a site: `residual` 0 (the embeddings) to L, others 1 to L.
    #[must_use]
    pub fn layers_at(&self, site: Site) -> RangeInclusive<usize> {
        usize::from(site != Site::Residual)..=self.layers
    }

    /// Demands that a window of so many residues has no more than the model has positions for.
    ///
    /// # Errors
    /// [`PlmError::Usage`] with both numbers.
    pub fn check_window(&self, residues: usize) -> Result<(), PlmError> {
        match self.longest_window {
            Some(longest) if residues > longest => Err(PlmError::Usage(format!(
                "windows of {residues} residues: {} has positions for {longest}",
                self.family
            ))),
            _ => Ok(()),
        }
    }

    /// Multiply-adds times two of one residue through `layers` blocks in a sequence of `length`
    /// tokens: 2·12·d² for a block of the usual inner width 4d without a gate, and its attention.
    #[must_use]
    pub fn flops_per_token(&self, layers: usize, length: usize) -> f64 {
        let (d, attention) = (self.width as f64, self.attention_width() as f64);
        let maps = if self.names.mlp_gate.is_some() { 3 } else { 2 };
        let mlp = (maps * self.inner) as f64;
        layers as f64 * (2.0 * d * (4.0 * attention + mlp) + 4.0 * attention * length as f64)
    }

    /// Demands that the numbers of a configuration fit each other.
    ///
    /// # Errors
    /// [`PlmError::Config`] with those that do not.
    pub(crate) fn check(self) -> Result<Self, PlmError> {
        if !self.epsilon.is_finite() || self.epsilon < 0.0 {
            return Err(PlmError::Config(format!(
                "layer_norm_eps is {}, expected a small positive number",
                self.epsilon
            )));
        }
        if let Positions::Rotary { theta, .. } = self.positions {
            if !theta.is_finite() || theta <= 0.0 {
                return Err(PlmError::Config(format!(
                    "rope_theta is {theta}, expected a positive number"
                )));
            }
            if !self.head_width.is_multiple_of(2) {
                let text = format!(
                    "{} attention heads of width {} have no halves to rotate",
                    self.heads, self.head_width
                );
                return Err(PlmError::Config(text));
            }
        }
        Ok(self)
    }
}

/// A size that a configuration must have.
///
/// # Errors
/// [`PlmError::Config`] where it is missing, 0 or beyond anything published.
pub(crate) fn size(field: &'static str, value: Option<usize>) -> Result<usize, PlmError> {
    match value {
        Some(n) if (1..=LARGEST).contains(&n) => Ok(n),
        Some(n) => Err(PlmError::Config(format!(
            "{field} is {n}, expected 1 to {LARGEST}"
        ))),
        None => Err(PlmError::Config(format!("{field} is missing"))),
    }
}

/// The width of a head where heads divide the residual stream among them.
///
/// # Errors
/// [`PlmError::Config`] where they do not.
pub(crate) fn divided(width: usize, heads: usize) -> Result<usize, PlmError> {
    if width.is_multiple_of(heads) {
        return Ok(width / heads);
    }
    Err(PlmError::Config(format!(
        "hidden_size {width} cannot be divided among {heads} attention heads"
    )))
}
