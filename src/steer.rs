//! Steering: a sparse autoencoder inserted into its PLM, and its latents changed on the way, so that what the PLM fills in at
//! masked residues moves towards a concept.
//!
//! [`insertion`] puts what a model reconstructs in the place of the activations it was trained on, [`change`] says what
//! happens to latents between encoding and decoding, [`goal`] which latents; [`generator`] masks and fills in, and has
//! what comes out read by the PLM without insertion (`reader`).

pub mod change;
mod draw;
pub mod error;
pub mod filling;
pub mod generator;
pub mod goal;
pub mod insertion;
pub mod motif;
pub mod positions;
mod reader;
pub mod record;
pub mod structure;
pub mod summary;
pub mod treatment;

pub use change::{Change, Mode};
pub use error::SteerError;
pub use generator::{Generator, Settings};
pub use insertion::Insertion;
pub use reader::{Reader, Reading};
pub use treatment::{Arm, Control, Dose};
