//! Evidence counted in bins, and the maps that are fitted to the counts.

use super::{
    Calibration, logit,
    pools::{Pool, pool_adjacent_violators},
    sigmoid,
};

/// Bins that evidence is counted in.
const BINS: usize = 2048;
/// Newton steps at most.
const STEPS: usize = 100;
/// Least change of the loss that is worth another step.
const TOLERANCE: f64 = 1e-10;

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
        // what lies below the first bin, or is no number, is of the first
        let at = ((x - self.low) / self.width).max(0.0);
        #[expect(clippy::cast_sign_loss, reason = "it is not below 0")]
        let at = at as usize;
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
