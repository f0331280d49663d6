//! `ProtSAE` (arXiv 2509.05309): a sparse autoencoder over activations of a protein language model
//! whose first latents are tied to biological concepts.
//!
//! [`params`] holds the weights, [`forward`] encodes, [`axioms`] and [`annotation`] are the losses,
//! [`engine`] makes training steps, [`train`] runs them; [`store`] is the model folder and
//! [`apply`] the way to use a trained model; [`exchange`] reads and writes the checkpoints of other
//! programs.

pub mod config;
pub mod conversion;
pub mod encode;
pub mod error;
pub mod folder;
pub mod forward;
pub mod params;
pub mod settings;
mod splice;

pub use encode::{Encoded, Encoder, LatentRows, sigmoid};
pub use error::SaeError;
pub use folder::{ModelConfig, Sae};
