//! How results are scored: ranks, agreement of latents with concepts, fidelity.

pub mod alignment;
pub mod association;
pub mod dictionary;
pub mod fidelity;
pub mod function;
pub mod logistic;
pub mod metrics;
pub mod rank;
pub mod sheet;
