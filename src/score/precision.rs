//! How likely a range is right: correctness against score over ranges of proteins that had no part in finding them.

use super::calibration::{Pool, logit, pool_adjacent_violators, sigmoid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Least probability of being right of what is written, where nothing else is asked.
pub const DEFAULT_PRECISION: f64 = 0.8;
/// Ranges that the pooled precision of a level stands for.
const PSEUDO_COUNTS: f64 = 10.0;
/// Correlation of whether two ranges of one cluster and concept are right, given their scores: 0.2 over all concepts of
/// yeast's validation proteins, 0.1 to 0.3 for those with most ranges.
const CORRELATION: f64 = 0.2;
/// Standard deviation, over concepts, of how far their log-odds of being right lie from those of all together.
const SPREAD: f64 = 1.0;
/// The farthest that any is looked for, and how often the interval is halved.
const FARTHEST: f64 = 20.0;
const HALVINGS: usize = 40;
/// Probabilities are held off 0 and 1 by this much before their log-odds are taken.
const MARGIN: f64 = 1e-4;
/// Levels of a concept at most.
const LEVELS: usize = 10;
/// Ranges of a level at least.
const LEVEL_RANGES: usize = 10;

/// A range that was held against labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Mean log-odds of its residues.
    pub score: f64,
    /// Whether it is right.
    pub right: bool,
    /// The cluster that its protein is of.
    pub cluster: u32,
}

/// A level of scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrecisionStep {
    /// The score from which it holds; the first holds for all below as well.
    pub score: f64,
    /// The probability that a range of this score is right.
    pub precision: f64,
    /// Ranges that it rests on.
    pub ranges: u64,
}

/// Precision by score over all concepts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PooledPrecision {
    steps: Vec<Pool>,
    starts: Vec<f64>,
}

impl PooledPrecision {
    /// Of the ranges of all concepts.
    #[must_use]
    pub fn new(judged: impl IntoIterator<Item = Judged>) -> Self {
        let mut all: Vec<Judged> = judged.into_iter().collect();
        sort(&mut all);
        let mut values = Vec::new();
        let mut starts = Vec::new();
        for (at, tie) in all.chunk_by(|a, b| a.score == b.score).enumerate() {
            let right = tie.iter().filter(|j| j.right).count();
            starts.push(tie[0].score);
            values.push(Pool {
                weight: tie.len() as f64,
                value: right as f64 / tie.len() as f64,
                at: at as f64,
            });
        }
        let weights: Vec<f64> = values.iter().map(|v| v.weight).collect();
        let steps = pool_adjacent_violators(values);
        // the score at which each pool begins
        let mut begin = Vec::new();
        let mut at = 0;
        for step in &steps {
            begin.push(starts[at]);
            let mut left = step.weight;
            while left > 0.5 && at < weights.len() {
                left -= weights[at];
                at += 1;
            }
        }
        Self {
            steps,
            starts: begin,
        }
    }

    /// The precision at a score.
    fn at(&self, score: f64) -> f64 {
        let above = self.starts.partition_point(|&s| s <= score);
        let step = self.steps.get(above.saturating_sub(1));
        step.map_or(0.0, |s| s.value)
    }

