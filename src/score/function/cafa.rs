//! The conventions of CAFA-evaluator (Piovesan et al., Bioinformatics Advances 2024) and of its extension to partial
//! knowledge, written from their documentation and from what they compute.
//!
//! Roots are terms unless orphans are left out; thresholds are .01 to .99; terms may weigh by information accretion.
//! Without terms of interest and known terms, every protein of the truth counts. With either, as in the extension, only
//! proteins count that have a true term among those that are scored, and no known term of a protein is scored.

use super::{
    NO_TERM,
    curve::{self, Sums, at_least, count, f_measure, reached, semantic_distance, share},
    interval::bootstrap,
    result::{Cell, Normalization, Point, best_f, best_s},
    terms::TermScores,
};

/// Thresholds.
const THRESHOLDS: usize = 99;
/// The first of them, and the step between them.
const STEP: f64 = 0.01;

/// Sums over proteins, unweighted in the first half and weighted in the second.
type Columns = Sums<{ 2 * HALF }>;
const HALF: usize = 7;
const PREDICTED: usize = 0;
const TRUE_POSITIVES: usize = 1;
const FALSE_POSITIVES: usize = 2;
const FALSE_NEGATIVES: usize = 3;
const PRECISION: usize = 4;
const RECALL: usize = 5;
/// Proteins that all but precision is divided by.
const TRUTHS: usize = 6;

/// What is scored.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Terms of each protein with their ancestors, ascending.
    pub truths: &'a [Vec<u32>],
    /// Which terms count.
    pub counts: &'a [bool],
    /// Which terms count with weights, those of no weight left out; none where no weights are given.
    pub weighted: Option<Weighted<'a>>,
    /// What was known of each protein, with ancestors, ascending; none where nothing is left out.
    pub known: Option<&'a [Vec<u32>]>,
    /// Whether only proteins count that have a term which counts.
    pub of_interest: bool,
    /// What sums are divided by.
    pub normalization: Normalization,
    /// Group of each protein, from 0.
    pub groups: &'a [usize],
    /// Replicates of the bootstrap.
    pub replicates: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// Weights of terms.
#[derive(Clone, Copy, Debug)]
pub struct Weighted<'a> {
    /// Which terms count.
    pub counts: &'a [bool],
    /// Information accretion of each term.
    pub information: &'a [f64],
}

/// A curve at a threshold, as CAFA-evaluator's table has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Row {
    /// Proteins with a prediction.
    pub predicted: f64,
    /// Mean true positives.
    pub true_positives: f64,
    /// Mean false positives: misinformation.
    pub false_positives: f64,
    /// Mean false negatives: remaining uncertainty.
    pub false_negatives: f64,
    /// Mean precision and recall.
    pub macro_average: [f64; 2],
    /// Share of the proteins that have a prediction.
    pub coverage: f64,
    /// Precision and recall from the sums.
    pub micro_average: [f64; 2],
}

/// The curves of a method.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Thresholds.
    pub thresholds: Vec<f64>,
    /// Every term alike.
    pub plain: Vec<Row>,
    /// Terms by weight.
    pub weighted: Option<Vec<Row>>,
}

