//! Steering: a sparse autoencoder inserted into its PLM, and its latents changed on the way.
//!
//! [`insertion`] puts what a model reconstructs in the place of the activations it was trained on; [`change`] says what
//! happens to latents between encoding and decoding.

pub mod change;
pub mod error;
pub mod insertion;

pub use change::{Change, Mode};
pub use error::SteerError;
pub use insertion::Insertion;
