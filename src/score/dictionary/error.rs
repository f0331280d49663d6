//! What can be wrong with a dictionary.

use super::{DICTIONARY_FORMAT, DICTIONARY_FORMAT_1};
use crate::error::{Classify, ErrorKind, kind_of};

/// What can be wrong with a dictionary.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// No dictionary.
    #[error("not a dictionary: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version.
    #[error("this is '{0}', expected '{DICTIONARY_FORMAT}' or '{DICTIONARY_FORMAT_1}'")]
    Format(String),
    /// Concepts where its version has none, or none where it has.
    #[error("a '{0}' has concepts in one of two versions: '{DICTIONARY_FORMAT}' alone")]
    Concepts(String),
    /// An entry is not where its index says.
    #[error("entry {at} has index {index}")]
    Index {
        /// Its place.
        at: usize,
        /// Its index.
        index: u32,
    },
    /// A section of a concept that nothing can be read by.
    #[error("concept '{concept}': {problem}")]
    Concept {
        /// Its id.
        concept: String,
        /// What is wrong.
        problem: String,
    },
    /// It was made with other maxima than the model's.
    #[error(
        "the maximum of latent {latent} is {dictionary}, in the model {model}; make the dictionary anew"
    )]
    Maximum {
        /// The latent.
        latent: u32,
        /// The dictionary's.
        dictionary: f64,
        /// The model's.
        model: f64,
    },
    /// More or fewer latents than the model.
    #[error("it describes {dictionary} latents, the model has {model}")]
    Latents {
        /// Latents of the dictionary.
        dictionary: usize,
        /// Latents of the model.
        model: usize,
    },
}

impl Classify for DictionaryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Format(_) | Self::Latents { .. } | Self::Maximum { .. } => ErrorKind::Mismatch,
            Self::Json(error) => kind_of(error),
            Self::Index { .. } | Self::Concepts(_) | Self::Concept { .. } => ErrorKind::Data,
        }
    }
}
