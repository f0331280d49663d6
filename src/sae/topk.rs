//! The K largest positive values of a row, found while its values are produced, without sorting
//! them all.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide` compiles"
)]

use super::real::Real;

/// Values compared with the threshold at a time.
const BLOCK: usize = 32;

/// A running selection of the K largest positive values; ties go to the lower index.
///
/// Values must be offered in ascending order of index.
#[derive(Clone, Debug, Default)]
pub struct Selector<T: Real> {
    k: usize,
    /// Every value that can still be among the K largest is above it.
    threshold: T,
    /// Keys of candidates, and room for a block more.
    candidates: Vec<T::Key>,
    /// How many there are.
    count: usize,
    /// What [`Selector::finish`] found.
    found: Vec<(T, u32)>,
}

impl<T: Real> Selector<T> {
    /// Starts a row: at most `k` values, all above `least`, which is at least 0.
    pub fn reset(&mut self, k: usize, least: T) {
        self.k = k;
        self.threshold = least;
        self.count = 0;
    }

    /// Offers the values `value(i)` for i in `0..count`, whose indices start at `first`.
    #[inline(always)]
    pub fn offer(&mut self, first: usize, count: usize, value: impl Fn(usize) -> T) {
        let mut block = [T::ZERO; BLOCK];
        let mut start = 0;
        while start + BLOCK <= count {
            let mut above = false;
            for (lane, slot) in block.iter_mut().enumerate() {
                *slot = value(start + lane);
                above |= *slot > self.threshold;
            }
            if above {
                self.take(first + start, &block);
            }
            start += BLOCK;
        }
        for i in start..count {
            self.take(first + i, &[value(i)]);
        }
    }

    #[inline(never)]
    fn take(&mut self, first: usize, values: &[T]) {
        let room = self.count + values.len();
        if self.candidates.len() < room {
            self.candidates.resize(2 * room, T::Key::default());
        }
        // every value is written, those that do not count are written over: no branch to guess
        let free = &mut self.candidates[self.count..room];
        let mut taken = 0;
        for (i, &value) in values.iter().enumerate() {
            free[taken] = value.key((first + i) as u32);
            taken += usize::from(value > self.threshold);
        }
        self.count += taken;
        if self.count >= self.k.saturating_mul(2) {
            self.prune();
        }
    }

    /// Leaves the K largest.
    fn prune(&mut self) {
        if self.count <= self.k {
            return;
        }
        let candidates = &mut self.candidates[..self.count];
        // no value is NaN here: NaN is above no threshold
        let (_, &mut last, _) = candidates.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
        // an equal value that comes later has a higher index, so it loses the tie
        self.threshold = T::of_key(last).0;
        self.count = self.k;
    }

    /// The selection, by ascending index.
    pub fn finish(&mut self) -> &[(T, u32)] {
        self.prune();
        let keys = &self.candidates[..self.count];
        self.found.clear();
        self.found.extend(keys.iter().map(|&key| T::of_key(key)));
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
            cut in 0usize..300,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let cut = cut.min(values.len());
            let mut selector = Selector::default();
            selector.reset(k, 0.0);
            selector.offer(0, cut, |i| values[i]);
            selector.offer(cut, values.len() - cut, |i| values[cut + i]);
            prop_assert_eq!(selector.finish(), &by_sorting(&values, k)[..]);
        }
    }
}
