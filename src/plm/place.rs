//! Where activations are read, and the hook by which something else replaces them.

use super::{architecture::Architecture, error::PlmError};
use crate::table::metadata::Site;
use std::fmt;

/// A site at a layer, numbered as in the published tables: `residual` 0..=L, others 1..=L.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where in the block.
    pub site: Site,
    /// Number of the block from 1; 0 for the embeddings.
    pub layer: usize,
}

impl Place {
    /// A place, checked against the model.
    ///
    /// # Errors
    /// [`PlmError::Usage`] where the model has no such layer.
    pub fn new(site: Site, layer: usize, architecture: &Architecture) -> Result<Self, PlmError> {
        let layers = architecture.layers_at(site);
        if !layers.contains(&layer) {
            return Err(PlmError::Usage(format!(
                "layer {layer} at site {site}: this PLM has layers {} to {} there",
                layers.start(),
                layers.end()
            )));
        }
        Ok(Self { site, layer })
    }

    /// Every place of a model, site by site.
    pub fn all(architecture: &Architecture) -> impl Iterator<Item = Self> {
        Site::ALL.into_iter().flat_map(|site| {
            let layers = architecture.layers_at(site);
            layers.map(move |layer| Self { site, layer })
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.site, self.layer)
    }
}

/// A place where something replaces activations, and what.
#[derive(Clone, Copy)]
pub struct Replacement<'a> {
    /// Where.
    pub place: Place,
    /// What replaces them.
    pub edit: &'a dyn Edit,
}

/// Replaces activations at a place while the model runs, as an SAE's reconstruction does.
pub trait Edit: Sync {
    /// Changes rows of activations (row-major, `tokens.len() x width`); `tokens` are their indices
    /// in the batch. Only residues come here, never special tokens. Called from many threads with
    /// any number of rows, so the result for a row must depend on that row alone.
    fn edit(&self, tokens: &[usize], rows: &mut [f32]);
}

impl<F: Fn(&[usize], &mut [f32]) + Sync> Edit for F {
    fn edit(&self, tokens: &[usize], rows: &mut [f32]) {
        self(tokens, rows);
    }
}
