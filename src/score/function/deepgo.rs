//! The evaluator of the `DeepGO` family (Kulmanov et al., `DeepGO-SE`, Nature Machine Intelligence 2024, Methods).
//!
//! Roots are no terms. Thresholds 0.00, 0.01, ..., 1.00; predicted is what scores at least the threshold, so at 0 every
//! term. Recall is the mean over proteins with a truth, precision over those with a prediction.

use super::{
    NO_TERM,
    curve::{self, Sums, at_least, count, f_measure, reached, semantic_distance, share},
    interval::bootstrap,
    result::{Cell, Point, best_f, best_s},
    terms::{TermGraph, TermScores},
};
use crate::score::rank;
use rayon::prelude::*;

/// Thresholds.
const THRESHOLDS: usize = 101;

/// Sums over proteins: proteins with a truth, proteins with a prediction, precision, recall, missed and wrong information.
type Columns = Sums<6>;
const TRUTHS: usize = 0;
const PREDICTED: usize = 1;
const PRECISION: usize = 2;
const RECALL: usize = 3;
const MISSED: usize = 4;
const WRONG: usize = 5;

/// What is scored.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// The terms.
    pub graph: &'a TermGraph,
    /// Terms of each protein with their ancestors, ascending.
    pub truths: &'a [Vec<u32>],
    /// Which terms count: not roots, and not those that nobody has.
    pub counts: &'a [bool],
    /// Information content of each term.
    pub information: &'a [f64],
    /// Group of each protein, from 0.
    pub groups: &'a [usize],
    /// Replicates of the bootstrap.
    pub replicates: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

impl Task<'_> {
    /// Scores predictions, which are propagated, one row a protein; and the curve.
    #[must_use]
    pub fn score(&self, predictions: &TermScores) -> (Cell, Vec<Point>) {
        let thresholds: Vec<f64> = (0..THRESHOLDS).map(|t| t as f64 / 100.0).collect();
        let all_terms = (self.counts.iter().zip(self.information))
            .filter(|(counts, _)| **counts)
            .fold((0.0, 0.0), |(n, sum), (_, ic)| (n + 1.0, sum + ic));
        let groups: Vec<Columns> = curve::by_group(self.groups, THRESHOLDS, |protein, sums| {
            self.add(protein, predictions, &thresholds, all_terms, sums);
        });
        let mut total = Columns::new(THRESHOLDS);
        for group in &groups {
            total += group;
        }
        let points = points(&total, &thresholds);
        let summary = |sums: &Columns| {
            let points = self::points(sums, &thresholds);
            let f = best_f(&points, None).map(|best| best.value);
            let s = best_s(&points, None).map(|best| best.value);
            [f, s, aupr(&points)]
        };
        let proteins = count(total.0.first().map_or(0.0, |row| row[TRUTHS]));
        let (auc, auc_terms) = self.auc(predictions);
        let mut cell = Cell {
            proteins,
            predicted: self.predicted(predictions),
            groups: groups.len(),
            terms: count(all_terms.0),
            auc,
            auc_terms,
            ..Cell::default()
        };
        if proteins == 0 {
            cell.reason = Some(NO_TERM.into());
            return (cell, Vec::new());
        }
        let [f, s, area] = bootstrap(&groups, self.replicates, self.seed, summary);
        cell.f_max = best_f(&points, f);
        cell.s_min = best_s(&points, s);
        (cell.aupr, cell.aupr_interval) = (aupr(&points), area);
        (cell, points)
    }

    fn truth(&self, protein: usize) -> impl Iterator<Item = u32> {
        let terms = self.truths[protein].iter().copied();
        terms.filter(|&t| self.counts[t as usize])
    }

    fn predicted(&self, predictions: &TermScores) -> usize {
        let some = |&p: &usize| {
            let mut row = predictions.row(p);
            self.truth(p).next().is_some() && row.any(|(t, _)| self.counts[t as usize])
        };
        (0..self.truths.len()).filter(some).count()
    }

    /// Adds a protein with a truth.
    fn add(
        &self,
        protein: usize,
        predictions: &TermScores,
        thresholds: &[f64],
        (all, all_information): (f64, f64),
        sums: &mut Columns,
    ) {
        let information = |term: u32| self.information[term as usize];
        let truth: Vec<u32> = self.truth(protein).collect();
        if truth.is_empty() {
            return;
        }
        let true_information: f64 = truth.iter().map(|&t| information(t)).sum();
        // predicted and right, each as a number and as information
        let mut counts = vec![[0.0; 4]; THRESHOLDS + 1];
        for (term, score) in predictions.row(protein) {
            if self.counts[term as usize] {
                let slot = &mut counts[reached(thresholds, score)];
                slot[0] += 1.0;
                slot[1] += information(term);
                if truth.binary_search(&term).is_ok() {
                    slot[2] += 1.0;
                    slot[3] += information(term);
                }
            }
        }
        let mut found = at_least(&counts);
        // what has no score has 0, which reaches the first threshold
        found[0] = [all, all_information, truth.len() as f64, true_information];
        for ([predicted, said, right, right_said], row) in found.into_iter().zip(&mut sums.0) {
            row[TRUTHS] += 1.0;
            row[PREDICTED] += f64::from(predicted > 0.0);
            row[PRECISION] += share(right, predicted);
            row[RECALL] += share(right, truth.len() as f64);
            row[MISSED] += true_information - right_said;
            row[WRONG] += said - right_said;
        }
    }

    /// Mean over terms of the area under the ROC curve over all proteins, and how many terms have one.
    fn auc(&self, predictions: &TermScores) -> (Option<f64>, usize) {
        let n = self.truths.len();
        let mut scored: Vec<Vec<(u32, f32)>> = vec![Vec::new(); self.graph.len()];
        let mut positive: Vec<Vec<u32>> = vec![Vec::new(); self.graph.len()];
        for protein in 0..n {
            for term in self.truth(protein) {
                positive[term as usize].push(protein as u32);
            }
            for (term, score) in predictions.row(protein) {
                scored[term as usize].push((protein as u32, score as f32));
            }
        }
        let areas: Vec<f64> = (0..self.graph.len())
            .into_par_iter()
            .filter(|&term| !positive[term].is_empty() && positive[term].len() < n)
            .filter_map(|term| {
                let (mut values, mut carries) = (vec![0.0; n], vec![false; n]);
                for &(protein, score) in &scored[term] {
                    values[protein as usize] = score;
                }
                for &protein in &positive[term] {
                    carries[protein as usize] = true;
                }
                rank::auroc(&values, &carries)
            })
            .collect();
        let mean = (!areas.is_empty()).then(|| areas.iter().sum::<f64>() / areas.len() as f64);
        (mean, areas.len())
    }
}

