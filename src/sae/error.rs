//! What can be wrong with a model, its training data or its settings.

use crate::error::{Classify, ErrorKind};

/// An error of the sparse autoencoder, its training or its files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaeError {
    /// A file of a model folder cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A folder that would be replaced holds what was not written here.
    #[error(
        "{folder} would be replaced, but holds {file}, which is of no checkpoint; move it away"
    )]
    Foreign {
        /// The folder.
        folder: String,
        /// The first such file.
        file: String,
    },
    /// A sidecar (`config.yaml`, `concepts.json`, ...) is not what it should be.
    #[error("{path}: {message}")]
    Sidecar {
        /// The file.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// A format version that this program does not read.
    #[error("{path}: format `{found}`, expected `{expected}`")]
    Format {
        /// The file.
        path: String,
        /// What the file says.
        found: String,
        /// What this program reads.
        expected: &'static str,
    },
    /// A weights file cannot be parsed.
    #[error("{path}: not a safetensors file: {message}")]
    Weights {
        /// The file.
        path: String,
        /// What the parser says.
        message: String,
    },
    /// A tensor is missing.
    #[error("{path}: tensor `{name}` is missing")]
    MissingTensor {
        /// The file.
        path: String,
        /// The tensor.
        name: String,
    },
    /// A tensor has another type or shape than the configuration says.
    #[error("{path}: tensor `{name}` is {found}, expected {expected}")]
    Tensor {
        /// The file.
        path: String,
        /// The tensor.
        name: String,
        /// Its type and shape.
        found: String,
        /// The type and shape that fit.
        expected: String,
    },
    /// A size that does not fit.
    #[error("{what} is {found}, expected {expected}")]
    Width {
        /// What has the size.
        what: String,
        /// Its size.
        found: usize,
        /// The size that fits.
        expected: usize,
    },
    /// A setting that is out of range, or that another does not bear.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// An activation that is not finite.
    #[error("row {row} (from 0): activation {column} is {value}; embed it again in f32")]
    NotFinite {
        /// Row of the block of rows, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value.
        value: f32,
    },
    /// An activation of a protein that is not finite.
    #[error(
        "protein `{protein}`, position {position}: activation {column} is {value}; embed it again in f32"
    )]
    BadRow {
        /// Accession.
        protein: String,
        /// Position of the residue, 1-based; 0 in a pooled table.
        position: u32,
        /// Column, from 0.
        column: usize,
        /// The value.
        value: f32,
    },
    /// The same protein twice in the training data.
    #[error("protein `{protein}` occurs twice: in {first} and in {second}")]
    DuplicateProtein {
        /// Accession.
        protein: String,
        /// Where it was first.
        first: String,
        /// Where it is again.
        second: String,
    },
    /// No row is left to train on.
    #[error("no rows to train on{0}")]
    NoRows(String),
    /// A GPU fails, or cannot do what is asked.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The loss stopped being a number.
    #[error("the loss is {loss} at step {step}; lower the learning rate, or clip gradients")]
    Diverged {
        /// The step, from 1.
        step: u64,
        /// The loss.
        loss: f64,
    },
    /// A checkpoint of other settings or data.
    #[error(
        "{path}: the checkpoint was made with other settings: {what} was {found}, now {expected}; remove it, or do not go on from it"
    )]
    Checkpoint {
        /// The checkpoint.
        path: String,
        /// The setting.
        what: String,
        /// Its value in the checkpoint.
        found: String,
        /// Its value now.
        expected: String,
    },
}

/// A setting that is out of range, or that another does not bear.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct SettingError {
    /// The field of a configuration; options have the same name, with dashes.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl SettingError {
    pub(crate) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self {
            field,
            message: message.into(),
        }
    }
}

impl Classify for SettingError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

impl Classify for SaeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => Classify::kind(source),
            Self::Gpu(error) => error.kind(),
            Self::Setting(_) | Self::Foreign { .. } => ErrorKind::Usage,
            Self::Format { .. } | Self::Width { .. } | Self::Checkpoint { .. } => {
                ErrorKind::Mismatch
            }
            _ => ErrorKind::Data,
        }
    }
}

/// What can go wrong on a GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// It has no memory left.
    #[error("the GPU has no room for {bytes} more bytes; take a smaller batch, or fewer latents")]
    Memory {
        /// What was asked for.
        bytes: usize,
    },
    /// There is none, or it fails.
    #[error("the GPU failed: {0}")]
    Failed(String),
    /// A batch that no step can be made with.
    #[error("a batch that does not fit the model: {0}")]
    Batch(String),
    /// Something that only the CPU can do.
    #[error("{0} trains on the CPU alone")]
    CpuOnly(String),
    /// A model that only the CPU can apply.
    #[error("{0} encodes on the CPU alone")]
    CpuEncodes(String),
}

impl Classify for GpuError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Memory { .. } => ErrorKind::Memory,
            Self::Failed(_) | Self::Batch(_) => ErrorKind::Data,
            Self::CpuOnly(_) | Self::CpuEncodes(_) => ErrorKind::Usage,
        }
    }
}
