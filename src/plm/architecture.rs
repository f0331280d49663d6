//! What there is to know of a model: everything that windows, places and both engines ask for stands here as data.

use super::error::PlmError;
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
    /// Width inside the MLP.
    pub inner: usize,
    /// Tokens of the vocabulary.
    pub tokens: usize,
    /// Epsilon of the layer norms.
    pub epsilon: f32,
    /// What queries are multiplied by.
    pub attention_scale: f32,
    /// How a token's position reaches the attention.
    pub positions: Positions,
    /// Share of tokens that were `<mask>` in training, where embeddings are rescaled for it (token dropout).
    pub masked_in_training: Option<f32>,
    /// Whether the head's decoder is the word embedding.
    pub tied_head: bool,
    /// Most residues of a window; `None` where positions have no end.
    pub longest_window: Option<usize>,
    /// Names of the tensors.
    pub names: &'static TensorNames,
}

/// How a token's position reaches the attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Positions {
    /// Queries and keys are rotated (Su et al. 2021), the first half of a head's features with the second.
    Rotary {
        /// Base of the frequencies.
        theta: f64,
        /// How the name of a tensor of frequencies ends, which is believed where a checkpoint has one.
        frequencies: &'static str,
    },
}

/// Names of tensors as in the released checkpoints, without their prefix. Those of a block follow `blocks` and its
/// number from 0; norms and linear maps have `.weight` and `.bias`.
#[derive(Debug, PartialEq)]
pub struct TensorNames {
    /// What may stand before all names.
    pub prefixes: &'static [&'static str],
    /// Word embeddings.
    pub words: &'static str,
    /// What stands before a block's number.
    pub blocks: &'static str,
    /// Norm before the attention.
    pub attention_norm: &'static str,
    /// Queries, keys and values.
    pub qkv: [&'static str; 3],
    /// What the heads' results go through.
    pub attention_out: &'static str,
    /// Norm before the MLP.
    pub mlp_norm: &'static str,
    /// Into the MLP.
    pub mlp_in: &'static str,
    /// Out of the MLP.
    pub mlp_out: &'static str,
    /// Norm behind the last block.
    pub last_norm: &'static str,
    /// First layer of the masked-language-modelling head.
    pub head_dense: &'static str,
    /// Norm behind it.
    pub head_norm: &'static str,
    /// The head's decoder, where it is not the word embedding.
    pub head_decoder: &'static str,
    /// The decoder's bias.
    pub head_bias: &'static str,
}

impl TensorNames {
    /// The one name of a tensor that released checkpoints, re-saved ones and those of transformers 5
    /// (`gamma` and `beta` of layer norms) agree on.
    #[must_use]
    pub fn canonical(&self, name: &str) -> String {
        let mut prefixes = self.prefixes.iter();
        let name = prefixes
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name);
        if let Some(stem) = name.strip_suffix(".gamma") {
            format!("{stem}.weight")
        } else if let Some(stem) = name.strip_suffix(".beta") {
            format!("{stem}.bias")
        } else {
            name.to_owned()
        }
    }

    /// The block, from 1, that a tensor is of, by its canonical name.
    #[must_use]
    pub fn block_of(&self, name: &str) -> Option<usize> {
        let number = name.strip_prefix(self.blocks)?.split('.').next()?;
        number.parse::<usize>().ok()?.checked_add(1)
    }
}

impl Architecture {
    /// Width of one attention head.
    #[must_use]
    pub fn head_width(&self) -> usize {
        self.width / self.heads
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
    /// tokens: 2·12·d² for a block of the usual inner width 4d, and its attention.
    #[must_use]
    pub fn flops_per_token(&self, layers: usize, length: usize) -> f64 {
        let (d, inner) = (self.width as f64, self.inner as f64);
        layers as f64 * (2.0 * d * (4.0 * d + 2.0 * inner) + 4.0 * d * length as f64)
    }

    /// Demands that the numbers of a configuration fit each other.
    ///
    /// # Errors
    /// [`PlmError::Config`] with those that do not.
    pub(crate) fn check(self) -> Result<Self, PlmError> {
        if !self.width.is_multiple_of(self.heads) || !self.head_width().is_multiple_of(2) {
            return Err(PlmError::Config(format!(
                "hidden_size {} cannot be divided among {} attention heads of even width",
                self.width, self.heads
            )));
        }
        if !self.epsilon.is_finite() || self.epsilon < 0.0 {
            return Err(PlmError::Config(format!(
                "layer_norm_eps is {}, expected a small positive number",
                self.epsilon
            )));
        }
        let Positions::Rotary { theta, .. } = self.positions;
        if !theta.is_finite() || theta <= 0.0 {
            return Err(PlmError::Config(format!(
                "rope_theta is {theta}, expected a positive number"
            )));
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
