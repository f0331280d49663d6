//! The encoder that all families share: pre-norm transformer blocks, for inference, by the data of an
//! [`Architecture`](super::architecture::Architecture).
//!
//! Sequences are packed one behind the other: nothing is padded, and a sequence's numbers are the same bits whatever it
//! shares a batch with.
//!
//! On a CPU the engine ([`Model`]) works on *panels* of [`LANES`](super::panel::LANES) tokens, feature by feature, so that
//! every step (matrix product, norm, activation, rotary embedding, softmax) is the same arithmetic in each vector lane and
//! weights are read where they lie in the mapped file. On other devices the same model runs through candle's tensor
//! operations ([`CandleModel`]). Both load by one plan (`parts`) and read and replace activations on one course (`pass`).

mod activations;
mod attention;
mod block;
mod candle;
mod embeddings;
mod head;
mod model;
mod parts;
mod pass;
mod positions;
mod relative;
mod rotary;

pub use activations::Activations;
pub use candle::CandleModel;
pub use head::Logits;
pub use model::Model;
pub use parts::LoadPlan;
