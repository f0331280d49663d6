//! How every executable behaves in a pipeline.
//!
//! [`rows`] is the table: one row an executable, with what it reads and writes. [`contract`] holds
//! every row to the conduct that all share; an executable without a row fails it.

#![expect(
    clippy::useless_vec,
    reason = "arguments are often extended, and sometimes not"
)]

mod bad_input;
mod calls;
mod contract;
mod evaluate;
mod fixture;
mod formats;
mod function;
mod inputs;
mod limits;
mod manual;
mod maxima;
mod numbers;
mod options;
mod outputs;
mod parquet;
mod pipe;
mod places;
mod ranges;
mod report;
mod ro_crate;
mod rows;
mod sandbox;
mod schemas;
mod shard;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;
