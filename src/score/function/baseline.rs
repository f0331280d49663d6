//! Predictors that any model must beat: the frequency of a term, and the nearest training proteins.

use crate::{math::vector::dot, score::rank::from_rank_sum};
use rayon::prelude::*;

/// Neighbours that are asked where nothing else is said.
pub const NEIGHBOURS: usize = 5;

/// The share of the training proteins that have each term: one score a term, the same for every protein.
#[must_use]
pub fn naive(terms: usize, training: &[Vec<u32>]) -> Vec<f64> {
    let mut counts = vec![0_u64; terms];
    for &term in training.iter().flatten() {
        counts[term as usize] += 1;
    }
    let n = training.len().max(1) as f64;
    counts.into_iter().map(|count| count as f64 / n).collect()
}

/// A training protein and its likeness to a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its row among the training proteins.
    pub row: usize,
    /// Cosine of the angle between both vectors.
    pub similarity: f32,
}

/// Vectors of training proteins at unit length.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    vectors: Vec<f32>,
    width: usize,
}

impl Neighbours {
    /// Keeps `rows x width` vectors; a vector of zeros is like none.
    #[must_use]
    pub fn new(mut vectors: Vec<f32>, width: usize) -> Self {
        for vector in vectors.chunks_exact_mut(width.max(1)) {
            to_unit(vector);
        }
        Self { vectors, width }
    }

    /// The `k` nearest of a query, nearest first, of equals the lower row.
    #[must_use]
    pub fn nearest(&self, query: &[f32], k: usize) -> Vec<Neighbour> {
        let mut query = query.to_vec();
        to_unit(&mut query);
        let rows = self.vectors.chunks_exact(self.width.max(1)).enumerate();
        let mut all: Vec<Neighbour> = rows
            .map(|(row, vector)| Neighbour {
                row,
                similarity: dot(vector, &query),
            })
            .collect();
        let nearer = |a: &Neighbour, b: &Neighbour| {
            let by_similarity = b.similarity.total_cmp(&a.similarity);
            by_similarity.then(a.row.cmp(&b.row))
        };
        if all.len() > k && k > 0 {
            all.select_nth_unstable_by(k - 1, nearer);
        }
        all.truncate(k);
        all.sort_unstable_by(nearer);
        all
    }

    /// [`Self::nearest`] of many queries, `rows x width`.
    #[must_use]
    pub fn nearest_of_each(&self, queries: &[f32], k: usize) -> Vec<Vec<Neighbour>> {
        let queries = queries.par_chunks_exact(self.width.max(1));
        queries.map(|query| self.nearest(query, k)).collect()
    }
}

fn to_unit(vector: &mut [f32]) {
    let length = dot(vector, vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}

/// The terms of neighbours, each with the share of the similarity of those that have it; neighbours less than 0 alike
/// say nothing.
#[must_use]
pub fn transfer(terms: usize, neighbours: &[Neighbour], training: &[Vec<u32>]) -> Vec<f64> {
    let mut scores = vec![0.0; terms];
    let weight = |n: &Neighbour| f64::from(n.similarity.max(0.0));
    let whole: f64 = neighbours.iter().map(weight).sum();
    if whole > 0.0 {
        for neighbour in neighbours {
            for &term in &training[neighbour.row] {
                scores[term as usize] += weight(neighbour) / whole;
            }
        }
    }
    // sums of shares may pass 1 by a rounding
    scores.iter_mut().for_each(|score| *score = score.min(1.0));
    scores
}

/// Sparse columns: which rows of proteins have a value other than 0, ascending, and which.
pub type Column = Vec<(u32, f32)>;

/// For each term the column that ranks its proteins best, by the area under the ROC curve over `rows` proteins; the first
/// of equals, none where no column or too few proteins say anything.
#[must_use]
pub fn best_columns(columns: &[Column], rows: usize, positives: &[Vec<u32>]) -> Vec<Option<usize>> {
    let mut terms_of: Vec<Vec<u32>> = vec![Vec::new(); rows];
    for (term, list) in (0..).zip(positives) {
        for &row in list {
            terms_of[row as usize].push(term);
        }
    }
    let areas: Vec<Vec<Option<f64>>> = columns
        .par_iter()
        .map(|column| areas(column, rows, positives, &terms_of))
        .collect();
    let best = |term: usize| {
        let scored = (0..columns.len()).filter_map(|k| Some((k, areas[k][term]?)));
        let scored = scored.filter(|&(k, _)| !columns[k].is_empty());
        let best = scored.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(k, _)| k)
    };
    (0..positives.len()).map(best).collect()
}

/// The area of one column for each term.
fn areas(
    column: &[(u32, f32)],
    rows: usize,
    positives: &[Vec<u32>],
    terms_of: &[Vec<u32>],
) -> Vec<Option<f64>> {
    let mut sorted = column.to_vec();
    sorted.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    let silent = rows - sorted.len();
    let silent_rank = (silent as f64 + 1.0) / 2.0;
    let mut sums: Vec<f64> = positives
        .iter()
        .map(|p| p.len() as f64 * silent_rank)
        .collect();
    let mut at = 0;
    while let Some(&(_, value)) = sorted.get(at) {
        let ties = sorted[at..]
            .iter()
            .take_while(|item| item.1 == value)
            .count();
        let rank = silent as f64 + (2 * at + ties + 1) as f64 / 2.0;
        for &(row, _) in &sorted[at..at + ties] {
            for &term in &terms_of[row as usize] {
                sums[term as usize] += rank - silent_rank;
            }
        }
        at += ties;
    }
    let area = |(sum, list): (f64, &Vec<u32>)| from_rank_sum(sum, list.len(), rows - list.len());
    sums.into_iter().zip(positives).map(area).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_column_ranks_its_proteins_first() {
        let columns = [vec![(0, 0.5), (1, 0.5)], vec![(0, 2.0), (3, 1.0)], vec![]];
        let positives = [vec![0], vec![1, 0], vec![], vec![0, 1, 2, 3]];
        let best = best_columns(&columns, 4, &positives);
        assert_eq!(best, [Some(1), Some(0), None, None]);
    }

    #[test]
    fn terms_come_from_the_nearest_by_angle() {
        let vectors = vec![1.0, 0.0, 10.0, 10.0, 0.0, 1.0, 0.0, 0.0];
        let neighbours = Neighbours::new(vectors, 2);
        let found = neighbours.nearest(&[2.0, 1.9], 2);
        let rows: Vec<usize> = found.iter().map(|n| n.row).collect();
        assert_eq!(rows, [1, 0]);
        let scores = transfer(3, &found, &[vec![0, 1], vec![0], vec![2], vec![]]);
        assert_eq!(scores[0], 1.0);
        assert!(scores[1] > 0.4 && scores[1] < 0.5 && scores[2] == 0.0);
        assert_eq!(neighbours.nearest(&[1.0, 0.0], 9).len(), 4);
        assert_eq!(transfer(1, &[], &[]), [0.0]);
    }

    #[test]
    fn the_naive_score_is_a_frequency() {
        assert_eq!(naive(3, &[vec![0, 1], vec![0]]), [1.0, 0.5, 0.0]);
    }
}
