//! Where activations are read, and the hook by which something else replaces them.

use super::{architecture::Architecture, error::PlmError};
use crate::table::{
    PlmIdentity,
    metadata::{Convention, Site},
};
use std::fmt;

/// A site at a layer, numbered as in the published tables: `residual` 0..=L, others 1..=L.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Where in the block.
    pub site: Site,
    /// Number of the block from 1; 0 for the embeddings.
    pub layer: usize,
    /// What the residual stream of the last block is; elsewhere always [`Convention::HiddenStates`].
    pub convention: Convention,
}

impl Place {
    /// A place as transformers counts it, checked against the model.
    ///
    /// # Errors
    /// [`PlmError::Usage`] where the model has no such layer.
    pub fn new(site: Site, layer: usize, architecture: &Architecture) -> Result<Self, PlmError> {
        Self::by_convention(site, layer, Convention::HiddenStates, architecture)
    }

    /// The same where a convention says what the residual stream of the last block is.
    ///
    /// # Errors
    /// [`PlmError::Usage`] where the model has no such layer.
    pub fn by_convention(
        site: Site,
        layer: usize,
        convention: Convention,
        architecture: &Architecture,
    ) -> Result<Self, PlmError> {
        let layers = architecture.layers_at(site);
        if !layers.contains(&layer) {
            return Err(PlmError::Usage(format!(
                "layer {layer} at site {site}: this PLM has layers {} to {} there",
                layers.start(),
                layers.end()
            )));
        }
        let differs = site == Site::Residual && layer == architecture.layers;
        Ok(Self {
            site,
            layer,
            convention: if differs {
                convention
            } else {
                Convention::HiddenStates
            },
        })
    }

    /// The place of which activations are.
    ///
    /// # Errors
    /// [`PlmError::Usage`] where the model has no such layer.
    pub fn of(identity: &PlmIdentity, architecture: &Architecture) -> Result<Self, PlmError> {
        let (site, layer) = (identity.site, identity.layer as usize);
        Self::by_convention(site, layer, identity.convention, architecture)
    }

    /// Every place of a model, site by site.
    pub fn all(architecture: &Architecture) -> impl Iterator<Item = Self> {
        let raw = Self {
            convention: Convention::BlockOutputs,
            ..Self::here(Site::Residual, architecture.layers)
        };
        let counted = Site::ALL.into_iter().flat_map(|site| {
            let layers = architecture.layers_at(site);
            layers.map(move |layer| Self::here(site, layer))
        });
        counted.chain([raw])
    }

    /// A place that is known to be there, as transformers counts it.
    pub(crate) fn here(site: Site, layer: usize) -> Self {
        Self {
            site,
            layer,
            convention: Convention::HiddenStates,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.site, self.layer)?;
        match self.convention {
            Convention::HiddenStates => Ok(()),
            Convention::BlockOutputs => write!(f, ", before the final norm"),
        }
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
