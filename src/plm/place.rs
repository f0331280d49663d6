//! Where activations are read, and the hook by which something else replaces them.

use super::{error::PlmError, esm2::config::Config};
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
    pub fn new(site: Site, layer: usize, config: &Config) -> Result<Self, PlmError> {
        let first = usize::from(site != Site::Residual);
        if layer < first || layer > config.layers {
            return Err(PlmError::Usage(format!(
                "layer {layer} at site {site}: this PLM has layers {first} to {} there",
                config.layers
            )));
        }
        Ok(Self { site, layer })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.site, self.layer)
    }
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
