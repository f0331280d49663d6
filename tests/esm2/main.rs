//! ESM-2 against numbers of transformers, and against itself.

mod command;
mod composition;
mod dense;
mod folder;
mod parity;
mod pickle;
mod support;
