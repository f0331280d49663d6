//! Rotary position embedding (Su et al. 2021), as transformers' ESM computes it.

use crate::plm::{architecture::Positions, batch::Batch, error::PlmError, weights::ModelFolder};
use std::sync::{Arc, Mutex, PoisonError};

/// Cosines and sines of every frequency at positions from 0: element (frequency, position) is at
/// `frequency * length + position`.
pub(super) struct Table {
    /// Positions.
    pub(super) length: usize,
    /// Cosines, `head_width / 2 x length`.
    pub(super) cos: Vec<f32>,
    /// Sines, the same.
    pub(super) sin: Vec<f32>,
}

impl Table {
    /// Angles are formed in single precision, as the reference does.
    fn new(frequencies: &[f32], length: usize) -> Self {
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for frequency in frequencies {
            for position in 0..length {
                let angle = f64::from(position as f32 * frequency);
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        Self { length, cos, sin }
    }
}

/// A model's frequencies, and the longest table that was needed so far.
pub(super) struct Tables {
    frequencies: Vec<f32>,
    held: Mutex<Option<Arc<Table>>>,
}

/// Cosines and sines of each token's angles, `tokens x head_width / 2`.
pub(super) struct TokenAngles {
    pub(super) cos: Vec<f32>,
    pub(super) sin: Vec<f32>,
}

impl Tables {
    /// Takes the frequencies from the checkpoint: released ESM-2 were trained with frequencies
    /// rounded to half precision, and their checkpoints hold those. Computes them where there are
    /// none.
    ///
    /// # Errors
    /// [`PlmError`] where the tensor does not fit.
    pub(super) fn load(folder: &ModelFolder) -> Result<Self, PlmError> {
        let width = folder.architecture.head_width();
        let Positions::Rotary {
            theta,
            frequencies: ending,
        } = folder.architecture.positions;
        // once a model, or once a block
        let names: Vec<&str> = folder.names().filter(|n| n.ends_with(ending)).collect();
        let shared = names.iter().find(|n| **n == ending);
        let frequencies = match shared.or(names.first()) {
            Some(name) => folder.vector(name, width / 2)?,
            None => formula(theta, width),
        };
        Ok(Self {
            frequencies,
            held: Mutex::new(None),
        })
    }

    /// A table of at least so many positions.
    pub(super) fn at_least(&self, length: usize) -> Arc<Table> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_ref() {
            Some(table) if table.length >= length => Arc::clone(table),
            _ => {
                let table = Table::new(&self.frequencies, length.next_multiple_of(256));
                let table = Arc::new(table);
                *held = Some(Arc::clone(&table));
                table
            }
        }
    }

    /// The angles of a batch's tokens: positions count from the beginning of each sequence, special tokens included.
    pub(super) fn of_tokens(&self, batch: &Batch) -> TokenAngles {
        let table = self.at_least(batch.longest());
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for sequence in 0..batch.sequences() {
            for position in 0..batch.range(sequence).len() {
                let places = (0..self.frequencies.len()).map(|i| i * table.length + position);
                cos.extend(places.clone().map(|at| table.cos[at]));
                sin.extend(places.map(|at| table.sin[at]));
            }
        }
        TokenAngles { cos, sin }
    }
}

/// `theta^(-2 i / head_width)` in single precision.
fn formula(theta: f64, head_width: usize) -> Vec<f32> {
    (0..head_width / 2)
        .map(|i| 1.0 / (theta as f32).powf((2 * i) as f32 / head_width as f32))
        .collect()
}
