//! The course of a forward pass: what is read on the way, and what is replaced.
//!
//! Layer 0 is the embeddings. Block N adds its attention to the residual stream (site attention of layer N is the sum),
//! then its MLP (site mlp is what is added; update is both); the stream is then the residual of layer N. That of the last
//! block is read behind the last norm, or before it, as a place's convention has it. What is replaced at a place is read there before, and changes everything behind.

use crate::{
    plm::{
        architecture::Architecture,
        batch::Batch,
        place::{Edit, Place, Replacement},
    },
    table::metadata::Site,
};
use std::ops::Range;

/// A forward pass.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) batch: &'a Batch,
    pub(super) places: &'a [Place],
    edit: Option<Replacement<'a>>,
    /// Features of a token.
    pub(super) width: usize,
    /// Blocks that run.
    pub(super) layers: usize,
    /// Whether nothing is read behind the attention of the last of them.
    ends_at_attention: bool,
}

impl<'a> Pass<'a> {
    /// As far as these places need.
    pub(super) fn to_places(
        batch: &'a Batch,
        places: &'a [Place],
        edit: Option<Replacement<'a>>,
        architecture: &Architecture,
    ) -> Self {
        let layers = places.iter().map(|p| p.layer).max().unwrap_or(0);
        let mut last = places.iter().filter(|p| p.layer == layers);
        Self {
            batch,
            places,
            edit,
            width: architecture.width,
            layers,
            ends_at_attention: last.all(|p| p.site == Site::Attention),
        }
    }

    /// Through all blocks.
    pub(super) fn to_end(
        batch: &'a Batch,
        places: &'a [Place],
        edit: Option<Replacement<'a>>,
        architecture: &Architecture,
    ) -> Self {
        Self {
            batch,
            places,
            edit,
            width: architecture.width,
            layers: architecture.layers,
            ends_at_attention: false,
        }
    }

    /// Whether the pass ends with the attention of a block.
    pub(super) fn ends_at_attention_of(&self, layer: usize) -> bool {
        layer == self.layers && self.ends_at_attention
    }

    /// Whether activations are read or replaced here.
    pub(super) fn visits(&self, here: Place) -> bool {
        self.places.contains(&here) || self.edit_at(here).is_some()
    }

    /// What replaces activations here.
    pub(super) fn edit_at(&self, here: Place) -> Option<&'a dyn Edit> {
        self.edit.filter(|r| r.place == here).map(|r| r.edit)
    }

    /// Which of some tokens are residues, which alone are replaced.
    pub(super) fn residues(&self, tokens: Range<usize>) -> Vec<usize> {
        tokens.filter(|&t| self.batch.is_residue(t)).collect()
    }
}
