//! From evidence (a logit, a latent's activation) to the log-odds of a concept, at natural class frequencies.
//!
//! Two numbers (Platt 1999, with his smoothed targets, by the Newton steps of Lin, Lin and Weng 2007), or isotonic
//! regression where cross-validation over clusters prefers it. Evidence is counted in bins first: the fits then cost
//! nothing, whatever the number of residues.

mod histogram;
mod pools;

pub use histogram::Histogram;
pub use pools::{Pool, pool_adjacent_violators};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest log-odds that is kept.
pub const CEILING: f64 = 10.0;
/// A map from evidence to log-odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "method", rename_all = "lowercase", deny_unknown_fields)]
pub enum Calibration {
    /// Log-odds = slope x evidence + intercept.
    Platt {
        /// Positive where evidence speaks for the concept.
        slope: f64,
        /// Log-odds without evidence.
        intercept: f64,
    },
    /// Straight between points, constant outside.
    Isotonic {
        /// Evidence, ascending.
        evidence: Vec<f64>,
        /// Log-odds, never falling; as many.
        log_odds: Vec<f64>,
    },
}

impl Calibration {
    /// Log-odds of this evidence.
    #[must_use]
    pub fn log_odds(&self, evidence: f64) -> f64 {
        match self {
            Self::Platt { slope, intercept } => slope * evidence + intercept,
            Self::Isotonic {
                evidence: xs,
                log_odds: ys,
            } => interpolate(xs, ys, evidence),
        }
    }

    /// Whether it is of use for reading: finite, and never falling.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Platt { slope, intercept } => {
                slope.is_finite() && intercept.is_finite() && *slope > 0.0
            }
            Self::Isotonic { evidence, log_odds } => {
                let rising = |v: &[f64]| v.windows(2).all(|w| w[0] <= w[1]);
                let finite = evidence.iter().chain(log_odds).all(|v| v.is_finite());
                !evidence.is_empty()
                    && evidence.len() == log_odds.len()
                    && finite
                    && rising(evidence)
                    && rising(log_odds)
            }
        }
    }
}

fn interpolate(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let above = xs.partition_point(|&p| p <= x);
    match (above.checked_sub(1), above < xs.len()) {
        (None, _) => ys.first().copied().unwrap_or(0.0),
        (Some(below), false) => ys[below],
        (Some(below), true) => {
            let share = (x - xs[below]) / (xs[above] - xs[below]);
            ys[below] + share * (ys[above] - ys[below])
        }
    }
}

/// Log-odds as a table keeps them: clipped to a floor and [`CEILING`], and rounded as the probability that stands in
/// the table. A residue at the floor has no entry there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stored {
    /// The floor.
    pub floor: f64,
}

impl Stored {
    /// The probability that a table holds; none at the floor.
    #[must_use]
    pub fn probability(&self, log_odds: f64) -> Option<f32> {
        let rounded = sigmoid(log_odds.min(CEILING)) as f32;
        // rounding may reach the floor as well
        (log_odds > self.floor && logit(f64::from(rounded)) > self.floor).then_some(rounded)
    }

    /// The log-odds that a table's probability stands for.
    #[must_use]
    pub fn log_odds(&self, probability: f32) -> f64 {
        let p = f64::from(probability);
        if p > 0.0 && p < 1.0 {
            logit(p).clamp(self.floor, CEILING)
        } else if p >= 1.0 {
            CEILING
        } else {
            self.floor
        }
    }

    /// What is left of log-odds in a table.
    #[must_use]
    pub fn round(&self, log_odds: f64) -> f64 {
        self.probability(log_odds)
            .map_or(self.floor, |p| self.log_odds(p))
    }
}

/// The logistic function.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// The log-odds of a probability inside (0, 1).
#[must_use]
pub fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

/// A calibration that was fitted.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// From evidence to log-odds.
    pub calibration: Calibration,
    /// What it was fitted to, of all folds.
    pub evidence: Histogram,
}

