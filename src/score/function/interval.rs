//! How sure a score is: the bootstrap over groups of proteins, since homologues are not independent.

use super::curve::Sums;
use crate::math::random::{self, Purpose};
use rayon::prelude::*;

/// Bounds of the interval that holds 95 % of the replicates.
const TAILS: [f64; 2] = [0.025, 0.975];

/// A low and a high bound.
pub type Interval = [f64; 2];

/// 95 % intervals of scores that follow from sums over groups; none where fewer than two groups or replicates have the
/// score. Replicate r draws from a stream of its own, so threads do not matter.
pub fn bootstrap<const C: usize, const S: usize>(
    groups: &[Sums<C>],
    replicates: usize,
    seed: u64,
    scores: impl Fn(&Sums<C>) -> [Option<f64>; S] + Sync,
) -> [Option<Interval>; S] {
    let mut bounds = [None; S];
    if groups.len() < 2 {
        return bounds;
    }
    let thresholds = groups.first().map_or(0, |g| g.0.len());
    let drawn: Vec<[Option<f64>; S]> = (0..replicates as u64)
        .into_par_iter()
        .map(|replicate| {
            let mut rng = random::stream(seed, Purpose::Bootstrap, replicate);
            let mut sums = Sums::new(thresholds);
            for _ in 0..groups.len() {
                sums += &groups[random::below(&mut rng, groups.len() as u64) as usize];
            }
            scores(&sums)
        })
        .collect();
    for (score, bounds) in bounds.iter_mut().enumerate() {
        let mut values: Vec<f64> = drawn.iter().filter_map(|all| all[score]).collect();
        values.sort_unstable_by(f64::total_cmp);
        if values.len() >= 2 {
            *bounds = Some(TAILS.map(|tail| quantile(&values, tail)));
        }
    }
    bounds
}

/// A quantile of sorted values, between neighbours by a straight line.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - at.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_about_that_of_theory() {
        let groups: Vec<Sums<2>> = (0..400)
            .map(|i| Sums(vec![[f64::from(i % 2), 1.0]]))
            .collect();
        let mean = |sums: &Sums<2>| [Some(sums.0[0][0] / sums.0[0][1])];
        let [bounds] = bootstrap(&groups, 2000, 1, mean);
        let [low, high] = bounds.unwrap();
        // 1.96 * 0.5 / sqrt(400) = 0.049
        assert!((low - 0.451).abs() < 0.006 && (high - 0.549).abs() < 0.006);
        assert_eq!(bootstrap(&groups, 2000, 1, mean), [bounds]);
        assert_eq!(bootstrap(&groups[..1], 2000, 1, mean), [None]);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
    }
}
