//! Protein language models against numbers of their reference implementations, and against themselves.

mod biohub;
mod command;
mod composition;
mod deep;
mod dense;
mod families;
mod family_parity;
mod folder;
mod parity;
mod pickle;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/skip.rs"]
mod skip;
mod support;