/// The calibration of evidence that was counted by fold: Platt's, or isotonic where the folds left out prefer it.
/// None where evidence does not speak for the concept: Platt's slope is not positive.
#[must_use]
pub fn fit(folds: &[Histogram]) -> Option<Calibrated> {
    let mut all = folds.first()?.clone();
    for fold in &folds[1..] {
        all.merge(fold, 1.0);
    }
    let platt = all.platt();
    if !platt.is_sound() {
        return None;
    }
    let (mut of_platt, mut of_isotonic) = (0.0, 0.0);
    for fold in folds {
        let mut rest = all.clone();
        rest.merge(fold, -1.0);
        of_platt += fold.log_loss(&rest.platt());
        of_isotonic += fold.log_loss(&rest.isotonic());
    }
    if of_isotonic < of_platt {
        let isotonic = all.isotonic();
        if isotonic.is_sound() {
            return Some(Calibrated {
                calibration: isotonic,
                evidence: all,
            });
        }
    }
    Some(Calibrated {
        calibration: platt,
        evidence: all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(items: &[(f32, bool)]) -> Histogram {
        let mut histogram = Histogram::new(-10.0, 10.0);
        for &(x, y) in items {
            histogram.add(x, y);
        }
        histogram
    }

    #[test]
    fn platt_finds_the_line_that_made_the_classes() {
        // at each x as many of 1,000 as the logistic of 2 x - 1 says
        let mut items = Vec::new();
        for i in -30..=30_i16 {
            let x = f32::from(i) / 10.0;
            let p = sigmoid(2.0 * f64::from(x) - 1.0);
            items.extend((0..1000).map(|k| (x, f64::from(k) < (p * 1000.0).round())));
        }
        let Calibration::Platt { slope, intercept } = histogram(&items).platt() else {
            panic!("Platt's")
        };
        assert!((slope - 2.0).abs() < 0.02 && (intercept + 1.0).abs() < 0.02);
    }

    #[test]
    fn steps_are_isotonic_and_lines_are_platt() {
        let step = |x: i16| if x < 0 { 0.01 } else { 0.6 };
        let line = |x: i16| sigmoid(f64::from(x) / 10.0);
        let fitted = |rate: &dyn Fn(i16) -> f64| {
            let folds: Vec<Histogram> = (0..5)
                .map(|_| {
                    let mut items = Vec::new();
                    for x in -60..60_i16 {
                        let positives = (rate(x) * 100.0).round();
                        let one = |k: i32| (f32::from(x) / 10.0, f64::from(k) < positives);
                        items.extend((0..100).map(one));
                    }
                    histogram(&items)
                })
                .collect();
            fit(&folds).unwrap().calibration
        };
        assert!(matches!(fitted(&step), Calibration::Isotonic { .. }));
        let got = fitted(&step);
        assert!((sigmoid(got.log_odds(3.0)) - 0.6).abs() < 0.01);
        // every fold is alike, so both are right of the line: neither may be wrong
        let got = fitted(&line);
        assert!((sigmoid(got.log_odds(2.0)) - line(20)).abs() < 0.02);
    }

    #[test]
    fn evidence_against_the_concept_is_of_no_use() {
        let folds: Vec<Histogram> = (0..3)
            .map(|_| histogram(&[(-1.0, true), (1.0, false), (0.5, false), (-0.5, true)]))
            .collect();
        assert!(fit(&folds).is_none());
    }

    proptest! {
        #[test]
        fn a_table_s_float_loses_nothing_twice(l in -12.0_f64..12.0, floor in -8.0_f64..0.0) {
            let stored = Stored { floor };
            let once = stored.round(l);
            prop_assert!(once >= floor && once <= CEILING);
            prop_assert_eq!(stored.round(once), once);
            if l > floor + 0.01 && l < CEILING {
                prop_assert!((once - l).abs() < 1e-2, "{} {}", once, l);
            }
        }

        #[test]
        fn isotonic_calibrations_never_fall(items in prop::collection::vec((-9.0_f32..9.0, any::<bool>()), 2..60)) {
            let calibration = histogram(&items).isotonic();
            prop_assert!(calibration.is_sound());
            let values: Vec<f64> = (-100..100).map(|x| calibration.log_odds(f64::from(x) / 10.0)).collect();
            prop_assert!(values.windows(2).all(|w| w[0] <= w[1] + 1e-12));
        }
    }
}
