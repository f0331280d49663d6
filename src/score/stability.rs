//! Whether training again, from another seed, finds the same latents: cosines of decoder rows.

use crate::{
    math::{
        product::{Matrix, multiply},
        vector::dot,
    },
    sae::Sae,
};
use pathfinding::{kuhn_munkres::kuhn_munkres, matrix::Matrix as Weights};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Latents without a concept up to which two models are matched one to one: the method's time goes by the cube.
const MOST_MATCHED: usize = 4096;
/// Rows of a block of cosines.
const BLOCK: usize = 256;
/// Cosines are matched as whole numbers of this many.
const UNITS: f32 = 1e6;

/// How alike the latents of models are; means over pairs of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stability {
    /// Pairs of models.
    pub pairs: usize,
    /// Mean cosine of the latents of the same concept; none without any.
    pub defined: Option<f64>,
    /// Mean cosine of the other latents, matched one to one so that their sum is largest (Hungarian method); none where
    /// there are none, or more than 4,096.
    pub matched: Option<f64>,
    /// Mean over the other latents of the largest cosine with any of the other model.
    pub largest: Option<f64>,
}

impl Stability {
    /// Of models of one shape; none of fewer than two.
    #[must_use]
    pub fn new(models: &[&Sae]) -> Option<Self> {
        let mut sums = [(0.0, 0_usize); 3];
        let mut pairs = 0;
        for (i, a) in models.iter().enumerate() {
            for b in &models[i + 1..] {
                pairs += 1;
                for (sum, score) in sums.iter_mut().zip(compare(a, b)) {
                    if let Some(score) = score {
                        *sum = (sum.0 + score, sum.1 + 1);
                    }
                }
            }
        }
        let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
        let [defined, matched, largest] = sums.map(mean);
        (pairs > 0).then_some(Self {
            pairs,
            defined,
            matched,
            largest,
        })
    }
}

/// Scores of two models of one shape: of defined latents, of others matched, and of others by the largest cosine.
fn compare(a: &Sae, b: &Sae) -> [Option<f64>; 3] {
    let shape = a.config.shape;
    let (width, m) = (shape.width, shape.defined * shape.width);
    let (a, b) = (units(&a.params.dec, width), units(&b.params.dec, width));
    let rows = a[..m].chunks_exact(width).zip(b[..m].chunks_exact(width));
    let defined = mean(rows.map(|(a, b)| f64::from(dot(a, b))));
    let (a, b) = (&a[m..], &b[m..]);
    let mut matched = None;
    let count = shape.unknown();
    if (1..=MOST_MATCHED).contains(&count) {
        let all = cosines(a, b, width);
        let rounded = all.iter().map(|c| (c * UNITS).round() as i64).collect();
        if let Ok(weights) = Weights::from_vec(count, count, rounded) {
            let (_, partner) = kuhn_munkres(&weights);
            let own = partner.iter().enumerate();
            matched = mean(own.map(|(i, &j)| f64::from(all[i * count + j])));
        }
    }
    let both = [largest(a, b, width), largest(b, a, width)];
    let largest = mean(both.into_iter().flatten());
    [defined, matched, largest]
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value, n + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Rows divided by their lengths; a row of zeros stays.
fn units(rows: &[f32], width: usize) -> Vec<f32> {
    let mut units = rows.to_vec();
    for row in units.chunks_exact_mut(width) {
        let length = dot(row, row).sqrt();
        if length > 0.0 {
            for x in row {
                *x /= length;
            }
        }
    }
    units
}

/// Cosines of all pairs of unit rows.
fn cosines(a: &[f32], b: &[f32], width: usize) -> Vec<f32> {
    let (rows, columns) = (a.len() / width, b.len() / width);
    let mut out = vec![0.0; rows * columns];
    let a = Matrix::new(a, rows, width, width);
    let b = Matrix::new(b, columns, width, width);
    multiply(a, b.transpose(), &mut out, columns);
    out
}

/// Mean over the rows of `a` of the largest cosine with a row of `b`.
fn largest(a: &[f32], b: &[f32], width: usize) -> Option<f64> {
    let columns = b.len() / width;
    mean(a.chunks(BLOCK * width).flat_map(|block| {
        let found = cosines(block, b, width);
        let rows = found.chunks_exact(columns.max(1));
        let best = |row: &[f32]| f64::from(row.iter().copied().fold(-1.0, f32::max));
        rows.map(best).collect::<Vec<f64>>()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Purpose, normal, shuffle, stream};

    #[test]
    fn a_permutation_is_found_again() {
        let (count, width) = (30, 8);
        let mut random = stream(2, Purpose::Rows, 0);
        let rows: Vec<f32> = (0..count * width)
            .map(|_| normal(&mut random) as f32)
            .collect();
        let mut order: Vec<usize> = (0..count).collect();
        shuffle(&mut random, &mut order);
        let other: Vec<f32> = order
            .iter()
            .flat_map(|&i| rows[i * width..(i + 1) * width].to_vec())
            .collect();
        let (a, b) = (units(&rows, width), units(&other, width));
        let all = cosines(&a, &b, width);
        let rounded = all.iter().map(|c| (c * UNITS).round() as i64).collect();
        let (_, partner) = kuhn_munkres(&Weights::from_vec(count, count, rounded).unwrap());
        assert!((0..count).all(|i| order[partner[i]] == i));
        assert!((largest(&a, &b, width).unwrap() - 1.0).abs() < 1e-6);
    }
}
