//! Which ranges are right: one to one with labelled instances, by overlap.

use super::decode::Item;

/// Intersection over union from which a range is right.
pub const RIGHT: f64 = 0.5;
/// Intersections over union at which a pair is graded, around [`RIGHT`].
const GRADES: [f64; 5] = [0.3, 0.4, 0.5, 0.6, 0.7];

/// The stretch of a protein of which labels say something: all of it, or, of concepts that are annotated where there
/// is a structure, from the first to the last residue that any of them names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// First residue, 1-based.
    pub first: u32,
    /// Last residue, inclusive.
    pub last: u32,
}

impl Known {
    /// Everything.
    pub const ALL: Self = Self {
        first: 1,
        last: u32::MAX,
    };

    /// Leaves out ranges of which nothing is known: those that share no residue with it.
    pub fn retain(self, items: &mut Vec<Item>) {
        items.retain(|item| self.touches(item));
    }

    /// Whether a range shares a residue with it.
    #[must_use]
    pub fn touches(self, item: &Item) -> bool {
        item.start <= self.last && item.end >= self.first
    }

    /// Whether a residue is in it.
    #[must_use]
    pub fn has(self, position: u32) -> bool {
        (self.first..=self.last).contains(&position)
    }
}

/// A range and the instance that it was matched to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// Number of the range.
    pub item: usize,
    /// Number of the instance.
    pub truth: usize,
    /// Intersection over union.
    pub overlap: f64,
}

impl Pair {
    /// Whether the range is right.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.overlap >= RIGHT
    }

    /// At how many of the grades it is right.
    fn grade(&self) -> u64 {
        GRADES.iter().filter(|&&g| self.overlap >= g).count() as u64
    }

    /// Whether both have the same residues.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.overlap >= 1.0
    }
}

/// Intersection over union of the residues of two ranges. A bond is right with both its ends, or not at all.
#[must_use]
pub fn overlap(a: &Item, b: &Item) -> f64 {
    if a.bond || b.bond {
        return if a == b { 1.0 } else { 0.0 };
    }
    let (start, end) = (a.start.max(b.start), a.end.min(b.end));
    if start > end {
        return 0.0;
    }
    let union = a.end.max(b.end) - a.start.min(b.start) + 1;
    f64::from(end - start + 1) / f64::from(union)
}

/// Pairs of the ranges and instances of one concept and protein, in order of falling overlap, then start; each is used
/// once. Every pair shares a residue.
#[must_use]
pub fn pairs(items: &[Item], truths: &[Item]) -> Vec<Pair> {
    let mut all = Vec::new();
    for (item, a) in items.iter().enumerate() {
        for (truth, b) in truths.iter().enumerate() {
            let overlap = overlap(a, b);
            if overlap > 0.0 {
                all.push(Pair {
                    item,
                    truth,
                    overlap,
                });
            }
        }
    }
    all.sort_by(|x, y| {
        let place = |p: &Pair| (items[p.item], truths[p.truth]);
        y.overlap
            .total_cmp(&x.overlap)
            .then_with(|| place(x).cmp(&place(y)))
    });
    let mut item_used = vec![false; items.len()];
    let mut truth_used = vec![false; truths.len()];
    all.retain(|pair| {
        let free = !item_used[pair.item] && !truth_used[pair.truth];
        if free {
            item_used[pair.item] = true;
            truth_used[pair.truth] = true;
        }
        free
    });
    all
}

/// Whether each range is right.
#[must_use]
pub fn rights(items: &[Item], truths: &[Item]) -> Vec<bool> {
    let mut right = vec![false; items.len()];
    for pair in pairs(items, truths) {
        right[pair.item] = pair.is_right();
    }
    right
}

/// Counts of ranges and instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Labelled instances.
    pub truths: u64,
    /// Ranges.
    pub predicted: u64,
    /// Ranges that are right.
    pub right: u64,
    /// Sum over the grades of overlap of the ranges that are right there.
    pub graded: u64,
}