impl Task<'_> {
    /// Scores predictions, which are propagated, one row a protein; and the curves.
    #[must_use]
    pub fn score(&self, predictions: &TermScores) -> (Cell, Curves) {
        // the very numbers that a sum of steps gives, for scores that equal a threshold
        let thresholds: Vec<f64> = (0..THRESHOLDS).map(|i| STEP + i as f64 * STEP).collect();
        let groups: Vec<Columns> = curve::by_group(self.groups, THRESHOLDS, |protein, sums| {
            self.add(0, protein, predictions, &thresholds, sums);
            if self.weighted.is_some() {
                self.add(HALF, protein, predictions, &thresholds, sums);
            }
        });
        let mut total = Columns::new(THRESHOLDS);
        for group in &groups {
            total += group;
        }
        let proteins = count(total.0.first().map_or(0.0, |row| row[TRUTHS]));
        let some = |p: usize| predictions.row(p).next().is_some();
        let mut cell = Cell {
            proteins,
            predicted: (0..self.truths.len()).filter(|&p| some(p)).count(),
            groups: groups.len(),
            terms: self.counts.iter().filter(|&&counts| counts).count(),
            ..Cell::default()
        };
        let curves = Curves {
            plain: self.rows(&total, 0),
            weighted: self.weighted.map(|_| self.rows(&total, HALF)),
            thresholds,
        };
        if proteins == 0 || curves.plain.iter().all(|row| row.coverage == 0.0) {
            let reason = if proteins == 0 {
                NO_TERM
            } else {
                "no protein has a prediction"
            };
            cell.reason = Some(reason.into());
            return (cell, curves);
        }
        let thresholds = &curves.thresholds;
        let intervals = bootstrap(&groups, self.replicates, self.seed, |sums| {
            let plain = self.rows(sums, 0);
            let weighted = self.weighted.map(|_| self.rows(sums, HALF));
            let values = Summary::of(&plain, weighted.as_deref(), thresholds);
            values.values()
        });
        let best = Summary::of(&curves.plain, curves.weighted.as_deref(), thresholds);
        best.fill(&mut cell, intervals);
        (cell, curves)
    }

    /// Adds a protein to one half of the columns.
    fn add(
        &self,
        half: usize,
        protein: usize,
        predictions: &TermScores,
        thresholds: &[f64],
        sums: &mut Columns,
    ) {
        let weighted = self.weighted.filter(|_| half > 0);
        let counts = weighted.map_or(self.counts, |w| w.counts);
        let weight = |term: u32| weighted.map_or(1.0, |w| w.information[term as usize]);
        let all_true = || self.truths[protein].iter().copied();
        // proteins of which nothing counts are told before known terms are left out
        let has_truth = all_true().any(|t| counts[t as usize]);
        if self.of_interest && !has_truth {
            return;
        }
        let known: &[u32] = self.known.map_or(&[], |known| &known[protein]);
        let is_scored = |term: u32| counts[term as usize] && known.binary_search(&term).is_err();
        let (mut truth, mut number) = (0.0, 0_usize);
        for term in all_true().filter(|&t| is_scored(t)) {
            truth += weight(term);
            number += 1;
        }
        let mut slots = vec![[0.0; 2]; THRESHOLDS + 1];
        for (term, score) in predictions.row(protein) {
            if is_scored(term) {
                let slot = &mut slots[reached(thresholds, score)];
                slot[0] += weight(term);
                if self.truths[protein].binary_search(&term).is_ok() {
                    slot[1] += weight(term);
                }
            }
        }
        // as in the extension: proteins whose only truths are orphans that are left out do not count, weigh as they may
        let counts_plainly = || all_true().any(|t| self.counts[t as usize]);
        let is_counted =
            !self.of_interest || number > 0 && (self.known.is_none() || counts_plainly());
        for ([predicted, right], row) in at_least(&slots).into_iter().zip(&mut sums.0) {
            let row = &mut row[half..half + HALF];
            row[PREDICTED] += f64::from(predicted > 0.0);
            row[TRUE_POSITIVES] += right;
            row[FALSE_POSITIVES] += predicted - right;
            row[FALSE_NEGATIVES] += truth - right;
            row[PRECISION] += share(right, predicted);
            row[RECALL] += share(right, truth);
            row[TRUTHS] += f64::from(is_counted);
        }
    }

    fn rows(&self, sums: &Columns, half: usize) -> Vec<Row> {
        let row = |sums: &[f64; 2 * HALF]| {
            let sums = &sums[half..half + HALF];
            let (predicted, truths) = (sums[PREDICTED], sums[TRUTHS]);
            let by = match self.normalization {
                Normalization::Pred => predicted,
                Normalization::Cafa | Normalization::Gt => truths,
            };
            let precision_by = match self.normalization {
                Normalization::Gt => truths,
                Normalization::Cafa | Normalization::Pred => predicted,
            };
            let (right, wrong, missed) = (
                share(sums[TRUE_POSITIVES], by),
                share(sums[FALSE_POSITIVES], by),
                share(sums[FALSE_NEGATIVES], by),
            );
            Row {
                predicted,
                true_positives: right,
                false_positives: wrong,
                false_negatives: missed,
                macro_average: [
                    share(sums[PRECISION], precision_by),
                    share(sums[RECALL], by),
                ],
                coverage: share(predicted, truths),
                micro_average: [share(right, right + wrong), share(right, right + missed)],
            }
        };
        sums.0.iter().map(row).collect()
    }
}

