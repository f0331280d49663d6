//! Rotary position embedding (Su et al. 2021), as transformers' ESM computes it.

use super::config::Config;
use crate::plm::{error::PlmError, weights::ModelFolder};
use std::sync::{Arc, Mutex, PoisonError};

/// How the tensor of frequencies ends, once a model or once a block.
const FREQUENCIES: &str = "rotary_embeddings.inv_freq";

/// Cosines and sines of every frequency at positions from 0: element (frequency, position) is at
/// `frequency * length + position`.
pub struct Table {
    /// Positions.
    pub length: usize,
    /// Cosines, `head_width / 2 x length`.
    pub cos: Vec<f32>,
    /// Sines, the same.
    pub sin: Vec<f32>,
}

impl Table {
    /// Angles are formed in single precision, as the reference does.
    #[must_use]
    pub fn new(frequencies: &[f32], length: usize) -> Self {
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
pub struct Tables {
    frequencies: Vec<f32>,
    held: Mutex<Option<Arc<Table>>>,
}

impl Tables {
    /// Takes the frequencies from the checkpoint: released ESM-2 were trained with frequencies
    /// rounded to half precision, and their checkpoints hold those. Computes them where there are
    /// none.
    ///
    /// # Errors
    /// [`PlmError`] where the tensor does not fit.
    pub fn load(folder: &ModelFolder) -> Result<Self, PlmError> {
        let half = folder.config.head_width() / 2;
        let names: Vec<&str> = folder
            .names()
            .filter(|n| n.ends_with(FREQUENCIES))
            .collect();
        let shared = names.iter().find(|n| **n == FREQUENCIES);
        let frequencies = match shared.or(names.first()) {
            Some(name) => folder.vector(name, half)?,
            None => formula(&folder.config),
        };
        Ok(Self {
            frequencies,
            held: Mutex::new(None),
        })
    }

    /// A table of at least so many positions.
    #[must_use]
    pub fn at_least(&self, length: usize) -> Arc<Table> {
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
}

/// `theta^(-2 i / head_width)` in single precision.
fn formula(config: &Config) -> Vec<f32> {
    let width = config.head_width();
    (0..width / 2)
        .map(|i| 1.0 / (config.rope_theta as f32).powf((2 * i) as f32 / width as f32))
        .collect()
}
