//! Intervals of scores: clusters are drawn again, since proteins of one are not independent.

use crate::{
    math::random::{Purpose, below, stream},
    score::matching::Tally,
};

/// Draws of all clusters.
const DRAWS: usize = 1000;
/// Of how many draws one is below, and one above, a 95 % interval.
const TAIL: usize = 40;

/// 95 % intervals of a score of the counts of clusters; `part` numbers the stream of draws. None where fewer than two
/// clusters count anything, or a draw has no score.
#[must_use]
pub fn intervals<const N: usize>(
    clusters: &[Tally],
    all: usize,
    seed: u64,
    part: u64,
    scores: [fn(&Tally) -> Option<f64>; N],
) -> [Option<[f64; 2]>; N] {
    let mut drawn: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(DRAWS));
    if clusters.len() < 2 {
        return [None; N];
    }
    let mut random = stream(seed, Purpose::Bootstrap, part);
    for _ in 0..DRAWS {
        let mut sum = Tally::default();
        for _ in 0..all {
            // clusters that count nothing are drawn as well
            let at = below(&mut random, all as u64) as usize;
            if let Some(tally) = clusters.get(at) {
                sum = sum.plus(*tally);
            }
        }
        for (score, values) in scores.iter().zip(&mut drawn) {
            values.extend(score(&sum));
        }
    }
    drawn.map(|mut values| {
        let tail = values.len() / TAIL;
        values.sort_unstable_by(f64::total_cmp);
        let low = values.get(tail)?;
        let high = values.get(values.len().checked_sub(tail + 1)?)?;
        Some([*low, *high])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_the_score_and_narrows_with_clusters() {
        let clusters = |n: usize| -> Vec<Tally> {
            let one = |i| Tally {
                truths: 1,
                predicted: 1,
                right: u64::from(i % 2 == 0),
                graded: 0,
            };
            (0..n).map(one).collect()
        };
        let width = |n: usize| {
            let [found] = intervals(&clusters(n), 2 * n, 1, 0, [Tally::f1]);
            let [low, high] = found.unwrap();
            assert!(low <= 0.5 && 0.5 <= high);
            high - low
        };
        assert!(width(400) < width(20));
        assert_eq!(intervals(&clusters(1), 1, 1, 0, [Tally::f1]), [None]);
    }
}
