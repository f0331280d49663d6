//! From evidence (a logit, a latent's activation) to the log-odds of a concept, at natural class frequencies.
//!
//! Two numbers (Platt 1999, with his smoothed targets, by the Newton steps of Lin, Lin and Weng 2007), or isotonic
//! regression where cross-validation over clusters prefers it. Evidence is counted in bins first: the fits then cost
//! nothing, whatever the number of residues.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The largest log-odds that is kept.
pub const CEILING: f64 = 10.0;
/// Bins that evidence is counted in.
const BINS: usize = 2048;
/// Newton steps at most.
const STEPS: usize = 100;
/// Least change of the loss that is worth another step.
const TOLERANCE: f64 = 1e-10;

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

/// Evidence counted in bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    low: f64,
    width: f64,
    bins: Vec<Bin>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    positives: f64,
    negatives: f64,
    sum: f64,
}

impl Bin {
    fn count(&self) -> f64 {
        self.positives + self.negatives
    }

    fn mean(&self) -> f64 {
        self.sum / self.count()
    }
}

impl Histogram {
    /// An empty histogram of evidence from `low` to `high`.
    #[must_use]
    pub fn new(low: f32, high: f32) -> Self {
        let (low, high) = (f64::from(low), f64::from(high));
        Self {
            low,
            width: ((high - low) / BINS as f64).max(f64::MIN_POSITIVE),
            bins: vec![Bin::default(); BINS],
        }
    }

    /// Counts a residue.
    pub fn add(&mut self, evidence: f32, positive: bool) {
        let x = f64::from(evidence);
        let at = ((x - self.low) / self.width) as usize;
        let bin = &mut self.bins[at.min(BINS - 1)];
        bin.sum += x;
        if positive {
            bin.positives += 1.0;
        } else {
            bin.negatives += 1.0;
        }
    }

    /// Counts what another histogram of the same bounds has counted, `sign` times: 1, or -1 to take it out.
    pub fn merge(&mut self, other: &Self, sign: f64) {
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.positives += sign * other.positives;
            bin.negatives += sign * other.negatives;
            bin.sum += sign * other.sum;
        }
    }

    /// Positives and negatives.
    #[must_use]
    pub fn classes(&self) -> (f64, f64) {
        let sum = |f: fn(&Bin) -> f64| self.bins.iter().map(f).sum();
        (sum(|b| b.positives), sum(|b| b.negatives))
    }

    fn filled(&self) -> impl Iterator<Item = &Bin> {
        self.bins.iter().filter(|b| b.count() > 0.0)
    }

    /// Log-odds of the class frequency, smoothed as Platt's targets are.
    #[must_use]
    pub fn base(&self) -> f64 {
        let (p, n) = self.classes();
        ((p + 1.0) / (n + 1.0)).ln()
    }

    /// The log-odds below which a share of the residues lies under a calibration.
    #[must_use]
    pub fn quantile(&self, calibration: &Calibration, share: f64) -> f64 {
        let (p, n) = self.classes();
        let mut left = share * (p + n);
        let mut last = f64::NEG_INFINITY;
        for bin in self.filled() {
            last = calibration.log_odds(bin.mean());
            left -= bin.count();
            if left <= 0.0 {
                break;
            }
        }
        last
    }

    /// Platt's two numbers.
    #[must_use]
    pub fn platt(&self) -> Calibration {
        let (p, n) = self.classes();
        let targets = ((p + 1.0) / (p + 2.0), 1.0 / (n + 2.0));
        let (mut slope, mut intercept) = (0.0, self.base());
        let mut loss = self.loss(slope, intercept, targets);
        for _ in 0..STEPS {
            let Some((by_slope, by_intercept)) = self.newton(slope, intercept, targets) else {
                break;
            };
            let mut step = 1.0;
            let better = loop {
                let (a, b) = (slope - step * by_slope, intercept - step * by_intercept);
                let next = self.loss(a, b, targets);
                if next < loss {
                    break Some((a, b, next));
                }
                step /= 2.0;
                if step < 1e-10 {
                    break None;
                }
            };
            let Some((a, b, next)) = better else { break };
            let gain = loss - next;
            (slope, intercept, loss) = (a, b, next);
            if gain < TOLERANCE * loss.abs().max(1.0) {
                break;
            }
        }
        Calibration::Platt { slope, intercept }
    }

    fn loss(&self, slope: f64, intercept: f64, (high, low): (f64, f64)) -> f64 {
        let one = |bin: &Bin| {
            let f = slope * bin.mean() + intercept;
            // -t ln(p) - (1 - t) ln(1 - p) = ln(1 + e^f) - t f
            let soft = if f > 0.0 {
                f + (-f).exp().ln_1p()
            } else {
                f.exp().ln_1p()
            };
            bin.count() * soft - (bin.positives * high + bin.negatives * low) * f
        };
        self.filled().map(one).sum()
    }

    /// The full Newton step of both numbers.
    fn newton(&self, slope: f64, intercept: f64, (high, low): (f64, f64)) -> Option<(f64, f64)> {
        // a small ridge keeps the matrix regular
        let (mut aa, mut ab, mut bb) = (1e-12, 0.0, 1e-12);
        let (mut ga, mut gb) = (0.0, 0.0);
        for bin in self.filled() {
            let x = bin.mean();
            let p = sigmoid(slope * x + intercept);
            let weight = bin.count() * p * (1.0 - p);
            let error = bin.count() * p - (bin.positives * high + bin.negatives * low);
            aa += weight * x * x;
            ab += weight * x;
            bb += weight;
            ga += error * x;
            gb += error;
        }
        let det = aa * bb - ab * ab;
        let step = ((bb * ga - ab * gb) / det, (aa * gb - ab * ga) / det);
        (step.0.is_finite() && step.1.is_finite()).then_some(step)
    }

    /// Isotonic regression: the class frequency of each pool of bins, with one residue of the overall frequency
    /// added so that no log-odds is infinite.
    #[must_use]
    pub fn isotonic(&self) -> Calibration {
        let (p, n) = self.classes();
        let overall = (p + 1.0) / (p + n + 2.0);
        let mut evidence = Vec::new();
        let mut log_odds: Vec<f64> = Vec::new();
        let pools = pool_adjacent_violators(self.filled().map(|b| Pool {
            weight: b.count(),
            value: b.positives / b.count(),
            at: b.mean(),
        }));
        for pool in pools {
            let rate = (pool.value * pool.weight + overall) / (pool.weight + 1.0);
            evidence.push(pool.at);
            let last = log_odds.last().copied().unwrap_or(f64::NEG_INFINITY);
            log_odds.push(logit(rate).max(last));
        }
        Calibration::Isotonic { evidence, log_odds }
    }

    /// Sum over residues of the logarithmic loss under a calibration.
    #[must_use]
    pub fn log_loss(&self, calibration: &Calibration) -> f64 {
        let one = |bin: &Bin| {
            let f = calibration.log_odds(bin.mean());
            let ln = |f: f64| -(-f).exp().ln_1p();
            -(bin.positives * ln(f) + bin.negatives * ln(-f))
        };
        self.filled().map(one).sum()
    }
}

