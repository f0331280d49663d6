//! Rotary position embedding (Su et al. 2021), as transformers' ESM computes it.

use super::Config;
use std::sync::{Arc, Mutex, PoisonError};

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
    pub fn new(config: &Config, length: usize) -> Self {
        let half = config.head_width() / 2;
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for i in 0..half {
            let exponent = (2 * i) as f32 / config.head_width() as f32;
            let frequency = 1.0 / (config.rope_theta as f32).powf(exponent);
            for position in 0..length {
                let angle = f64::from(position as f32 * frequency);
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        Self { length, cos, sin }
    }
}

/// The longest table that was needed so far.
#[derive(Default)]
pub struct Tables(Mutex<Option<Arc<Table>>>);

impl Tables {
    /// A table of at least so many positions.
    #[must_use]
    pub fn at_least(&self, config: &Config, length: usize) -> Arc<Table> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_ref() {
            Some(table) if table.length >= length => Arc::clone(table),
            _ => {
                let table = Arc::new(Table::new(config, length.next_multiple_of(256)));
                *held = Some(Arc::clone(&table));
                table
            }
        }
    }
}
