//! Families other than ESM-2 against numbers of their reference implementations, and against themselves.

mod command;
mod parity;
#[path = "../support/skip.rs"]
mod skip;
#[path = "../esm2/support.rs"]
mod support;
