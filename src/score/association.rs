//! Whether a latent and a concept meet more often than by chance: Fisher's exact test (one-sided),
//! with the false discovery rate of Benjamini and Hochberg over all pairs.

/// ln(n!) for n up to the largest that was asked for.
pub struct LogFactorials(Vec<f64>);

impl LogFactorials {
    /// Up to and including `n`.
    #[must_use]
    pub fn up_to(n: usize) -> Self {
        let mut table = Vec::with_capacity(n + 1);
        table.push(0.0);
        for i in 1..=n {
            table.push(table[i - 1] + (i as f64).ln());
        }
        Self(table)
    }

    fn choose(&self, n: usize, k: usize) -> f64 {
        self.0[n] - self.0[k] - self.0[n - k]
    }

    /// Probability of at least `both` items with both properties, where of `all` items `left` have
    /// the one and `right` the other, if the two are independent (hypergeometric tail).
    ///
    /// `all` must be within the table, `left` and `right` at most `all`, `both` at most either.
    #[must_use]
    pub fn fisher(&self, both: usize, left: usize, right: usize, all: usize) -> f64 {
        let whole = self.choose(all, left);
        let least = (left + right).saturating_sub(all);
        let tail = both.max(least)..=left.min(right);
        let terms = tail
            .map(|k| (self.choose(right, k) + self.choose(all - right, left - k) - whole).exp());
        terms.sum::<f64>().min(1.0)
    }
}

/// The false discovery rate at which each of these p-values would be accepted, where `tests` tests
/// were made and those not listed have p-values of 1.
#[must_use]
pub fn q_values(p_values: &[f64], tests: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut q = vec![1.0; p_values.len()];
    let mut least = 1.0_f64;
    for (rank, &at) in order.iter().enumerate().rev() {
        least = least.min(p_values[at] * tests as f64 / (rank + 1) as f64);
        q[at] = least;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fisher_of_the_lady_tasting_tea() {
        // scipy.stats.fisher_exact([[3, 1], [1, 3]], 'greater'): 17/70
        let table = LogFactorials::up_to(8);
        assert!((table.fisher(3, 4, 4, 8) - 17.0 / 70.0).abs() < 1e-12);
        assert!((table.fisher(0, 4, 4, 8) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn q_values_of_known_p_values() {
        // scipy.stats.false_discovery_control([0.01, 0.04, 0.03, 1]) = [0.04, 0.0533, 0.0533, 1]
        let q = q_values(&[0.01, 0.04, 0.03], 4);
        for (found, expected) in q.iter().zip([0.04, 0.16 / 3.0, 0.16 / 3.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
    }
}