/// The curves of which the best points are reported.
struct Summary {
    plain: Vec<Point>,
    micro: Vec<Point>,
    weighted: Vec<Point>,
    micro_weighted: Vec<Point>,
}

impl Summary {
    /// Only thresholds count at which any protein has a prediction.
    fn of(plain: &[Row], weighted: Option<&[Row]>, thresholds: &[f64]) -> Self {
        let points = |rows: &[Row], average: fn(&Row) -> [f64; 2]| {
            let covered = rows.iter().zip(plain).zip(thresholds);
            let covered = covered.filter(|((_, plain), _)| plain.coverage > 0.0);
            let point = |((row, _), &threshold): ((&Row, _), &f64)| {
                let [precision, recall] = average(row);
                Point {
                    threshold,
                    predicted: row.predicted,
                    precision,
                    recall,
                    remaining_uncertainty: row.false_negatives,
                    misinformation: row.false_positives,
                    f: f_measure(precision, recall),
                    s: semantic_distance(row.false_negatives, row.false_positives),
                }
            };
            covered.map(point).collect()
        };
        let weighted = weighted.unwrap_or_default();
        Self {
            plain: points(plain, |row| row.macro_average),
            micro: points(plain, |row| row.micro_average),
            weighted: points(weighted, |row| row.macro_average),
            micro_weighted: points(weighted, |row| row.micro_average),
        }
    }

    fn values(&self) -> [Option<f64>; 6] {
        let f = |points: &[Point]| best_f(points, None).map(|best| best.value);
        let s = |points: &[Point]| best_s(points, None).map(|best| best.value);
        [
            f(&self.plain),
            f(&self.weighted),
            f(&self.micro),
            f(&self.micro_weighted),
            s(&self.plain),
            s(&self.weighted),
        ]
    }

    fn fill(&self, cell: &mut Cell, intervals: [Option<[f64; 2]>; 6]) {
        let [f, weighted, micro, micro_weighted, s, s_weighted] = intervals;
        cell.f_max = best_f(&self.plain, f);
        cell.f_max_weighted = best_f(&self.weighted, weighted);
        cell.f_max_micro = best_f(&self.micro, micro);
        cell.f_max_micro_weighted = best_f(&self.micro_weighted, micro_weighted);
        cell.s_min = best_s(&self.plain, s);
        cell.s_min_weighted = best_s(&self.weighted, s_weighted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two terms; protein 0 has both, protein 1 the first.
    fn task<'a>(truths: &'a [Vec<u32>], known: Option<&'a [Vec<u32>]>) -> Task<'a> {
        Task {
            truths,
            counts: &[true, true],
            weighted: None,
            known,
            of_interest: known.is_some(),
            normalization: Normalization::Cafa,
            groups: &[0, 1],
            replicates: 0,
            seed: 0,
        }
    }

    fn predictions() -> TermScores {
        let mut rows = TermScores::default();
        rows.push(&[0.9, 0.03]);
        rows.push(&[0.5, 0.5]);
        rows
    }

    #[test]
    fn sums_are_over_the_proteins_of_the_truth() {
        let truths = [vec![0, 1], vec![0]];
        let (cell, curves) = task(&truths, None).score(&predictions());
        let row = curves.plain[49];
        assert_eq!((row.predicted, row.true_positives), (2.0, 1.0));
        assert_eq!(row.macro_average, [0.75, 0.75]);
        // thresholds are sums of steps: a score of 0.03 reaches the third
        assert_eq!(curves.plain[2].macro_average, [0.75, 1.0]);
        assert_eq!(cell.proteins, 2);
        assert!(cell.f_max_weighted.is_none());
    }

    #[test]
    fn known_terms_are_neither_right_nor_wrong() {
        let truths = [vec![0, 1], vec![0]];
        let known = [vec![0], vec![0]];
        let (cell, curves) = task(&truths, Some(&known)).score(&predictions());
        assert_eq!(cell.proteins, 1, "all of the second was known");
        // what is said of it is wrong all the same
        assert_eq!(curves.plain[49].false_positives, 1.0);
        assert_eq!(curves.plain[2].true_positives, 1.0);
    }
}
