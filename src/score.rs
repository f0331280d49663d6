//! How results are scored: ranks, agreement of latents with concepts, fidelity.

pub mod dictionary;
