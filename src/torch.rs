//! What `torch.save` writes, read as data: nothing of its pickle is looked up or run.
//!
//! A [`Checkpoint`] knows where in the bytes of an archive each tensor lies; whoever reads it takes the numbers from
//! there, as mapped or copied.

mod archive;
mod checkpoint;
mod number;
mod pickle;

pub(crate) use checkpoint::{Checkpoint, TensorView, ViewError};
pub(crate) use number::NumberType;

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TorchError {
    /// No archive of `PyTorch`, or a damaged one.
    #[error("{0}")]
    Damaged(String),
    /// A kind that is known but not read.
    #[error("{0}")]
    Refused(String),
}
