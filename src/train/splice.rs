//! SpLiCE: non-negative sparse codes over a fixed dictionary of concepts (Bhalla et al., arXiv
//! 2402.10376).
//!
//! There the dictionary is the centred embeddings of words. Here a concept's direction is the mean
//! of the training rows that carry it less the mean of all, of length 1. A row's code minimises
//! `‖x - b_dec - W_dec^T z‖² + lambda sum z` over z >= 0 (`sae/variants/splice.rs`). Nothing is learned by gradients. The predictor's logit
//! is that of the nearest mean: positive where a row, along the direction, is nearer to the
//! concept's mean than to that of all.

use super::{
    data::{
        loader::{Epoch, with_batches},
        order::EpochOrder,
    },
    task::{SURVEY_ROWS, TrainingData},
};
use crate::{
    Result,
    sae::{
        config::{Objective, Shape},
        error::SettingError,
        params::Params,
    },
};

/// Sums over training rows.
pub(crate) struct Dictionary {
    width: usize,
    /// Sum of the rows that carry each concept, `[m, d]`.
    of_concepts: Vec<f64>,
    /// Rows that carry each concept, `[m]`.
    carried: Vec<u64>,
    /// Sum of all rows, `[d]`.
    of_all: Vec<f64>,
    rows: u64,
}

impl Dictionary {
    /// Of all training rows, times `scale`; `concepts` is their number.
    pub(crate) fn of(data: &TrainingData<'_>, concepts: usize, scale: f32) -> Result<Self> {
        let width = data.data.width();
        let mut sums = Self {
            width,
            of_concepts: vec![0.0; concepts * width],
            carried: vec![0; concepts],
            of_all: vec![0.0; width],
            rows: 0,
        };
        let mut source = Epoch {
            data: data.data,
            labels: data.data.labels(data.labels),
            scale,
            order: EpochOrder::new(&data.train, 0, false, 1),
            rows: SURVEY_ROWS,
            held: &[],
        };
        with_batches(&mut source, |batches| {
            while let Some(batch) = batches.next()? {
                for (row, x) in batch.x.chunks_exact(width).enumerate() {
                    sums.add(x, batch.labels_of(row));
                }
                batches.recycle(batch);
            }
            Ok(())
        })?;
        Ok(sums)
    }

    fn add(&mut self, x: &[f32], concepts: &[u32]) {
        self.rows += 1;
        let d = self.width;
        let add = |sum: &mut [f64]| {
            for (sum, &x) in sum.iter_mut().zip(x) {
                *sum += f64::from(x);
            }
        };
        add(&mut self.of_all);
        for &concept in concepts {
            self.carried[concept as usize] += 1;
            add(&mut self.of_concepts[concept as usize * d..][..d]);
        }
    }

    /// The dictionary as a model; a concept that no row carries has no direction and no code.
    pub(crate) fn params(&self, shape: Shape, objective: &Objective) -> Params<f32> {
        let d = self.width;
        let mut params = Params::zeros_for(shape, objective);
        let rows = self.rows.max(1) as f64;
        let mean: Vec<f64> = self.of_all.iter().map(|sum| sum / rows).collect();
        for (concept, &carried) in self.carried.iter().enumerate() {
            if carried == 0 {
                continue;
            }
            let sums = &self.of_concepts[concept * d..][..d];
            let direction: Vec<f64> = sums
                .iter()
                .zip(&mean)
                .map(|(sum, mean)| sum / carried as f64 - mean)
                .collect();
            let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt();
            if length > 0.0 {
                params.b_pred[concept] = (-length / 2.0) as f32;
                let row = &mut params.dec[concept * d..][..d];
                for (to, v) in row.iter_mut().zip(direction) {
                    *to = (v / length) as f32;
                }
            }
        }
        params.enc.copy_from_slice(&params.dec);
        for (b, mean) in params.b_dec.iter_mut().zip(mean) {
            *b = mean as f32;
        }
        params
    }
}

/// Refuses what a fixed dictionary has no use for.
///
/// # Errors
/// [`SettingError`].
pub(crate) fn check(begun: bool, pipe: bool) -> Result<(), SettingError> {
    if pipe {
        let message =
            "splice takes the means of all rows before it encodes any: it needs tables, not a pipe";
        return Err(SettingError::new("variant", message));
    }
    if begun {
        let message = "splice has nothing to learn, so no model to begin with";
        return Err(SettingError::new("init", message));
    }
    Ok(())
}
