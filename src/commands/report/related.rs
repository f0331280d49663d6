//! Concepts and latents whose directions are alike.

use super::{known::Known, tally::rounded};
use crate::{
    report::page::data::Neighbour,
    score::dictionary::{LatentKind, Status},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Neighbours that are told.
const MOST: usize = 6;
/// Least cosine of one.
const LEAST: f64 = 0.2;

/// What is near a concept.
#[derive(Clone, Debug, Default)]
pub(super) struct Near {
    pub(super) concepts: Vec<Neighbour>,
    pub(super) latents: Vec<Neighbour>,
}

/// Of each concept that has a latent: concepts with like directions of the predictor, and latents of no concept with like
/// directions of the decoder.
pub(super) fn near(known: &Known) -> BTreeMap<u32, Near> {
    let shape = &known.sae.config.shape;
    let (width, defined) = (shape.width, shape.defined);
    let params = &known.sae.params;
    let rows = |matrix: &[f32]| -> Vec<Vec<f32>> {
        let rows = matrix.chunks_exact(width.max(1));
        rows.map(unit).collect()
    };
    let (predictor, decoder) = (rows(&params.enc[..defined * width]), rows(&params.dec));
    // those that are alive: what was never active has a direction of chance
    let entries = known.dictionary.as_ref().map(|d| &d.content.latents);
    let is_alive = |latent: &usize| {
        let entry = entries.and_then(|entries| entries.get(*latent));
        entry.is_some_and(|e| e.kind == LatentKind::Unknown && e.status != Status::Dead)
    };
    let free: Vec<usize> = (defined..shape.latents).filter(is_alive).collect();
    let of_concept = |concept: usize| {
        let others = (0..defined).filter(|&other| other != concept);
        let near = Near {
            concepts: nearest(&predictor[concept], &predictor, others),
            latents: nearest(&decoder[concept], &decoder, free.iter().copied()),
        };
        (concept as u32, near)
    };
    (0..defined).into_par_iter().map(of_concept).collect()
}

/// A row of length 1; one of zeros stays.
fn unit(row: &[f32]) -> Vec<f32> {
    let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
    row.iter().map(|x| x * scale).collect()
}

/// The rows that are most alike, the nearest first, then by number.
fn nearest(row: &[f32], rows: &[Vec<f32>], others: impl Iterator<Item = usize>) -> Vec<Neighbour> {
    let cosine = |other: &[f32]| -> f64 {
        let products = row.iter().zip(other).map(|(a, b)| f64::from(a * b));
        products.sum()
    };
    let mut near: Vec<Neighbour> = others
        .map(|other| Neighbour {
            index: other as u32,
            cosine: rounded(cosine(&rows[other])),
        })
        .filter(|neighbour| neighbour.cosine >= LEAST)
        .collect();
    near.sort_by(|a, b| (b.cosine.total_cmp(&a.cosine)).then(a.index.cmp(&b.index)));
    near.truncate(MOST);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_what_is_unlike_never() {
        let rows: Vec<Vec<f32>> = [[1.0, 0.0], [2.0, 2.0], [3.0, 0.3], [-1.0, 0.0], [0.0, 0.0]]
            .iter()
            .map(|row| unit(row))
            .collect();
        let near = nearest(&rows[0], &rows, 1..5);
        let indices: Vec<u32> = near.iter().map(|n| n.index).collect();
        assert_eq!(indices, [2, 1]);
        assert_eq!(near[0].cosine, 0.995);
    }
}
