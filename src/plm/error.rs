//! What can be wrong with a PLM's folder or with a sequence.

use crate::error::{Classify, ErrorKind, kind_of};
use std::{io, path::PathBuf};

/// Errors of loading and running a PLM.
#[derive(Debug, thiserror::Error)]
pub enum PlmError {
    /// A file of the model's folder cannot be read.
    #[error("{}: cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// No weights in the folder.
    #[error(
        "{}: no weights: expected model.safetensors, model.safetensors.index.json, \
         pytorch_model.bin or pytorch_model.bin.index.json (or, of the first releases of ESM-C, data/weights/*.pth)",
        path.display()
    )]
    NoWeights {
        /// The folder.
        path: PathBuf,
    },
    /// A pointer that Git LFS left in place of a large file.
    #[error(
        "{}: a Git LFS pointer, not the weights: fetch them with 'git lfs pull' or download the file",
        path.display()
    )]
    LfsPointer {
        /// The file.
        path: PathBuf,
    },
    /// A file that is cut short or is not of its format.
    #[error("{}: {problem}: truncated or damaged, download it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What its reader says.
        problem: String,
    },
    /// Weights in a form that is known but not read.
    #[error("{}: {problem}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What they are, and what to do.
        problem: String,
    },
    /// `config.json` or an index is not what it should be.
    #[error("{}: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A configuration that no family recognises.
    #[error("config.json: model_type is {found}, of no family that this program runs: {known}")]
    Family {
        /// Its `model_type`.
        found: String,
        /// The families.
        known: String,
    },
    /// A configuration of another architecture.
    #[error("config.json: {field} is {found}, {family} has {expected}{hint}")]
    Architecture {
        /// The family that it was taken for.
        family: &'static str,
        /// The key in `config.json`.
        field: &'static str,
        /// Its value.
        found: String,
        /// What the family has.
        expected: &'static str,
        /// Which model it may be, or nothing.
        hint: &'static str,
    },
    /// Numbers of the configuration that contradict each other.
    #[error("config.json: {0}")]
    Config(String),
    /// A vocabulary that does not fit.
    #[error("vocabulary: {0}")]
    Vocabulary(String),
    /// A folder without a vocabulary, of a model that does not have its family's.
    #[error(
        "{}: no vocab.txt, tokenizer.json or spiece.model, and the standard vocabulary of {family} does not fit: {problem}",
        path.display()
    )]
    NoVocabulary {
        /// The folder.
        path: PathBuf,
        /// The family.
        family: &'static str,
        /// What does not fit.
        problem: String,
    },
    /// A tensor that the configuration demands is not there.
    #[error("{}: no tensor '{name}' of shape {shape:?}: the weights are of another model or incomplete", path.display())]
    MissingTensor {
        /// The file or, for shards, the folder.
        path: PathBuf,
        /// Name as in the released checkpoints.
        name: String,
        /// The shape that the configuration demands.
        shape: Vec<usize>,
    },
    /// A tensor of another shape.
    #[error(
        "{}: tensor '{name}' has shape {found:?}, config.json demands {expected:?}",
        path.display()
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// Name in the file.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape by the configuration.
        expected: Vec<usize>,
    },
    /// A tensor of numbers that cannot be computed with.
    #[error("{}: tensor '{name}' holds {found}, expected F32, F16, BF16 or F64", path.display())]
    TensorType {
        /// The file.
        path: PathBuf,
        /// Name in the file.
        name: String,
        /// Its type.
        found: String,
    },
    /// Something was asked for that this model, build or machine does not have.
    #[error("{0}")]
    Usage(String),
    /// An operation on a device failed.
    #[error("computation on the device failed")]
    Device(#[from] candle_core::Error),
}

impl Classify for PlmError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => Classify::kind(source),
            Self::Usage(_) => ErrorKind::Usage,
            Self::Device(error) if is_out_of_memory(error) => ErrorKind::Memory,
            Self::Device(error) => kind_of(error),
            _ => ErrorKind::Data,
        }
    }
}

/// Whether a device ran out of memory; candle passes the driver's message on as text.
#[must_use]
pub fn is_out_of_memory(error: &candle_core::Error) -> bool {
    let text = error.to_string();
    text.contains("OUT_OF_MEMORY") || text.contains("out of memory")
}