fn points(sums: &Columns, thresholds: &[f64]) -> Vec<Point> {
    let point = |(row, &threshold): (&[f64; 6], &f64)| {
        let precision = share(row[PRECISION], row[PREDICTED]);
        let recall = share(row[RECALL], row[TRUTHS]);
        let missed = share(row[MISSED], row[TRUTHS]);
        let wrong = share(row[WRONG], row[TRUTHS]);
        Point {
            threshold,
            predicted: row[PREDICTED],
            precision,
            recall,
            remaining_uncertainty: missed,
            misinformation: wrong,
            f: f_measure(precision, recall),
            s: semantic_distance(missed, wrong),
        }
    };
    sums.0.iter().zip(thresholds).map(point).collect()
}

/// The area under precision over recall by trapezoids, points sorted by recall, those of one recall by threshold.
fn aupr(points: &[Point]) -> Option<f64> {
    let mut sorted: Vec<(f64, f64)> = points.iter().map(|p| (p.recall, p.precision)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let steps = sorted.windows(2);
    let area = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0) * f64::midpoint(pair[0].1, pair[1].1);
    (!points.is_empty()).then(|| steps.map(area).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::function::terms::Propagation;

    /// The ontology A <- B, A <- C with A the root.
    fn graph() -> TermGraph {
        let ids = ["A", "B", "C"].map(str::to_owned).to_vec();
        TermGraph::new(ids, vec![vec![], vec![0], vec![0]]).unwrap()
    }

    fn score(truths: &[Vec<u32>], scores: &[[f64; 3]]) -> Cell {
        let graph = graph();
        let rows = scores.iter().map(|row| row.to_vec());
        let task = Task {
            graph: &graph,
            truths,
            counts: &[false, true, true],
            information: &[0.0, 1.0, 2.0],
            groups: &(0..truths.len()).collect::<Vec<_>>(),
            replicates: 0,
            seed: 0,
        };
        let predictions = TermScores::propagated(&graph, Propagation::Max, rows);
        task.score(&predictions).0
    }

    #[test]
    fn perfect_predictions_have_perfect_scores() {
        let truths = [vec![0, 1], vec![0, 2], vec![0]];
        let cell = score(&truths, &[[0.0, 0.9, 0.1], [0.0, 0.0, 0.8], [0.0; 3]]);
        assert_eq!(cell.f_max.unwrap().value, 1.0);
        assert_eq!(cell.f_max.unwrap().threshold, 0.11);
        assert_eq!(cell.s_min.unwrap().value, 0.0);
        // a protein without terms is no truth, but one to rank
        assert_eq!((cell.proteins, cell.auc, cell.auc_terms), (2, Some(1.0), 2));
    }

    #[test]
    fn without_truths_scores_are_null_with_a_reason() {
        let cell = score(&[vec![0]], &[[0.0, 0.9, 0.1]]);
        assert!(cell.f_max.is_none() && cell.auc.is_none() && cell.reason.is_some());
    }
}