impl Tally {
    /// The counts of a protein; `exact`: right is only what has the same residues.
    #[must_use]
    pub fn of(items: &[Item], truths: &[Item], exact: bool) -> Self {
        let all = pairs(items, truths);
        let right = |p: &&Pair| if exact { p.is_exact() } else { p.is_right() };
        let counted = || all.iter().filter(right);
        Self {
            truths: truths.len() as u64,
            predicted: items.len() as u64,
            right: counted().count() as u64,
            graded: if exact {
                counted().map(Pair::grade).sum()
            } else {
                all.iter().map(Pair::grade).sum()
            },
        }
    }

    /// The sum of two counts.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            truths: self.truths + other.truths,
            predicted: self.predicted + other.predicted,
            right: self.right + other.right,
            graded: self.graded + other.graded,
        }
    }

    /// What is left without `part`, which was counted before.
    #[must_use]
    pub fn without(self, part: Self) -> Self {
        Self {
            truths: self.truths - part.truths,
            predicted: self.predicted - part.predicted,
            right: self.right - part.right,
            graded: self.graded - part.graded,
        }
    }

    /// Share of the ranges that are right; none without ranges.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        (self.predicted > 0).then(|| self.right as f64 / self.predicted as f64)
    }

    /// Share of the instances that are found; none without instances.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        (self.truths > 0).then(|| self.right as f64 / self.truths as f64)
    }

    /// The mean of F1 over the grades of overlap: as F1, but hardly moved by single ranges whose overlap is about one half.
    #[must_use]
    pub fn graded_f1(&self) -> f64 {
        let both = self.truths + self.predicted;
        2.0 * self.graded as f64 / (GRADES.len() as u64 * both).max(1) as f64
    }

    /// Harmonic mean of precision and recall, 0 without ranges; none without instances.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let both = self.truths + self.predicted;
        (self.truths > 0).then(|| 2.0 * self.right as f64 / both as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_larger_overlap_goes_first_and_each_is_used_once() {
        let items = [Item::range(1, 10), Item::range(9, 20), Item::range(40, 41)];
        let truths = [Item::range(8, 20), Item::range(41, 42)];
        let found = pairs(&items, &truths);
        assert_eq!((found[0].item, found[0].truth), (1, 0));
        assert!((found[0].overlap - 12.0 / 13.0).abs() < 1e-12);
        assert_eq!(rights(&items, &truths), [false, true, false]);
        let tally = Tally::of(&items, &truths, false);
        assert_eq!(
            (tally.precision(), tally.recall()),
            (Some(1.0 / 3.0), Some(0.5))
        );
        assert_eq!(tally.f1(), Some(0.4));
        // half is right
        assert_eq!(rights(&[Item::range(1, 2)], &[Item::range(2, 2)]), [true]);
        assert_eq!(
            Tally::of(&[Item::range(1, 2)], &[Item::range(2, 2)], true).right,
            0
        );
    }

    #[test]
    fn a_bond_is_right_with_both_ends() {
        let truths = [Item::bond(3, 40), Item::range(7, 7)];
        assert_eq!(rights(&[Item::bond(3, 40)], &truths), [true]);
        assert_eq!(
            rights(
                &[Item::bond(3, 41), Item::range(3, 3), Item::range(3, 40)],
                &truths
            ),
            [false; 3]
        );
        assert_eq!(rights(&[Item::range(7, 7)], &truths), [true]);
    }

    proptest! {
        #[test]
        fn the_order_of_what_is_given_does_not_matter(
            ranges in prop::collection::btree_set((1_u32..30, 0_u32..8), 0..8),
            labels in prop::collection::btree_set((1_u32..30, 0_u32..8), 0..8),
        ) {
            let make = |set: &std::collections::BTreeSet<(u32, u32)>| {
                set.iter().map(|&(s, n)| Item::range(s, s + n)).collect::<Vec<_>>()
            };
            let (items, truths) = (make(&ranges), make(&labels));
            let (mut back, mut truths_back) = (items.clone(), truths.clone());
            back.reverse();
            truths_back.reverse();
            prop_assert_eq!(Tally::of(&items, &truths, false), Tally::of(&back, &truths_back, false));
            let found = pairs(&items, &truths);
            prop_assert!(found.len() <= items.len().min(truths.len()));
        }
    }
}
