//! Whether concepts that an ontology relates lie near each other: cosines of their rows, child and parent, beside those of
//! unrelated pairs.

use super::rank;
use crate::{
    math::{
        random::{Purpose, below, stream},
        vector::dot,
    },
    sae::hierarchy::Hierarchy,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fewest unrelated pairs that are drawn.
const LEAST_PAIRS: usize = 1000;
/// Draws for a pair, at most: concepts may all be related.
const DRAWS: usize = 20;

/// Cosines of pairs of concepts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairCosines {
    /// Pairs of child and parent.
    pub pairs: usize,
    /// Their mean cosine.
    pub mean: f64,
    /// Unrelated pairs that were drawn.
    pub unrelated_pairs: usize,
    /// Their mean cosine; none where all concepts are related.
    pub unrelated_mean: Option<f64>,
    /// Area under the ROC curve: the chance that a related pair has the larger cosine.
    pub auroc: Option<f64>,
}

impl PairCosines {
    /// Of the first rows `[concepts, width]`; none without edges.
    #[must_use]
    pub fn new(rows: &[f32], width: usize, hierarchy: &Hierarchy, seed: u64) -> Option<Self> {
        let edges = hierarchy.edges();
        if edges.is_empty() {
            return None;
        }
        let row = |concept: u32| &rows[concept as usize * width..(concept as usize + 1) * width];
        let cosine = |[a, b]: [u32; 2]| {
            let (a, b) = (row(a), row(b));
            let lengths = (dot(a, a) * dot(b, b)).sqrt();
            if lengths > 0.0 {
                dot(a, b) / lengths
            } else {
                0.0
            }
        };
        let concepts = (rows.len() / width.max(1)) as u64;
        let mut random = stream(seed, Purpose::Pairs, 0);
        let mut draw = || {
            [
                below(&mut random, concepts) as u32,
                below(&mut random, concepts) as u32,
            ]
        };
        let wanted = edges.len().max(LEAST_PAIRS);
        let unrelated: Vec<[u32; 2]> = (0..wanted * DRAWS)
            .map(|_| draw())
            .filter(|&[a, b]| a != b && !hierarchy.related(a, b))
            .take(wanted)
            .collect();
        let mut cosines: Vec<f32> = edges.iter().map(|&edge| cosine(edge)).collect();
        cosines.extend(unrelated.iter().map(|&pair| cosine(pair)));
        let related: Vec<bool> = (0..cosines.len()).map(|i| i < edges.len()).collect();
        let mean = |values: &[f32]| {
            let sum: f64 = values.iter().map(|&v| f64::from(v)).sum();
            (!values.is_empty()).then(|| sum / values.len() as f64)
        };
        Some(Self {
            pairs: edges.len(),
            mean: mean(&cosines[..edges.len()])?,
            unrelated_pairs: unrelated.len(),
            unrelated_mean: mean(&cosines[edges.len()..]),
            auroc: rank::auroc(&cosines, &related),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn related_rows_that_point_alike_are_told_apart() {
        let rows = [1.0, 0.0, 2.0, 0.1, -1.0, 1.0, 0.0, -3.0];
        let hierarchy = Hierarchy::of_parents(&[&[1], &[], &[], &[]]);
        let cosines = PairCosines::new(&rows, 2, &hierarchy, 1).unwrap();
        assert!(cosines.mean > 0.99 && cosines.unrelated_mean.unwrap() < 0.1);
        assert_eq!((cosines.pairs, cosines.auroc), (1, Some(1.0)));
        assert_eq!(cosines, PairCosines::new(&rows, 2, &hierarchy, 1).unwrap());
        let flat = Hierarchy::of_parents(&[&[], &[]]);
        assert_eq!(PairCosines::new(&rows, 2, &flat, 1), None);
    }

    #[test]
    fn where_all_are_related_there_is_nothing_beside() {
        let chain = Hierarchy::of_parents(&[&[1], &[]]);
        let cosines = PairCosines::new(&[1.0, 0.0, 1.0, 1.0], 2, &chain, 1).unwrap();
        assert_eq!((cosines.unrelated_mean, cosines.auroc), (None, None));
    }
}
