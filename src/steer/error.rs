//! What can go wrong while a PLM is steered.

use super::positions::PositionsError;
use crate::{
    error::{Classify, ErrorKind},
    plm::error::PlmError,
    sae::SaeError,
};

/// Errors of steering.
#[derive(Debug, thiserror::Error)]
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
    /// Logits that are no numbers.
    #[error(
        "the PLM's logits at position {position} of a masked sequence are no numbers: change latents by less"
    )]
    Logits {
        /// Position, 1-based.
        position: usize,
    },
    /// A PLM without a token of masked residues.
    #[error("this PLM has no token of masked residues, so it fills in none")]
    NoMask,
    /// An autoencoder that cannot be inserted.
    #[error("a linear probe reconstructs nothing: there is nothing to insert")]
    NoDecoder,
    /// A concept that no latent is tied to.
    #[error("concept '{id}' is none of the {concepts} of this model{}", hint(near))]
    UnknownConcept {
        /// The id.
        id: String,
        /// Concepts that latents are tied to.
        concepts: usize,
        /// Ids that are near to it.
        near: Vec<String>,
    },
    /// A latent that the model does not have.
    #[error("latent {latent}: this model has {latents}, numbered from 0")]
    UnknownLatent {
        /// Its number.
        latent: u32,
        /// Latents of the model.
        latents: usize,
    },
    /// The same goal twice.
    #[error("{0} is asked for twice")]
    Twice(String),
    /// A control that the model does not bear.
    #[error("no control for '{goal}': {reason}")]
    NoControl {
        /// What is steered towards.
        goal: String,
        /// What is missing.
        reason: &'static str,
    },
    /// Maxima of latents that nobody knows.
    #[error(
        "the maxima of this model's latents are not known, so a change cannot be measured in them"
    )]
    NoMaxima,
    /// Positions that do not fit a protein.
    #[error(transparent)]
    Positions(#[from] PositionsError),
    /// The PLM fails.
    #[error(transparent)]
    Plm(#[from] PlmError),
    /// The autoencoder refuses activations.
    #[error(transparent)]
    Sae(#[from] SaeError),
}

/// What somebody may have meant.
fn hint(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!("; near: {}", near.join(", "))
    }
}

impl Classify for SteerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFinite { .. } | Self::Logits { .. } => ErrorKind::Data,
            Self::Width { .. } => ErrorKind::Mismatch,
            Self::NoMask
            | Self::NoDecoder
            | Self::UnknownConcept { .. }
            | Self::UnknownLatent { .. }
            | Self::Twice(_)
            | Self::NoControl { .. }
            | Self::NoMaxima => ErrorKind::Usage,
            Self::Positions(error) => error.kind(),
            Self::Plm(error) => error.kind(),
            Self::Sae(error) => error.kind(),
        }
    }
}
