//! Sums over proteins at each of a row of thresholds.

use std::ops::AddAssign;

/// Sums at each threshold, `C` of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums<const C: usize>(pub Vec<[f64; C]>);

impl<const C: usize> Sums<C> {
    /// Nothing yet.
    #[must_use]
    pub fn new(thresholds: usize) -> Self {
        Self(vec![[0.0; C]; thresholds])
    }
}

impl<const C: usize> AddAssign<&Self> for Sums<C> {
    fn add_assign(&mut self, other: &Self) {
        for (row, more) in self.0.iter_mut().zip(&other.0) {
            for (sum, x) in row.iter_mut().zip(more) {
                *sum += x;
            }
        }
    }
}

/// Sums of each group of proteins: `groups[i]` is protein i's, numbered from 0.
#[must_use]
pub fn by_group<const C: usize>(
    groups: &[usize],
    thresholds: usize,
    mut add: impl FnMut(usize, &mut Sums<C>),
) -> Vec<Sums<C>> {
    let count = groups.iter().max().map_or(0, |most| most + 1);
    let mut sums = vec![Sums::new(thresholds); count];
    for (protein, &group) in groups.iter().enumerate() {
        add(protein, &mut sums[group]);
    }
    sums
}

/// The number of thresholds, which ascend, that a score reaches.
#[must_use]
pub fn reached(thresholds: &[f64], score: f64) -> usize {
    thresholds.partition_point(|&threshold| threshold <= score)
}

/// Turns counts of what reaches exactly i thresholds (`counts[i]`) into counts of what reaches threshold i and beyond:
/// entry i of the result is the sum of the entries after i.
#[must_use]
pub fn at_least<const C: usize>(counts: &[[f64; C]]) -> Vec<[f64; C]> {
    let mut result = vec![[0.0; C]; counts.len().saturating_sub(1)];
    let mut sum = [0.0; C];
    for (i, row) in result.iter_mut().enumerate().rev() {
        for (total, x) in sum.iter_mut().zip(&counts[i + 1]) {
            *total += x;
        }
        *row = sum;
    }
    result
}

/// A sum of ones as a count.
#[must_use]
#[expect(clippy::cast_sign_loss, reason = "sums of ones are not negative")]
pub fn count(sum: f64) -> usize {
    sum as usize
}

/// A ratio; 0 where there is nothing to divide by, as both evaluators have it.
#[must_use]
pub fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// The semantic distance of remaining uncertainty and misinformation.
///
/// Not [`f64::hypot`]: its function in the C library is of glibc 2.35, and clusters have 2.34.
#[must_use]
pub fn semantic_distance(uncertainty: f64, misinformation: f64) -> f64 {
    uncertainty
        .mul_add(uncertainty, misinformation * misinformation)
        .sqrt()
}

/// The harmonic mean of precision and recall; 0 where both are.
#[must_use]
pub fn f_measure(precision: f64, recall: f64) -> f64 {
    share(2.0 * precision * recall, precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_counts_at_each_threshold_up_to_its_own() {
        let thresholds = [0.0, 0.5, 1.0];
        assert_eq!(reached(&thresholds, 0.5), 2);
        assert_eq!(reached(&thresholds, 0.49), 1);
        let mut counts = vec![[0.0]; 4];
        for score in [0.5, 1.0, 0.2] {
            counts[reached(&thresholds, score)][0] += 1.0;
        }
        assert_eq!(at_least(&counts), [[3.0], [2.0], [1.0]]);
    }
}
