//! Scores of a ranking, without a threshold: area under the ROC curve, average precision.

/// A score that has no value without support.
pub type Score = Option<f64>;

/// Area under the ROC curve, ties at half weight; none without positives or without negatives.
///
/// `values[i]` is the score of item i, `positive[i]` whether it is one that should rank high. NaN
/// ranks lowest.
#[must_use]
pub fn auroc(values: &[f32], positive: &[bool]) -> Score {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let key = |i: u32| sort_key(values[i as usize]);
    order.sort_unstable_by_key(|&i| key(i));
    let positives = positive.iter().filter(|&&p| p).count();
    let mut rank_sum = 0.0;
    let mut at = 0;
    while at < order.len() {
        let mut end = at;
        let mut hits = 0_usize;
        while end < order.len() && key(order[end]) == key(order[at]) {
            hits += usize::from(positive[order[end] as usize]);
            end += 1;
        }
        // ranks from 1; tied items share their middle rank
        rank_sum += hits as f64 * (at + end + 1) as f64 / 2.0;
        at = end;
    }
    from_rank_sum(rank_sum, positives, values.len() - positives)
}

/// Area under the ROC curve from the sum of the positives' ranks (from 1, ties sharing the middle).
#[must_use]
pub fn from_rank_sum(rank_sum: f64, positives: usize, negatives: usize) -> Score {
    let (p, n) = (positives as f64, negatives as f64);
    (positives > 0 && negatives > 0).then(|| (rank_sum - p * (p + 1.0) / 2.0) / (p * n))
}

/// An integer that orders as the number does; NaN first, and the two zeros as one.
fn sort_key(value: f32) -> u32 {
    if value.is_nan() {
        return 0;
    }
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}

/// Average precision: the mean of the precision at each positive, tied items counted together;
/// none without positives.
#[must_use]
pub fn average_precision(values: &[f32], positive: &[bool]) -> Score {
    let mut order: Vec<u32> = (0..values.len() as u32).collect();
    let key = |i: u32| sort_key(values[i as usize]);
    order.sort_unstable_by_key(|&i| std::cmp::Reverse(key(i)));
    let positives = positive.iter().filter(|&&p| p).count();
    let (mut at, mut found, mut sum) = (0, 0_usize, 0.0);
    while at < order.len() {
        let mut end = at;
        let before = found;
        while end < order.len() && key(order[end]) == key(order[at]) {
            found += usize::from(positive[order[end] as usize]);
            end += 1;
        }
        sum += (found - before) as f64 * found as f64 / end as f64;
        at = end;
    }
    (positives > 0).then(|| sum / positives as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: the share of pairs in which the positive ranks higher.
    fn by_pairs(values: &[f32], positive: &[bool]) -> Score {
        let (mut sum, mut pairs) = (0.0, 0.0);
        for (i, &p) in positive.iter().enumerate() {
            for (j, &q) in positive.iter().enumerate() {
                if p && !q {
                    pairs += 1.0;
                    sum += match values[i].total_cmp(&values[j]) {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
        }
        (pairs > 0.0).then(|| sum / pairs)
    }

    proptest! {
        #[test]
        fn auroc_is_the_share_of_ordered_pairs(items in prop::collection::vec((-3_i8..4, any::<bool>()), 0..40)) {
            let values: Vec<f32> = items.iter().map(|i| f32::from(i.0)).collect();
            let positive: Vec<bool> = items.iter().map(|i| i.1).collect();
            match (auroc(&values, &positive), by_pairs(&values, &positive)) {
                (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-12),
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }

    #[test]
    fn average_precision_of_a_known_ranking() {
        // scikit-learn: average_precision_score([0, 0, 1, 1], [.1, .4, .35, .8]) = 0.8333...
        let score = average_precision(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]);
        assert!((score.unwrap() - 0.833_333_333).abs() < 1e-8);
        assert_eq!(average_precision(&[1.0], &[false]), None);
    }
}
