//! ESM-2: protein language models of Meta AI (Lin et al., Science 379, 2023), for inference.
//!
//! A [`Model`] turns a [`Batch`] of token sequences into activations at chosen [`Place`]s, or into
//! the logits of its masked-language-modelling head. Sequences are packed one behind the other:
//! nothing is padded, and a sequence's numbers are the same bits whatever it shares a batch with.
//!
//! On a CPU the engine works on *panels* of [`LANES`] tokens, feature by feature, so that every
//! step (matrix product, layer norm, GELU, rotary embedding, softmax) is the same arithmetic in
//! each vector lane and weights are read where they lie in the mapped file. On other devices the
//! same model runs through candle's tensor operations ([`dense`]).

pub mod attention;
pub mod batch;
pub mod block;
pub mod config;
pub mod dense;
pub mod embeddings;
pub mod engine;
pub mod error;
pub mod head;
pub mod model;
pub mod panel;
pub mod place;
pub mod rotary;
pub mod vocab;
pub mod weights;
pub mod window;

pub use batch::Batch;
pub use config::Config;
pub use error::Esm2Error;
pub use model::{Activations, Model};
pub use panel::LANES;
pub use place::{Edit, Place};
pub use vocab::Vocab;
pub use weights::ModelFolder;
pub use window::Windows;
