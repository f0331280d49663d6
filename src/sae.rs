//! `ProtSAE` (arXiv 2509.05309): a sparse autoencoder over activations of a protein language model
//! whose first latents are tied to biological concepts.
//!
//! [`params`] holds the weights, [`forward`] encodes, [`axioms`] and [`annotation`] are the losses,
//! [`engine`] makes training steps, [`train`] runs them; [`store`] is the model folder and
//! [`apply`] the way to use a trained model; [`exchange`] reads and writes the checkpoints of other
//! programs.

pub mod adam;
pub mod annotation;
pub mod apply;
pub mod axioms;
pub mod batch;
pub mod block;
pub mod checkpoint;
pub mod config;
pub mod conversion;
pub mod dataset;
pub mod device;
pub mod engine;
pub mod error;
pub mod exchange;
pub mod forward;
pub mod gpu;
pub mod identity;
pub mod labels;
pub mod loader;
pub mod meter;
mod norm;
pub mod order;
pub mod params;
pub mod pipe;
pub mod pool;
pub mod product;
pub mod random;
pub mod real;
mod run;
pub mod settings;
pub mod speed;
mod splice;
mod statistics;
pub mod store;
pub mod topk;
pub mod train;
pub mod trainer;
pub mod vector;
mod work;

pub use apply::{Encoded, Encoder, LatentRows, sigmoid};
pub use engine::Engine;
pub use error::SaeError;
pub use store::{ModelConfig, Sae};
pub use work::StepLosses;
