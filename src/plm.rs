//! Protein language models: residues in, activations of a place out. What all families share stands here; each family has a folder.

pub mod batch;
pub mod engine;
pub mod error;
pub mod esm2;
pub mod panel;
pub mod place;
pub mod weights;
pub mod window;
