//! Lengths of a concept's instances in training: what decoders expect.

/// The longest duration that is ever expected.
const LONGEST: u32 = 1200;
/// Width of the kernel that smooths lengths, over their mean.
const WIDTH: f64 = 0.15;
/// Share that is spread evenly over all lengths.
const EVEN: f64 = 1e-4;
/// What logarithms are rounded to: a multiple of its inverse.
const ROUNDING: f64 = 1e4;
/// Of how many instances one may be longer than the longest duration.
const LEFT_OUT: usize = 100;

/// Lengths of instances, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    sorted: Vec<u32>,
}

impl Lengths {
    /// Of these instances.
    #[must_use]
    pub fn new(mut lengths: Vec<u32>) -> Self {
        lengths.sort_unstable();
        Self { sorted: lengths }
    }

    /// Instances.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Mean length; 1 without instances.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.sorted.is_empty() {
            return 1.0;
        }
        let sum: f64 = self.sorted.iter().map(|&l| f64::from(l)).sum();
        sum / self.sorted.len() as f64
    }

    /// Mean length, rounded.
    #[must_use]
    pub fn rounded_mean(&self) -> u32 {
        let sum: u64 = self.sorted.iter().map(|&l| u64::from(l)).sum();
        let count = self.sorted.len().max(1) as u64;
        u32::try_from((sum + count / 2) / count).unwrap_or(u32::MAX)
    }

    /// Whether half of the instances, or more, are single residues.
    #[must_use]
    pub fn is_of_sites(&self) -> bool {
        let single = self.sorted.partition_point(|&l| l <= 1);
        2 * single >= self.sorted.len()
    }

    /// Natural logarithms of the probabilities of the lengths 1, 2, ... to the 99th percentile, at most 1,200:
    /// smoothed by a normal kernel, with a little spread evenly, rounded to four places.
    #[must_use]
    pub fn ln_durations(&self) -> Vec<f64> {
        let left_out = self.sorted.len() / LEFT_OUT;
        let covered = self.sorted.len() - left_out;
        let longest = self.sorted.get(covered.saturating_sub(1)).copied();
        let longest = longest.unwrap_or(1).clamp(1, LONGEST);
        let width = (WIDTH * self.mean()).max(1.0);
        let mut density = vec![0.0; longest as usize];
        for tie in self.sorted.chunk_by(|a, b| a == b) {
            let (length, count) = (f64::from(tie[0]), tie.len() as f64);
            for (at, value) in (1..).zip(&mut density) {
                let z = (f64::from(at) - length) / width;
                *value += count * (-0.5 * z * z).exp();
            }
        }
        let sum: f64 = density.iter().sum();
        let even = 1.0 / f64::from(longest);
        let ln = |d: f64| {
            let share = if sum > 0.0 { d / sum } else { even };
            ((1.0 - EVEN) * share + EVEN * even).ln()
        };
        let rounded = density
            .iter()
            .map(|&d| (ln(d) * ROUNDING).round() / ROUNDING);
        rounded.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_probabilities_around_what_was_seen() {
        let lengths = Lengths::new([vec![20; 30], vec![22; 10], vec![500]].concat());
        let ln = lengths.ln_durations();
        // 99 % of 41 instances are 41: the outlier stays
        assert_eq!(ln.len(), 500);
        let sum: f64 = ln.iter().map(|l| l.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{sum}");
        let best = (0..ln.len()).max_by(|&a, &b| ln[a].total_cmp(&ln[b]));
        assert!((19..=22).contains(&(best.unwrap() + 1)));
        assert!(!lengths.is_of_sites() && Lengths::new(vec![1, 1, 9]).is_of_sites());
        assert_eq!(Lengths::default().ln_durations(), [0.0]);
        assert_eq!(Lengths::new(vec![5000; 3]).ln_durations().len(), 1200);
    }
}
