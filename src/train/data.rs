//! Rows on their way to a step: tables and labels, their order, batches and who makes them ahead.

pub mod batch;
pub(crate) mod dataset;
pub(crate) mod labels;
pub(crate) mod loader;
pub(crate) mod order;
pub(crate) mod pipe;
