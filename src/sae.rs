//! `ProtSAE` (arXiv 2509.05309): a sparse autoencoder over activations of a protein language model
//! whose first latents are tied to biological concepts.
//!
//! [`config`] says what is minimised and how latents are chosen, [`variants`] how each autoencoder differs from the others,
//! [`params`] holds the weights, [`forward`] chooses the active latents of a row, [`encode`] is the way to use a trained model, and [`folder`] its files. How a model comes
//! about is another room: `train`.

pub mod config;
pub mod conversion;
pub mod encode;
pub mod error;
pub mod folder;
pub mod forward;
pub mod hierarchy;
pub mod params;
pub mod settings;
pub mod variants;

pub use encode::{Encoded, Encoder, LatentRows, sigmoid};
pub use error::SaeError;
pub use folder::{ModelConfig, Sae};
pub use hierarchy::Hierarchy;
