//! How faithfully an SAE gives activations back, from sums over all rows (never a mean of ratios).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sum that does not depend on the order of what is added: whole multiples of 2^-40.
#[derive(Clone, Copy, Debug, Default)]
struct Sum(i128);

impl Sum {
    const UNIT: f64 = (1_u64 << 40) as f64;

    fn add(&mut self, value: f64) {
        self.0 += (value * Self::UNIT).round() as i128;
    }

    fn value(self) -> f64 {
        self.0 as f64 / Self::UNIT
    }
}

/// Sums over rows.
#[derive(Clone, Debug)]
pub struct FidelitySums {
    rows: u64,
    /// Sum of the activations, per dimension: for the variance.
    sum: Vec<Sum>,
    sum_of_squares: Sum,
    error: Sum,
    cosine: Sum,
    active: u64,
    /// Rows on which each latent is active.
    active_rows: Vec<u64>,
    defined: usize,
    likely: u64,
    likely_active: u64,
    /// Rows on which each concept is likely.
    likely_rows: Vec<u64>,
    defined_energy: Sum,
    all_energy: Sum,
}

/// Fidelity of an SAE on some rows; what has no support is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fidelity {
    /// Rows.
    pub rows: u64,
    /// Fraction of variance unexplained: sum of squared errors over the sum of squared deviations.
    pub fvu: Option<f64>,
    /// 1 - FVU.
    pub explained_variance: Option<f64>,
    /// Mean cosine between activations and reconstructions.
    pub cosine: Option<f64>,
    /// Mean number of active latents on a row.
    pub l0: Option<f64>,
    /// Latents.
    pub latents: usize,
    /// Latents that are never active.
    pub dead: usize,
    /// Latents active on more than 1 % of the rows.
    pub dense_1: usize,
    /// Latents active on more than 10 % of the rows.
    pub dense_10: usize,
    /// Latents active on more than 30 % of the rows.
    pub dense_30: usize,
    /// Concepts whose probability ever exceeds 0.5.
    pub concepts_ever_predicted: usize,
    /// Of all pairs of row and concept with probability above 0.5, the share whose latent is active.
    pub participation: Option<f64>,
    /// Share of the decoded norm that defined latents carry.
    pub defined_share: Option<f64>,
}

impl FidelitySums {
    /// Nothing yet.
    #[must_use]
    pub fn new(width: usize, latents: usize, defined: usize) -> Self {
        Self {
            rows: 0,
            sum: vec![Sum::default(); width],
            sum_of_squares: Sum::default(),
            error: Sum::default(),
            cosine: Sum::default(),
            active: 0,
            active_rows: vec![0; latents],
            defined,
            likely: 0,
            likely_active: 0,
            likely_rows: vec![0; defined],
            defined_energy: Sum::default(),
            all_energy: Sum::default(),
        }
    }

    /// Adds a row: the activation, its reconstruction, its latents, the logits of its concepts, and
    /// the norms of what all and the defined latents decode to.
    pub fn add(
        &mut self,
        x: &[f32],
        reconstruction: &[f32],
        latents: &[u32],
        logits: &[f32],
        norms: (f64, f64),
    ) {
        self.rows += 1;
        let (mut error, mut dot, mut xx, mut yy) = (0.0, 0.0, 0.0, 0.0);
        for ((&x, &y), sum) in x.iter().zip(reconstruction).zip(&mut self.sum) {
            let (x, y) = (f64::from(x), f64::from(y));
            sum.add(x);
            error += (x - y) * (x - y);
            dot += x * y;
            xx += x * x;
            yy += y * y;
        }
        self.error.add(error);
        self.sum_of_squares.add(xx);
        if xx > 0.0 && yy > 0.0 {
            self.cosine.add(dot / (xx * yy).sqrt());
        }
        self.active += latents.len() as u64;
        for &latent in latents {
            self.active_rows[latent as usize] += 1;
        }
        for (concept, _) in logits.iter().enumerate().filter(|(_, l)| **l > 0.0) {
            self.likely += 1;
            self.likely_rows[concept] += 1;
            self.likely_active += u64::from(latents.binary_search(&(concept as u32)).is_ok());
        }
        self.all_energy.add(norms.0);
        self.defined_energy.add(norms.1);
    }

    /// The scores.
    #[must_use]
    pub fn finish(&self) -> Fidelity {
        let rows = self.rows as f64;
        let mean_part: f64 =
            self.sum.iter().map(|s| s.value().powi(2)).sum::<f64>() / rows.max(1.0);
        let variance = self.sum_of_squares.value() - mean_part;
        let over_rows = |v: f64| (self.rows > 0).then(|| v / rows);
        let fvu = (variance > 0.0).then(|| self.error.value() / variance);
        let denser = |share: f64| {
            let counts = self.active_rows.iter();
            counts.filter(|&&n| n as f64 > share * rows).count()
        };
        Fidelity {
            rows: self.rows,
            fvu,
            explained_variance: fvu.map(|f| 1.0 - f),
            cosine: over_rows(self.cosine.value()),
            l0: over_rows(self.active as f64),
            latents: self.active_rows.len(),
            dead: self.active_rows.iter().filter(|&&n| n == 0).count(),
            dense_1: denser(0.01),
            dense_10: denser(0.1),
            dense_30: denser(0.3),
            concepts_ever_predicted: self.likely_rows.iter().filter(|&&n| n > 0).count(),
            participation: (self.likely > 0)
                .then(|| self.likely_active as f64 / self.likely as f64),
            defined_share: (self.defined > 0 && self.all_energy.0 > 0)
                .then(|| self.defined_energy.value() / self.all_energy.value()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_two_known_rows() {
        let mut sums = FidelitySums::new(1, 2, 1);
        sums.add(&[1.0], &[1.0], &[0], &[1.0], (2.0, 1.0));
        sums.add(&[3.0], &[2.0], &[1], &[1.0], (2.0, 0.0));
        let f = sums.finish();
        // errors 0 and 1, deviations from the mean 1 and 1
        assert_eq!((f.fvu, f.l0, f.dead), (Some(0.5), Some(1.0), 0));
        assert_eq!((f.participation, f.defined_share), (Some(0.5), Some(0.25)));
        assert_eq!(FidelitySums::new(1, 1, 0).finish().fvu, None);
    }
}
