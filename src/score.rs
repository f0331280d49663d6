//! How results are scored and read: ranks, agreement of latents with concepts, fidelity; calibration, ranges, precision.

pub mod alignment;
pub mod association;
pub mod calibration;
pub mod calls;
pub mod comparison;
pub mod consistency;
pub mod decode;
pub mod dictionary;
pub mod fidelity;
pub mod fitting;
pub mod function;
pub mod geometry;
pub mod headline;
pub mod logistic;
pub mod loss_recovered;
pub mod matching;
pub mod metrics;
pub mod monosemanticity;
pub mod precision;
pub mod probing;
pub mod range_metrics;
pub mod ranges;
pub mod rank;
mod reader;
pub mod relevance;
pub mod sheet;
pub mod stability;
