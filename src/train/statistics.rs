//! What training draws from its data before it begins: mean and scale.

use super::{
    data::{batch::Batch, order::EpochOrder},
    task::{STATISTICS_ROWS, TrainingData},
};
use crate::sae::{
    error::SaeError,
    settings::{Normalize, Training},
};

/// Mean and scale of rows.
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f64>,
    /// Mean squared distance to the mean.
    pub(crate) variance: f64,
}

impl Statistics {
    /// Of rows of this width.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, width: usize) -> Self {
        let mut mean = vec![0.0; width];
        let mut count = 0.0;
        for row in rows.clone() {
            count += 1.0;
            for (mean, &x) in mean.iter_mut().zip(row) {
                *mean += f64::from(x);
            }
        }
        for mean in &mut mean {
            *mean /= f64::max(count, 1.0);
        }
        let mut variance = 0.0;
        for row in rows {
            for (mean, &x) in mean.iter().zip(row) {
                variance += (f64::from(x) - mean).powi(2);
            }
        }
        Self {
            mean,
            variance: variance / f64::max(count, 1.0),
        }
    }

    /// sqrt(d) / RMS distance to the mean.
    pub(crate) fn scale(&self, normalize: Normalize) -> f64 {
        if normalize == Normalize::None || self.variance <= 0.0 {
            return 1.0;
        }
        // exact in f32, in which activations are multiplied by it
        f64::from((self.mean.len() as f64 / self.variance).sqrt() as f32)
    }
}

/// Statistics of the first rows of the first epoch, and these rows, unscaled.
pub(crate) fn statistics(
    data: &TrainingData<'_>,
    training: &Training,
) -> Result<(Statistics, Batch<f32>), SaeError> {
    let width = data.data.width();
    let mut order = EpochOrder::new(
        &data.train,
        training.order_seed.unwrap_or(training.seed),
        true,
        1,
    );
    let mut batch = Batch::default();
    batch.clear();
    while batch.rows() < STATISTICS_ROWS
        && let Some(at) = order.next(data.data)
    {
        let labels = data.labels.protein(data.data.accession(at.protein));
        data.data.append(at, 1.0, labels, &mut batch)?;
    }
    let statistics = Statistics::of(batch.x.chunks_exact(width), width);
    Ok((statistics, batch))
}
