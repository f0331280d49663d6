//! Where a file of records is cut into parts that are worked on side by side.

/// How many records each of some parts takes, in order: the largest part has as few residues as the order of the
/// records allows, and the others are as near to an even share as that leaves them. Where there are fewer records than
/// parts, the last parts are empty.
#[must_use]
pub fn even(lengths: &[u32], parts: usize) -> Vec<usize> {
    let limit = least_limit(lengths, parts);
    let needed = parts_needed(lengths, limit);
    let mut rest: u64 = lengths.iter().copied().map(u64::from).sum();
    let mut at = 0;
    let mut taken = Vec::with_capacity(parts);
    for left in (1..=parts).rev() {
        let (start, mut residues) = (at, 0);
        while let Some(&length) = lengths.get(at) {
            let length = u64::from(length);
            if residues + length > limit {
                break;
            }
            let must = needed[at] >= left;
            // half of the record lies beyond an even share of what is left
            let share = u128::from(2 * residues + length) * left as u128;
            if !must && residues > 0 && share > 2 * u128::from(rest) {
                break;
            }
            residues += length;
            at += 1;
        }
        rest -= residues;
        taken.push(at - start);
    }
    taken
}

/// The fewest residues that the largest of so many parts can have.
fn least_limit(lengths: &[u32], parts: usize) -> u64 {
    let total: u64 = lengths.iter().copied().map(u64::from).sum();
    let longest = lengths.iter().copied().max().map_or(0, u64::from);
    let mut low = longest.max(total.div_ceil(parts.max(1) as u64));
    let mut high = total.max(low);
    while low < high {
        let middle = low + (high - low) / 2;
        if fill(lengths, middle) <= parts {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The parts of at most so many residues that hold all records, each filled before the next is begun.
fn fill(lengths: &[u32], limit: u64) -> usize {
    let (mut parts, mut residues) = (0, limit);
    for &length in lengths {
        residues += u64::from(length);
        if residues > limit {
            parts += 1;
            residues = u64::from(length);
        }
    }
    parts
}

/// The same for the records from each on, and 0 behind the last.
fn parts_needed(lengths: &[u32], limit: u64) -> Vec<usize> {
    let mut needed = vec![0; lengths.len() + 1];
    let (mut end, mut residues) = (lengths.len(), 0);
    for (at, &length) in lengths.iter().enumerate().rev() {
        residues += u64::from(length);
        while residues > limit && end > at + 1 {
            end -= 1;
            residues -= u64::from(lengths[end]);
        }
        needed[at] = 1 + needed[end];
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The largest part of the best cut, by trying all.
    fn best(lengths: &[u32], parts: usize) -> u64 {
        let sum = |part: &[u32]| part.iter().copied().map(u64::from).sum::<u64>();
        if parts == 1 {
            return sum(lengths);
        }
        let cuts = 0..=lengths.len();
        cuts.map(|cut| sum(&lengths[..cut]).max(best(&lengths[cut..], parts - 1)))
            .min()
            .unwrap()
    }

    fn largest(lengths: &[u32], parts: &[usize]) -> u64 {
        let mut rest = lengths;
        let mut largest = 0;
        for &records in parts {
            let (part, others) = rest.split_at(records);
            largest = largest.max(part.iter().copied().map(u64::from).sum());
            rest = others;
        }
        assert!(rest.is_empty());
        largest
    }

    proptest! {
        #[test]
        fn no_other_cut_has_a_smaller_largest_part(
            lengths in prop::collection::vec(1u32..60, 0..9),
            parts in 1usize..5,
        ) {
            let cut = even(&lengths, parts);
            prop_assert_eq!(cut.len(), parts);
            prop_assert_eq!(largest(&lengths, &cut), best(&lengths, parts));
            let empty = cut.iter().position(|&records| records == 0).unwrap_or(parts);
            prop_assert!(cut[empty..].iter().all(|&records| records == 0), "{:?}", cut);
        }
    }

    #[test]
    fn parts_are_even_beside_the_largest_too() {
        assert_eq!(even(&[1; 10], 4), [3, 2, 3, 2]);
        assert_eq!(even(&[100, 100, 100], 2), [2, 1]);
        assert_eq!(even(&[5, 5], 4), [1, 1, 0, 0]);
        assert_eq!(even(&[], 3), [0, 0, 0]);
        assert_eq!(even(&[1, 1, 1000, 1, 1], 3), [2, 1, 2]);
        assert_eq!(even(&[u32::MAX; 4], 2), [2, 2]);
    }
}
