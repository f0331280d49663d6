//! How results are scored and read: ranks, agreement of latents with concepts, fidelity; calibration, ranges, precision.

pub mod alignment;
pub mod association;
pub mod calibration;
pub mod calls;
pub mod consistency;
pub mod decode;
pub mod dictionary;
pub mod fidelity;
pub mod fitting;
pub mod function;
pub mod logistic;
pub mod matching;
pub mod metrics;
pub mod precision;
pub mod range_metrics;
pub mod ranges;
pub mod rank;
mod reader;
pub mod sheet;