    /// How far the log-odds of a concept's ranges lie from those of all concepts at the same scores: the most likely
    /// shift, if shifts are normal around 0.
    fn shift(&self, judged: &[Judged]) -> f64 {
        let weight = independent(judged) / (judged.len() as f64).max(1.0);
        // the slope of the logarithm of the posterior, which falls
        let slope = |shift: f64| {
            let residual = |j: &Judged| f64::from(u8::from(j.right)) - self.shifted(j.score, shift);
            weight * judged.iter().map(residual).sum::<f64>() - shift / (SPREAD * SPREAD)
        };
        let (mut low, mut high) = (-FARTHEST, FARTHEST);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if slope(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }

    fn shifted(&self, score: f64, shift: f64) -> f64 {
        sigmoid(logit(self.at(score).clamp(MARGIN, 1.0 - MARGIN)) + shift)
    }

    /// The table of a concept: its ranges in levels of equal count, each with ten more at the precision that all
    /// concepts together have there, shifted by what this one's ranges are right more often or less; never falling.
    /// Ranges of one cluster are right or wrong together, so they count as fewer.
    #[must_use]
    pub fn table(&self, judged: &[Judged]) -> Vec<PrecisionStep> {
        let mut all = judged.to_vec();
        sort(&mut all);
        let shift = self.shift(&all);
        let size = all.len().div_ceil(LEVELS).max(LEVEL_RANGES);
        let mut levels: Vec<&[Judged]> = Vec::new();
        let mut rest = &all[..];
        while !rest.is_empty() {
            let mut end = size.min(rest.len());
            if rest.len() - end < LEVEL_RANGES {
                end = rest.len();
            }
            // equal scores are of one level
            while end < rest.len() && rest[end].score == rest[end - 1].score {
                end += 1;
            }
            levels.push(&rest[..end]);
            rest = &rest[end..];
        }
        let weights: Vec<f64> = levels.iter().map(|level| independent(level)).collect();
        let pools = levels.iter().enumerate().map(|(at, level)| {
            let right = level.iter().filter(|j| j.right).count() as f64;
            let n = level.len() as f64;
            let expected = level.iter().map(|j| self.shifted(j.score, shift));
            let pooled = expected.sum::<f64>() / n;
            let weight = weights[at];
            let right = weight * right / n;
            Pool {
                weight: weight + PSEUDO_COUNTS,
                value: (right + PSEUDO_COUNTS * pooled) / (weight + PSEUDO_COUNTS),
                at: at as f64,
            }
        });
        let mut steps = Vec::new();
        let mut at = 0;
        for pool in pool_adjacent_violators(pools) {
            let score = levels[at][0].score;
            let (mut weight, mut ranges) = (0.0, 0);
            while at < levels.len() && weight + 0.5 < pool.weight {
                weight += weights[at] + PSEUDO_COUNTS;
                ranges += levels[at].len() as u64;
                at += 1;
            }
            steps.push(PrecisionStep {
                score,
                precision: pool.value,
                ranges,
            });
        }
        steps
    }
}

/// As how many ranges of clusters of their own these count: their number over the design effect of clusters (Kish
/// 1965).
fn independent(judged: &[Judged]) -> f64 {
    let mut counts: BTreeMap<u32, f64> = BTreeMap::new();
    for one in judged {
        *counts.entry(one.cluster).or_default() += 1.0;
    }
    let squares: f64 = counts.values().map(|n| n * n).sum();
    let n = judged.len() as f64;
    let mean = squares / n.max(1.0);
    n / (1.0 + (mean - 1.0).max(0.0) * CORRELATION)
}

fn sort(all: &mut [Judged]) {
    all.sort_by(|a, b| a.score.total_cmp(&b.score).then(a.right.cmp(&b.right)));
}

/// The probability that a range of this score is right; 0 where the table says nothing.
#[must_use]
pub fn probability(table: &[PrecisionStep], score: f64) -> f64 {
    let above = table.partition_point(|step| step.score <= score);
    let step = table.get(above.saturating_sub(1));
    step.map_or(0.0, |s| s.precision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Of a cluster of its own.
    fn judged(score: f64, right: bool) -> Judged {
        static CLUSTERS: AtomicU32 = AtomicU32::new(0);
        Judged {
            score,
            right,
            cluster: CLUSTERS.fetch_add(1, Ordering::Relaxed),
        }
    }

    #[test]
    fn ranges_of_one_protein_say_less() {
        let all = (0..1000).map(|i| judged(f64::from(i) / 100.0, i % 10 < i / 100));
        let pooled = PooledPrecision::new(all);
        let right: Vec<Judged> = (0..20).map(|_| judged(2.05, true)).collect();
        let apart = pooled.table(&right)[0].precision;
        let of_one: Vec<Judged> = right.iter().map(|j| Judged { cluster: 7, ..*j }).collect();
        let together = pooled.table(&of_one)[0].precision;
        assert!(apart > 0.7 && together < apart - 0.2, "{apart} {together}");
    }

    #[test]
    fn few_ranges_say_what_all_concepts_say() {
        let all = (0..1000).map(|i| judged(f64::from(i) / 100.0, i % 10 < i / 100));
        let pooled = PooledPrecision::new(all);
        let table = pooled.table(&[judged(5.05, false)]);
        assert_eq!(table.len(), 1);
        // ten at somewhat less than a half, since this one is wrong, and the one
        assert!((0.3..5.0 / 11.0).contains(&table[0].precision), "{table:?}");
        let many: Vec<Judged> = (0..400).map(|_| judged(5.05, false)).collect();
        assert!(pooled.table(&many)[0].precision < 0.05);
        assert_eq!(pooled.table(&[]), []);
        assert!(probability(&[], 3.0) == 0.0);
    }

    proptest! {
        #[test]
        fn tables_never_fall_and_count_every_range(
            scores in prop::collection::vec((-5_i32..6, any::<bool>()), 1..120)
        ) {
            let all: Vec<Judged> = scores.iter().map(|&(s, right)| judged(f64::from(s), right)).collect();
            let table = PooledPrecision::new(all.iter().copied()).table(&all);
            prop_assert!(table.windows(2).all(|w| w[0].score < w[1].score && w[0].precision < w[1].precision));
            prop_assert_eq!(table.iter().map(|s| s.ranges).sum::<u64>(), all.len() as u64);
            prop_assert!(table.iter().all(|s| (0.0..=1.0).contains(&s.precision)));
            // asking for more only takes ranges away
            let kept = |p: f64| -> Vec<usize> {
                (0..all.len()).filter(|&i| probability(&table, all[i].score) >= p).collect()
            };
            for (low, high) in [(0.0, 0.3), (0.3, 0.8), (0.8, 0.95)] {
                let lower = kept(low);
                prop_assert!(kept(high).iter().all(|i| lower.contains(i)));
            }
        }
    }
}
