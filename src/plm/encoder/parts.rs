//! What of a model is loaded, in the form that an engine holds.

use super::{
    block::{Block, Norm},
    embeddings::Embeddings,
    head::Head,
    positions::AttentionPositions,
};
use crate::plm::{
    architecture::Architecture,
    error::PlmError,
    place::Place,
    vocabulary::Vocabulary,
    weights::{ModelFolder, Precision},
};

/// What of a model is needed.
#[derive(Clone, Copy, Debug)]
pub struct LoadPlan {
    /// Blocks that run; those behind are not loaded.
    pub layers: usize,
    /// Whether the masked-language-modelling head is needed; it runs all blocks.
    pub head: bool,
    /// Precision of the products.
    pub precision: Precision,
}

impl LoadPlan {
    /// What these places need.
    #[must_use]
    pub fn places(places: &[Place], precision: Precision) -> Self {
        Self {
            layers: places.iter().map(|p| p.layer).max().unwrap_or(0),
            head: false,
            precision,
        }
    }

    /// The whole model with its masked-language-modelling head.
    #[must_use]
    pub fn with_head(precision: Precision) -> Self {
        Self {
            layers: 0,
            head: true,
            precision,
        }
    }
}

/// How an engine holds weights.
pub(super) trait Form {
    type Block;
    type Norm;
    type Head;

    /// Takes the weights of a block.
    fn block(&self, block: Block) -> Result<Self::Block, PlmError>;
    /// Takes the weights of a norm.
    fn norm(&self, norm: Norm) -> Result<Self::Norm, PlmError>;
    /// Takes the weights of the head.
    fn head(&self, head: Head) -> Result<Self::Head, PlmError>;
}

/// A model, or its first blocks.
pub(super) struct Parts<F: Form> {
    pub(super) architecture: Architecture,
    pub(super) vocabulary: Vocabulary,
    pub(super) embeddings: Embeddings,
    pub(super) blocks: Vec<F::Block>,
    /// After the last block; loaded when that is.
    pub(super) norm: Option<F::Norm>,
    pub(super) head: Option<F::Head>,
    pub(super) positions: AttentionPositions,
}

impl<F: Form> Parts<F> {
    /// Loads what is needed of a model; one block at a time passes through the host's memory.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor is missing or does not fit, naming it, or a device fails.
    pub(super) fn load(folder: &ModelFolder, plan: LoadPlan, form: &F) -> Result<Self, PlmError> {
        let architecture = folder.architecture.clone();
        let layers = if plan.head {
            architecture.layers
        } else {
            plan.layers
        };
        let blocks = (1..=layers)
            .map(|number| form.block(Block::load(folder, number)?))
            .collect::<Result<_, _>>()?;
        let embeddings = Embeddings::load(folder)?;
        let norm = if layers == architecture.layers {
            let names = architecture.names;
            let (kind, has_bias) = (architecture.norm, names.biases.last_norm);
            let norm = Norm::load(folder, kind, names.last_norm, architecture.width, has_bias)?;
            Some(form.norm(norm)?)
        } else {
            None
        };
        let head = if plan.head {
            Some(form.head(Head::load(folder, &embeddings)?)?)
        } else {
            None
        };
        Ok(Self {
            vocabulary: folder.vocabulary.clone(),
            embeddings,
            blocks,
            norm,
            head,
            positions: AttentionPositions::load(folder)?,
            architecture,
        })
    }

    /// The head.
    ///
    /// # Panics
    /// Where the model was loaded without it.
    pub(super) fn head(&self) -> &F::Head {
        let head = self.head.as_ref();
        head.expect("the model is loaded with its head")
    }

    /// The norm that the residual stream of a layer goes through: the last of all.
    pub(super) fn norm_after(&self, layer: usize) -> Option<&F::Norm> {
        self.norm
            .as_ref()
            .filter(|_| layer == self.architecture.layers)
    }
}
