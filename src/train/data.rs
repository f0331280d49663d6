//! Rows on their way to a step: tables and labels, their order, batches and who makes them ahead.

pub mod batch;
pub mod dataset;
pub mod labels;
pub mod loader;
pub mod order;
pub mod pipe;
