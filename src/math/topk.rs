//! The K largest positive values of each row, found while the values are produced, without sorting
//! them all.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]

use super::real::Real;
use super::simd::LANES;

/// A running selection of the K largest positive values of many rows; ties go to the lower index.
///
/// Rows stand side by side in panels of [`LANES`]. Values must be offered in ascending order of
/// index.
#[derive(Clone, Debug, Default)]
pub struct Selector<T: Real> {
    k: usize,
    /// Every value of a row that can still be among its K largest is above its threshold.
    thresholds: Vec<T>,
    /// Keys of each row's candidates.
    candidates: Vec<Vec<T::Key>>,
    /// What [`Selector::finish`] found.
    found: Vec<(T, u32)>,
}

impl<T: Real> Selector<T> {
    /// Starts `rows` rows: at most `k` values each, all above `least`, which is at least 0.
    pub fn reset(&mut self, rows: usize, k: usize, least: T) {
        self.k = k;
        self.thresholds.clear();
        self.thresholds.resize(rows, least);
        // nothing is above the thresholds of lanes without a row
        let none = T::of(f64::INFINITY);
        self.thresholds.resize(rows.next_multiple_of(LANES), none);
        let lists = rows.max(self.candidates.len());
        self.candidates.resize_with(lists, Vec::new);
        for candidates in &mut self.candidates[..rows] {
            candidates.clear();
            if k < 1 << 16 {
                candidates.reserve(2 * k);
            }
        }
    }

    /// Offers a value to each row of a panel.
    #[inline(always)]
    pub fn offer(&mut self, panel: usize, index: u32, values: &[T; LANES]) {
        let thresholds = &self.thresholds[panel * LANES..][..LANES];
        let mut above = 0u32;
        for (lane, (value, threshold)) in values.iter().zip(thresholds).enumerate() {
            above |= u32::from(value > threshold) << lane;
        }
        if above != 0 {
            self.take(panel, index, values, above);
        }
    }

    #[inline(never)]
    fn take(&mut self, panel: usize, index: u32, values: &[T; LANES], mut above: u32) {
        while above != 0 {
            let lane = above.trailing_zeros() as usize;
            above &= above - 1;
            let row = panel * LANES + lane;
            self.candidates[row].push(values[lane].key(index));
            if self.candidates[row].len() >= self.k.saturating_mul(2) {
                self.prune(row);
            }
        }
    }

    /// Leaves the K largest of a row.
    fn prune(&mut self, row: usize) {
        let candidates = &mut self.candidates[row];
        if candidates.len() <= self.k {
            return;
        }
        // no value is NaN here: NaN is above no threshold
        let (_, &mut last, _) = candidates.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
        // an equal value that comes later has a higher index, so it loses the tie
        self.thresholds[row] = T::of_key(last).0;
        candidates.truncate(self.k);
    }

    /// The selection of a row, by ascending index.
    pub fn finish(&mut self, row: usize) -> &[(T, u32)] {
        self.prune(row);
        let keys = self.candidates[row].iter();
        self.found.clear();
        self.found.extend(keys.map(|&key| T::of_key(key)));
        self.found.sort_unstable_by_key(|&(_, index)| index);
        &self.found
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use proptest::prelude::*;

    fn by_sorting(values: &[f64], k: usize) -> Vec<(f64, u32)> {
        let mut all: Vec<(f64, u32)> = values
            .iter()
            .copied()
            .zip(0..)
            .filter(|&(v, _)| v > 0.0)
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        all.truncate(k);
        all.sort_by_key(|&(_, i)| i);
        all
    }

    proptest! {
        #[test]
        fn equals_sorting_with_ties(
            values in proptest::collection::vec(-3i8..6, 0..300),
            k in 1usize..40,
            rows in 1usize..70,
        ) {
            // each row has the values in another order
            let value = |row: usize, i: usize| f64::from(values[(i + 7 * row) % values.len()]);
            let mut selector = Selector::default();
            selector.reset(rows, k, 0.0);
            for i in 0..values.len() {
                for panel in 0..rows.div_ceil(LANES) {
                    let lanes = std::array::from_fn(|lane| value(panel * LANES + lane, i));
                    selector.offer(panel, i as u32, &lanes);
                }
            }
            for row in 0..rows {
                let all: Vec<f64> = (0..values.len()).map(|i| value(row, i)).collect();
                prop_assert_eq!(selector.finish(row), &by_sorting(&all, k)[..]);
            }
        }
    }
}
