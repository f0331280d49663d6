//! ESM-2 against numbers of transformers, and against itself.

mod command;
mod composition;
mod deep;
mod dense;
mod folder;
mod parity;
mod pickle;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;
mod support;
