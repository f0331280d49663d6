//! How often a concept is written, and how often that is right.

use crate::report::page::data::Bin;

/// Bins of probability.
const BINS: usize = 10;
/// Two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.96;

/// Annotations of like probability.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    annotations: u64,
    right: u64,
    probability: f64,
}

/// Counts of one concept.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Annotations that are written, and proteins that have any.
    pub(super) written: u64,
    pub(super) proteins: u64,
    /// Among the proteins that are judged on: labelled instances, what is written, and what of that is right.
    pub(super) truths: u64,
    pub(super) judged: u64,
    pub(super) right: u64,
    bins: [Counted; BINS],
}

impl Tally {
    /// Adds an annotation that was held against labels.
    pub(super) fn judge(&mut self, probability: f32, is_written: bool, is_right: bool) {
        let right = u64::from(is_right);
        if is_written {
            self.judged += 1;
            self.right += right;
        }
        let share = f64::from(probability).clamp(0.0, 1.0);
        let at = (1..BINS).filter(|&end| share >= end as f64 / BINS as f64);
        let bin = &mut self.bins[at.count()];
        bin.annotations += 1;
        bin.right += right;
        bin.probability += share;
    }

    /// Adds the counts of another concept.
    pub(super) fn add(&mut self, other: &Self) {
        self.written += other.written;
        self.proteins += other.proteins;
        self.truths += other.truths;
        self.judged += other.judged;
        self.right += other.right;
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.annotations += more.annotations;
            bin.right += more.right;
            bin.probability += more.probability;
        }
    }

    /// Share of what is written that is right; none where nothing was judged.
    pub(super) fn precision(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.right as f64 / self.judged as f64)
    }

    /// The most that the precision may be, with 95 % confidence (Wilson 1927).
    pub(super) fn most_precision(&self) -> Option<f64> {
        let share = self.precision()?;
        let n = self.judged as f64;
        let z2 = Z * Z;
        let half = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        Some((share + z2 / (2.0 * n) + half) / (1.0 + z2 / n))
    }

    /// Harmonic mean of the precision and of the share of instances that are found, of what is written.
    pub(super) fn f1(&self) -> Option<f64> {
        let all = self.judged + self.truths;
        (self.truths > 0).then(|| 2.0 * self.right as f64 / all as f64)
    }

    /// Bins with annotations, by falling probability.
    pub(super) fn bins(&self) -> Vec<Bin> {
        let filled = self.bins.iter().rev().filter(|bin| bin.annotations > 0);
        let bin = |bin: &Counted| Bin {
            expected: rounded(bin.probability / bin.annotations as f64),
            annotations: bin.annotations,
            right: bin.right,
        };
        filled.map(bin).collect()
    }
}

/// Four decimal places: as many as anyone reads.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_judged_is_counted_by_probability() {
        let mut tally = Tally {
            truths: 4,
            ..Tally::default()
        };
        tally.judge(0.95, true, true);
        tally.judge(0.91, true, false);
        tally.judge(1.0, true, true);
        tally.judge(0.1, false, true);
        assert_eq!((tally.judged, tally.right), (3, 2));
        let bins = tally.bins();
        assert_eq!((bins[0].annotations, bins[0].right, bins.len()), (3, 2, 2));
        assert_eq!(bins[1].expected, 0.1);
        let f1 = tally.f1().unwrap();
        assert!((f1 - 4.0 / 7.0).abs() < 1e-12);
        let (precision, most) = (tally.precision().unwrap(), tally.most_precision().unwrap());
        assert!(precision < most && most < 1.0);
        let mut sum = Tally::default();
        sum.add(&tally);
        sum.add(&tally);
        assert_eq!((sum.judged, sum.bins()[0].annotations), (6, 6));
    }
}
