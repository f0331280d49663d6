//! `ProtSAE` (arXiv 2509.05309): a sparse autoencoder over activations of a protein language model
//! whose first latents are tied to biological concepts.
//!
//! [`params`] holds the weights, [`forward`] encodes, [`axioms`] and [`annotation`] are the losses,
//! [`engine`] makes training steps, [`train`] runs them; [`store`] is the model folder and
//! [`apply`] the way to use a trained model.

pub mod apply;
pub mod config;
pub mod error;
pub mod forward;
pub mod params;
pub mod pool;
pub mod product;
pub mod real;
pub mod settings;
pub mod store;
pub mod topk;
pub mod vector;

pub use apply::{Encoded, Encoder, LatentRows, sigmoid};
pub use error::SaeError;
pub use store::{ModelConfig, Sae};
