//! Steering: a sparse autoencoder inserted into its PLM, and its latents changed on the way, so that what the PLM fills in at
//! masked residues moves towards a concept.
//!
//! [`insertion`] puts what a model reconstructs in the place of the activations it was trained on, [`change`] says what
//! happens to latents between encoding and decoding, `goal` which latents; `generator` masks and fills in, and has
//! what comes out read by the PLM without insertion (`reader`).

pub mod change;
mod draw;
pub mod error;
pub(crate) mod filling;
pub(crate) mod generator;
pub(crate) mod goal;
pub mod insertion;
pub(crate) mod motif;
pub mod positions;
pub(crate) mod reader;
pub(crate) mod record;
pub(crate) mod structure;
pub(crate) mod summary;
#[cfg(test)]
mod testing;
pub(crate) mod treatment;

pub use change::{Change, Mode};
pub use error::SteerError;
pub use insertion::Insertion;
