//! Evidence of validation proteins, calibrated on others of them.

use crate::score::{
    calibration::{Calibration, Histogram},
    fitting::fold_of,
};

/// A calibration, and what it says of proteins that had no part in it.
pub(super) struct HeldOut {
    /// Fitted to all proteins.
    pub(super) calibration: Calibration,
    /// Of each protein, by the calibration of the other folds.
    pub(super) log_odds: Vec<f64>,
}

impl HeldOut {
    /// Platt's two numbers; none where evidence does not speak for the concept, in any fold.
    pub(super) fn of(values: &[f32], positive: &[bool], clusters: &[u32]) -> Option<Self> {
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let folds: Vec<usize> = clusters.iter().map(|&c| fold_of(c)).collect();
        let count = folds.iter().max().map_or(0, |most| most + 1);
        let empty = Histogram::new(low, high);
        let mut of_fold = vec![empty.clone(); count];
        let mut whole = empty;
        for ((&value, &positive), &fold) in values.iter().zip(positive).zip(&folds) {
            of_fold[fold].add(value, positive);
            whole.add(value, positive);
        }
        let calibration = whole.platt();
        if !calibration.is_sound() {
            return None;
        }
        let without: Vec<Calibration> = (of_fold.iter())
            .map(|fold| {
                let mut others = whole.clone();
                others.merge(fold, -1.0);
                others.platt()
            })
            .collect();
        if !without.iter().all(Calibration::is_sound) {
            return None;
        }
        let log_odds = values.iter().zip(&folds);
        let log_odds = log_odds.map(|(&value, &fold)| without[fold].log_odds(f64::from(value)));
        Some(Self {
            calibration,
            log_odds: log_odds.collect(),
        })
    }
}

/// The negative logarithm of the likelihood.
pub(super) fn log_loss(log_odds: impl IntoIterator<Item = f64>, positive: &[bool]) -> f64 {
    let loss = |(x, &p): (f64, &bool)| {
        let x = if p { -x } else { x };
        // ln(1 + e^x) without overflow
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    };
    log_odds.into_iter().zip(positive).map(loss).sum()
}
