//! What can go wrong while a PLM is steered.

use crate::error::{Classify, ErrorKind};

/// Errors of steering.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SteerError {
    /// What the PLM gives, or what is put in its place, is no number.
    #[error(
        "token {token} (from 0): an activation {place} the autoencoder is {value}: compute in f32, or change latents by less"
    )]
    NotFinite {
        /// The token's index in the batch.
        token: usize,
        /// `before` or `behind`.
        place: &'static str,
        /// The value.
        value: f32,
    },
    /// Activations of another width than the autoencoder's.
    #[error("{found} activations of {tokens} tokens: the autoencoder has {width} a token")]
    Width {
        /// Activations.
        found: usize,
        /// Tokens that they belong to.
        tokens: usize,
        /// The autoencoder's width.
        width: usize,
    },
}

impl Classify for SteerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFinite { .. } => ErrorKind::Data,
            Self::Width { .. } => ErrorKind::Mismatch,
        }
    }
}
