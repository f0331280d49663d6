//! ESM-2: protein language models of Meta AI (Lin et al., Science 379, 2023), for inference.
//!
//! A [`model::Model`] turns a [`Batch`](super::batch::Batch) of token sequences into activations at chosen
//! [`Place`](super::place::Place)s, or into
//! the logits of its masked-language-modelling head. Sequences are packed one behind the other:
//! nothing is padded, and a sequence's numbers are the same bits whatever it shares a batch with.
//!
//! On a CPU the engine works on *panels* of [`LANES`](super::panel::LANES) tokens, feature by feature, so that every
//! step (matrix product, layer norm, GELU, rotary embedding, softmax) is the same arithmetic in
//! each vector lane and weights are read where they lie in the mapped file. On other devices the
//! same model runs through candle's tensor operations ([`candle`]).

pub mod attention;
pub mod block;
pub mod candle;
pub mod config;
pub mod embeddings;
pub mod head;
pub mod model;
pub mod rotary;
pub mod vocab;

pub use config::Config;
pub use model::{Activations, Model};
pub use vocab::Vocab;
