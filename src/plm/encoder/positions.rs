//! How positions reach the attention: by the rotation of queries and keys, by what is added to scores, or not at all.

use super::{
    relative::{Biases, DistanceTable},
    rotary::{AngleTable, Frequencies},
};
use crate::plm::{architecture::Positions, error::PlmError, weights::ModelFolder};
use std::sync::{Arc, Mutex, PoisonError};

/// What a model knows of positions in its attention.
pub(super) enum AttentionPositions {
    /// Queries and keys are rotated.
    Rotary(Frequencies, Longest<AngleTable>),
    /// Numbers are added to scores.
    Relative(Biases, Longest<DistanceTable>),
    /// Positions are in the embeddings.
    None,
}

/// The same for sequences up to some length.
#[derive(Clone)]
pub(super) enum PositionTable {
    /// Angles, and which features they rotate.
    Rotary(Arc<AngleTable>),
    /// What is added to scores.
    Relative(Arc<DistanceTable>),
    /// Nothing.
    None,
}

impl AttentionPositions {
    /// Loads what there is.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor is missing or does not fit.
    pub(super) fn load(folder: &ModelFolder) -> Result<Self, PlmError> {
        Ok(match folder.architecture.positions {
            Positions::Rotary { .. } => Self::Rotary(Frequencies::load(folder)?, Longest::new()),
            Positions::Relative { .. } => Self::Relative(Biases::load(folder)?, Longest::new()),
            Positions::Learned { .. } => Self::None,
        })
    }

    /// What sequences of so many tokens need.
    pub(super) fn up_to(&self, length: usize) -> PositionTable {
        // few sizes, so that tables are made anew seldom
        let rounded = length.next_multiple_of(256);
        match self {
            Self::Rotary(frequencies, held) => {
                let fits = |table: &AngleTable| table.length >= length;
                PositionTable::Rotary(held.or_make(fits, || frequencies.table(rounded)))
            }
            Self::Relative(biases, held) => {
                let fits = |table: &DistanceTable| table.length >= length;
                PositionTable::Relative(held.or_make(fits, || biases.table(rounded)))
            }
            Self::None => PositionTable::None,
        }
    }
}

/// The longest table that was needed so far.
pub(super) struct Longest<T>(Mutex<Option<Arc<T>>>);

impl<T> Longest<T> {
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn or_make(&self, fits: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> Arc<T> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_ref() {
            Some(table) if fits(table) => Arc::clone(table),
            _ => Arc::clone(held.insert(Arc::new(make()))),
        }
    }
}
