//! Checkpoints of other programs, in and out.
//!
//! [`Tensors`] reads `PyTorch` archives (nothing of their pickle is executed) and safetensors;
//! [`read()`] tells the family of a checkpoint by its tensors and its configuration and makes a model
//! of it; [`write()`] lays a model out as `SAELens` and sparsify load it. Formulas stand where each
//! family is read.

mod families;
mod imported_weights;
mod pack;
mod read;
mod request;
mod sidecar;
mod signature;
mod tensors;
mod write;

pub use pack::Pack;
pub use read::{Converted, read};
pub use request::Request;
pub use sidecar::Sidecar;
pub use tensors::Tensors;
pub use write::{
    CONFIG, Layout, NamedTensor, WEIGHT_FILES, WRITTEN_BY, WRITTEN_BY_KEY, Written, write,
};

use crate::{
    error::{Classify, ErrorKind},
    torch::TorchError,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// Neither an archive of `PyTorch` nor safetensors, or a damaged one.
    #[error("{0}")]
    Damaged(String),
    /// A tensor is missing.
    #[error("{family} checkpoint without tensor '{name}'; it has {present}")]
    Missing {
        /// The family that it was taken for.
        family: &'static str,
        /// The tensor.
        name: String,
        /// What is there.
        present: String,
    },
    /// A tensor of another shape.
    #[error("tensor '{name}' has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: Vec<usize>,
    },
    /// A number that no model computes with.
    #[error("tensor '{name}' holds {value} at {index}")]
    NotFinite {
        /// The tensor.
        name: String,
        /// The number.
        value: f32,
        /// Where, counted row by row from 0.
        index: usize,
    },
    /// What the file does not say and an option must.
    #[error("{0}")]
    Ask(String),
    /// A format that is known but not read.
    #[error("{0}")]
    Refused(String),
    /// No format that is known.
    #[error("no checkpoint of a sparse autoencoder that is known here: it has {0}")]
    Unknown(String),
    /// A configuration beside the tensors that says something else, or nothing that is understood.
    #[error("{file}: {message}")]
    Sidecar {
        /// The file.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// A model that the other format cannot hold.
    #[error("{0}")]
    CannotHold(String),
}

impl From<TorchError> for ExchangeError {
    fn from(error: TorchError) -> Self {
        match error {
            TorchError::Damaged(problem) => Self::Damaged(problem),
            TorchError::Refused(problem) => Self::Refused(problem),
        }
    }
}

impl Classify for ExchangeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Ask(_) | Self::CannotHold(_) => ErrorKind::Usage,
            Self::Shape { .. } => ErrorKind::Mismatch,
            _ => ErrorKind::Data,
        }
    }
}

/// How latents are chosen, where a checkpoint leaves it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Every positive pre-activation.
    Relu,
    /// The K largest of each residue.
    Topk,
    /// Those above one threshold, learned so that K of a residue are on average.
    Batchtopk,
}
