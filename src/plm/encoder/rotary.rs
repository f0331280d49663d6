//! Rotary position embedding (Su et al. 2021), as the models' reference implementations compute it.

use crate::plm::{
    architecture::{Pairs, Positions},
    batch::Batch,
    error::PlmError,
    weights::ModelFolder,
};

/// Cosines and sines of every frequency at positions from 0: element (frequency, position) is at
/// `frequency * length + position`.
pub(super) struct AngleTable {
    /// Positions.
    pub(super) length: usize,
    /// Cosines, `head_width / 2 x length`.
    pub(super) cos: Vec<f32>,
    /// Sines, the same.
    pub(super) sin: Vec<f32>,
    /// Which features are rotated together.
    pub(super) pairs: Pairs,
}

impl AngleTable {
    /// Which feature of a head stands at a place where each of the first half is rotated with its like of the second.
    pub(super) fn feature_at(&self, place: usize, head_width: usize) -> usize {
        match self.pairs {
            Pairs::Halves => place,
            Pairs::Neighbours => {
                let half = head_width / 2;
                2 * (place % half) + place / half
            }
        }
    }

    /// Cosines and sines of each token's angles, `tokens x head_width / 2`: positions count from the beginning of each
    /// sequence, special tokens included.
    pub(super) fn of_tokens(&self, batch: &Batch) -> (Vec<f32>, Vec<f32>) {
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        let frequencies = self.cos.len() / self.length;
        for sequence in 0..batch.sequences() {
            for position in 0..batch.range(sequence).len() {
                let places = (0..frequencies).map(|i| i * self.length + position);
                cos.extend(places.clone().map(|at| self.cos[at]));
                sin.extend(places.map(|at| self.sin[at]));
            }
        }
        (cos, sin)
    }
}

/// A model's frequencies.
pub(super) struct Frequencies {
    values: Vec<f32>,
    pairs: Pairs,
}

impl Frequencies {
    /// Takes the frequencies from the checkpoint: released ESM-2 were trained with frequencies
    /// rounded to half precision, and their checkpoints hold those. Computes them where there are
    /// none.
    ///
    /// # Errors
    /// [`PlmError`] where the tensor does not fit.
    pub(super) fn load(folder: &ModelFolder) -> Result<Self, PlmError> {
        let config = &folder.architecture;
        let Positions::Rotary {
            theta,
            frequencies,
            pairs,
        } = config.positions
        else {
            let text = format!("{} has no rotary positions", config.family);
            return Err(PlmError::Config(text));
        };
        let width = config.head_width;
        let named = frequencies.and_then(|ending| {
            // once a model, or once a block
            let names: Vec<&str> = folder.names().filter(|n| n.ends_with(ending)).collect();
            let shared = names.iter().find(|n| **n == ending);
            shared.or(names.first()).copied()
        });
        let values = match named {
            Some(name) => folder.vector(name, width / 2)?,
            None => formula(theta, width),
        };
        Ok(Self { values, pairs })
    }

    /// Angles at so many positions, formed in single precision, as the references do.
    pub(super) fn table(&self, length: usize) -> AngleTable {
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for frequency in &self.values {
            for position in 0..length {
                let angle = f64::from(position as f32 * frequency);
                cos.push(angle.cos() as f32);
                sin.push(angle.sin() as f32);
            }
        }
        let pairs = self.pairs;
        AngleTable {
            length,
            cos,
            sin,
            pairs,
        }
    }
}

/// `theta^(-2 i / head_width)` in single precision.
fn formula(theta: f64, head_width: usize) -> Vec<f32> {
    (0..head_width / 2)
        .map(|i| 1.0 / (theta as f32).powf((2 * i) as f32 / head_width as f32))
        .collect()
}