/// The calibration of evidence that was counted by fold: Platt's, or isotonic where the folds left out prefer it.
/// None where evidence does not speak for the concept: Platt's slope is not positive.
#[must_use]
pub fn fit(folds: &[Histogram]) -> Option<(Calibration, Histogram)> {
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
            return Some((isotonic, all));
        }
    }
    Some((platt, all))
}

/// A value with a weight, at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// Weight.
    pub weight: f64,
    /// Value.
    pub value: f64,
    /// Where it stands; weighted mean of what was pooled.
    pub at: f64,
}

/// The values closest to those given that never fall: neighbours that do are replaced by their mean.
#[must_use]
pub fn pool_adjacent_violators(values: impl IntoIterator<Item = Pool>) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for mut pool in values {
        while let Some(last) = pools.last().copied()
            && last.value >= pool.value
        {
            let weight = last.weight + pool.weight;
            let mean = |a: f64, b: f64| (a * last.weight + b * pool.weight) / weight;
            pool = Pool {
                weight,
                value: mean(last.value, pool.value),
                at: mean(last.at, pool.at),
            };
            pools.pop();
        }
        pools.push(pool);
    }
    pools
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
            let positives = (p * 1000.0).round() as usize;
            items.extend((0..1000).map(|k| (x, k < positives)));
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
                        let positives = (rate(x) * 100.0).round() as usize;
                        items.extend((0..100).map(|k| (f32::from(x) / 10.0, k < positives)));
                    }
                    histogram(&items)
                })
                .collect();
            fit(&folds).unwrap().0
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
        fn pools_never_fall_and_keep_the_sum(values in prop::collection::vec((0.1_f64..5.0, 0.0_f64..1.0), 1..30)) {
            let given = values.iter().enumerate().map(|(i, &(weight, value))| Pool { weight, value, at: i as f64 });
            let pools = pool_adjacent_violators(given);
            prop_assert!(pools.windows(2).all(|w| w[0].value < w[1].value && w[0].at < w[1].at));
            let sum = |pools: &mut dyn Iterator<Item = (f64, f64)>| pools.map(|(w, v)| w * v).sum::<f64>();
            let before = sum(&mut values.iter().copied());
            let after = sum(&mut pools.iter().map(|p| (p.weight, p.value)));
            prop_assert!((before - after).abs() < 1e-9);
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
