//! Values that never fall: pooling adjacent violators.

/// A value with a weight, at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// Weight.
    pub weight: f64,
    /// Value.
    pub value: f64,
    /// Where it stands; weighted mean of what was pooled.
    pub at: f64,
}

/// The values closest to those given that never fall: neighbours that do are replaced by their mean.
#[must_use]
pub fn pool_adjacent_violators(values: impl IntoIterator<Item = Pool>) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::new();
    for mut pool in values {
        while let Some(last) = pools.last().copied()
            && last.value >= pool.value
        {
            let weight = last.weight + pool.weight;
            let mean = |a: f64, b: f64| (a * last.weight + b * pool.weight) / weight;
            pool = Pool {
                weight,
                value: mean(last.value, pool.value),
                at: mean(last.at, pool.at),
            };
            pools.pop();
        }
        pools.push(pool);
    }
    pools
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pools_never_fall_and_keep_the_sum(values in prop::collection::vec((0.1_f64..5.0, 0.0_f64..1.0), 1..30)) {
            let given = values.iter().enumerate().map(|(i, &(weight, value))| Pool { weight, value, at: i as f64 });
            let pools = pool_adjacent_violators(given);
            prop_assert!(pools.windows(2).all(|w| w[0].value < w[1].value && w[0].at < w[1].at));
            let sum = |pools: &mut dyn Iterator<Item = (f64, f64)>| pools.map(|(w, v)| w * v).sum::<f64>();
            let before = sum(&mut values.iter().copied());
            let after = sum(&mut pools.iter().map(|p| (p.weight, p.value)));
            prop_assert!((before - after).abs() < 1e-9);
        }
    }
}
