//! The monosemanticity score of Pach et al. (arXiv 2504.02821): how alike the items are on which a latent is active, weighted
//! by its activations.
//!
//! Its definition is a mean over pairs: sum of `a_i a_j s_ij` over `i != j`, over the sum of `a_i a_j`, with a the activations
//! and s the cosines. With unit vectors e that is `(|sum a e|^2 - sum a^2) / ((sum a)^2 - sum a^2)`: linear in the items.

use super::sheet::Hit;
use crate::math::vector::dot;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Items on which a latent must be active to have a score.
const LEAST_ITEMS: usize = 10;

/// Items, and how alike they are.
#[derive(Debug, Default)]
pub struct Embeddings {
    width: usize,
    /// Unit vectors, `[items, width]`.
    vectors: Vec<f32>,
    /// Where each item stands in an order that is its own; none: it does not count.
    ranks: Vec<Option<u32>>,
    /// Mean cosine of all pairs.
    base: Option<f64>,
}

/// Scores over latents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monosemanticity {
    /// Latents that are active on ten items or more.
    pub latents: usize,
    /// Mean over them.
    pub mean: Option<f64>,
    /// Median over them.
    pub median: Option<f64>,
}

impl Embeddings {
    /// Of `[items, width]` vectors, which are centred and divided by their lengths; `ranks` gives each item that counts a
    /// place, by which sums go.
    #[must_use]
    pub fn new(mut vectors: Vec<f32>, width: usize, ranks: Vec<Option<u32>>) -> Self {
        let mut order: Vec<(u32, usize)> = (ranks.iter().enumerate())
            .filter_map(|(item, rank)| Some(((*rank)?, item)))
            .collect();
        order.sort_unstable();
        let mut mean = vec![0.0_f64; width];
        for &(_, item) in &order {
            for (sum, &x) in mean.iter_mut().zip(&vectors[item * width..]) {
                *sum += f64::from(x);
            }
        }
        let count = order.len().max(1) as f64;
        let mut sum = vec![0.0_f64; width];
        for &(_, item) in &order {
            let vector = &mut vectors[item * width..(item + 1) * width];
            for (x, mean) in vector.iter_mut().zip(&mean) {
                *x = (f64::from(*x) - mean / count) as f32;
            }
            let length = dot(vector, vector).sqrt();
            for (x, sum) in vector.iter_mut().zip(&mut sum) {
                *x = if length > 0.0 { *x / length } else { 0.0 };
                *sum += f64::from(*x);
            }
        }
        let n = order.len() as f64;
        let square: f64 = sum.iter().map(|s| s * s).sum();
        Self {
            width,
            vectors,
            ranks,
            base: (n >= 2.0).then(|| (square - n) / (n * (n - 1.0))),
        }
    }

    /// Mean cosine of all pairs of items: the score of a latent that is active alike everywhere.
    #[must_use]
    pub fn base(&self) -> Option<f64> {
        self.base
    }

    /// The score of a latent; none where too few items that count have it.
    fn score(&self, hits: &[Hit]) -> Option<f64> {
        let mut active: Vec<(u32, &Hit)> = hits
            .iter()
            .filter_map(|hit| Some((self.ranks[hit.item as usize]?, hit)))
            .collect();
        if active.len() < LEAST_ITEMS {
            return None;
        }
        active.sort_unstable_by_key(|a| a.0);
        let mut sum = vec![0.0_f64; self.width];
        let (mut whole, mut squares) = (0.0, 0.0);
        for (_, hit) in active {
            let a = f64::from(hit.value);
            whole += a;
            squares += a * a;
            let vector = &self.vectors[hit.item as usize * self.width..];
            for (sum, &x) in sum.iter_mut().zip(vector) {
                *sum += a * f64::from(x);
            }
        }
        let pairs = whole * whole - squares;
        let square: f64 = sum.iter().map(|s| s * s).sum();
        (pairs > 0.0).then(|| (square - squares) / pairs)
    }

    /// Scores of latents with these active items.
    #[must_use]
    pub fn scores<'a>(
        &self,
        hits: impl Fn(usize) -> &'a [Hit] + Sync,
        latents: std::ops::Range<usize>,
    ) -> Monosemanticity {
        let each = latents.into_par_iter();
        let mut scores: Vec<f64> = each.filter_map(|latent| self.score(hits(latent))).collect();
        let count = scores.len();
        let mean = (count > 0).then(|| scores.iter().sum::<f64>() / count as f64);
        scores.sort_unstable_by(f64::total_cmp);
        let median = (count > 0).then(|| f64::midpoint(scores[(count - 1) / 2], scores[count / 2]));
        Monosemanticity {
            latents: count,
            mean,
            median,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Purpose, normal, stream, unit};

    #[test]
    fn the_closed_form_is_the_mean_over_pairs() {
        let (items, width) = (40, 7);
        let mut random = stream(5, Purpose::Rows, 0);
        let vectors: Vec<f32> = (0..items * width)
            .map(|_| normal(&mut random) as f32)
            .collect();
        // every third item is of a cluster that another stands for
        let ranks: Vec<Option<u32>> = (0..items as u32)
            .map(|i| (i % 3 > 0).then_some(items as u32 - i))
            .collect();
        let hits: Vec<Hit> = (0..items as u32)
            .map(|item| {
                let value = unit(&mut random) as f32;
                Hit {
                    item,
                    value,
                    peak: value,
                }
            })
            .collect();
        let embeddings = Embeddings::new(vectors, width, ranks.clone());
        let vector = |i: usize| &embeddings.vectors[i * width..(i + 1) * width];
        let (mut above, mut below, mut plain, mut pairs) = (0.0, 0.0, 0.0, 0.0);
        for i in (0..items).filter(|&i| ranks[i].is_some()) {
            for j in (0..items).filter(|&j| j != i && ranks[j].is_some()) {
                let cosine: f64 = vector(i)
                    .iter()
                    .zip(vector(j))
                    .map(|(a, b)| f64::from(a * b))
                    .sum();
                let weight = f64::from(hits[i].value) * f64::from(hits[j].value);
                above += weight * cosine;
                below += weight;
                plain += cosine;
                pairs += 1.0;
            }
        }
        assert!((embeddings.score(&hits).unwrap() - above / below).abs() < 1e-6);
        assert!((embeddings.base().unwrap() - plain / pairs).abs() < 1e-6);
        let scores = embeddings.scores(|_| &hits, 0..2);
        assert_eq!((scores.latents, scores.mean), (2, scores.median));
        assert_eq!(embeddings.score(&hits[..9]), None);
    }
}
