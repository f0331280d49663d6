//! How well latents agree with concepts (areas under ROC curves, F1 at thresholds, associations).

use super::{
    rank::{self, Score},
    sheet::Sheet,
};
use rayon::prelude::*;

/// Thresholds at which a latent is tried as a detector: shares of its own maximum, strictly greater.
pub const THRESHOLDS: [f64; 5] = [0.0, 0.15, 0.5, 0.6, 0.8];

/// One latent against all concepts of a sheet, at every threshold.
pub struct LatentCounts {
    /// Items above each threshold.
    predicted: [usize; THRESHOLDS.len()],
    /// Of them, those that carry a concept: `[concept][threshold]`.
    true_items: Vec<[usize; THRESHOLDS.len()]>,
    /// Instances touched: `[concept][threshold]`.
    touched: Vec<[usize; THRESHOLDS.len()]>,
}

/// Precision and recall of a detector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Index into [`THRESHOLDS`].
    pub threshold: usize,
    /// Share of the predicted items that carry the concept.
    pub precision: f64,
    /// Share of the concept's instances that are touched.
    pub recall: f64,
    /// Share of the concept's items that are predicted.
    pub item_recall: f64,
}

impl Detection {
    /// Harmonic mean of precision and recall by instances.
    #[must_use]
    pub fn f1(&self) -> f64 {
        harmonic(self.precision, self.recall)
    }
}

fn harmonic(a: f64, b: f64) -> f64 {
    if a + b > 0.0 {
        2.0 * a * b / (a + b)
    } else {
        0.0
    }
}

/// Counts of a latent whose largest activation is `maximum`.
#[must_use]
pub fn count(sheet: &Sheet, latent: usize, maximum: f32) -> LatentCounts {
    const N: usize = THRESHOLDS.len();
    let mut counts = LatentCounts {
        predicted: [0; N],
        true_items: vec![[0; N]; sheet.concepts()],
        touched: vec![[0; N]; sheet.concepts()],
    };
    // the highest threshold that each touched instance has been seen above
    let mut seen: std::collections::BTreeMap<u32, usize> = std::collections::BTreeMap::new();
    for hit in sheet.hits(latent) {
        let above = THRESHOLDS
            .iter()
            .take_while(|&&t| f64::from(hit.peak) > t * f64::from(maximum))
            .count();
        if above == 0 {
            continue;
        }
        counts.predicted[above - 1] += 1;
        let mut last = None;
        for &instance in sheet.members(hit.item) {
            let concept = sheet.concept_of(instance);
            if last != Some(concept) {
                counts.true_items[concept][above - 1] += 1;
                last = Some(concept);
            }
            let highest = seen.entry(instance).or_insert(0);
            *highest = above.max(*highest);
        }
    }
    for (instance, above) in seen {
        counts.touched[sheet.concept_of(instance)][above - 1] += 1;
    }
    // an item above a threshold is above all lower ones
    let accumulate = |row: &mut [usize; N]| {
        for t in (0..N - 1).rev() {
            row[t] += row[t + 1];
        }
    };
    accumulate(&mut counts.predicted);
    counts.true_items.iter_mut().for_each(accumulate);
    counts.touched.iter_mut().for_each(accumulate);
    counts
}

impl LatentCounts {
    /// The latent as a detector of a concept at a threshold; none without instances or predictions.
    #[must_use]
    pub fn detection(&self, sheet: &Sheet, concept: usize, threshold: usize) -> Option<Detection> {
        let (instances, predicted) = (sheet.instances(concept), self.predicted[threshold]);
        if instances == 0 || predicted == 0 {
            return None;
        }
        let hits = self.true_items[concept][threshold];
        Some(Detection {
            threshold,
            precision: hits as f64 / predicted as f64,
            recall: self.touched[concept][threshold] as f64 / instances as f64,
            item_recall: hits as f64 / sheet.positives(concept) as f64,
        })
    }

    /// The threshold with the best F1 for a concept; the lowest of equals.
    #[must_use]
    pub fn best(&self, sheet: &Sheet, concept: usize) -> Option<Detection> {
        let all = (0..THRESHOLDS.len()).filter_map(|t| self.detection(sheet, concept, t));
        all.reduce(|best, next| if next.f1() > best.f1() { next } else { best })
    }

    /// What a latent marks at a threshold, held against a concept.
    #[must_use]
    pub fn overlap(&self, concept: usize, threshold: usize) -> Overlap {
        Overlap {
            marked: self.predicted[threshold],
            both: self.true_items[concept][threshold],
        }
    }
}

/// Items that a latent marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// All of them.
    pub marked: usize,
    /// Those that carry the concept.
    pub both: usize,
}

/// Area under the ROC curve of a latent for every concept; items on which it is silent rank last.
#[must_use]
pub fn aurocs(sheet: &Sheet, latent: usize) -> Vec<Score> {
    let hits = sheet.hits(latent);
    let silent = sheet.items() - hits.len();
    let mut order: Vec<u32> = (0..hits.len() as u32).collect();
    let value = |i: u32| hits[i as usize].value;
    order.sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)));
    let mut rank_sums = vec![0.0; sheet.concepts()];
    let mut ranked = vec![0_usize; sheet.concepts()];
    let mut at = 0;
    while at < order.len() {
        let ties = order[at..]
            .iter()
            .take_while(|&&i| value(i) == value(order[at]))
            .count();
        let rank = silent as f64 + (2 * at + ties + 1) as f64 / 2.0;
        for &i in &order[at..at + ties] {
            let mut last = None;
            for &instance in sheet.members(hits[i as usize].item) {
                let concept = sheet.concept_of(instance);
                if last != Some(concept) {
                    rank_sums[concept] += rank;
                    ranked[concept] += 1;
                    last = Some(concept);
                }
            }
        }
        at += ties;
    }
    let silent_rank = f64::midpoint(silent as f64, 1.0);
    (0..sheet.concepts())
        .map(|c| {
            let positives = sheet.positives(c);
            let sum = rank_sums[c] + (positives - ranked[c]) as f64 * silent_rank;
            rank::from_rank_sum(sum, positives, sheet.items() - positives)
        })
        .collect()
}

/// For every concept the latent of a range with the largest area under its ROC curve; the lowest
/// of equals.
#[must_use]
pub fn best_by_auroc(sheet: &Sheet, latents: std::ops::Range<usize>) -> Vec<Option<(usize, f64)>> {
    let of_latent = |latent: usize| -> Vec<_> {
        let scores = aurocs(sheet, latent).into_iter();
        scores.map(|s| s.map(|s| (latent, s))).collect()
    };
    best_of(sheet, latents, of_latent, |&(latent, area)| (area, latent))
}

/// For every concept the latent of a range, and its threshold, with the largest F1; the lowest of equals. `maxima` are
/// the latents' largest activations.
#[must_use]
pub fn best_by_f1(
    sheet: &Sheet,
    latents: std::ops::Range<usize>,
    maxima: &[f32],
) -> Vec<Option<(usize, Detection)>> {
    let of_latent = |latent: usize| -> Vec<_> {
        let counts = count(sheet, latent, maxima[latent]);
        let concepts = 0..sheet.concepts();
        concepts
            .map(|c| counts.best(sheet, c).map(|best| (latent, best)))
            .collect()
    };
    best_of(sheet, latents, of_latent, |(latent, best)| {
        (best.f1(), *latent)
    })
}

/// For every concept the best of what `of_latent` says of each latent that is ever active: the largest score, of equals
/// the lowest latent, as `rank` tells both.
fn best_of<B: Copy + Send + Sync>(
    sheet: &Sheet,
    latents: std::ops::Range<usize>,
    of_latent: impl Fn(usize) -> Vec<Option<B>> + Send + Sync,
    rank: impl Fn(&B) -> (f64, usize) + Send + Sync,
) -> Vec<Option<B>> {
    let better = |left: &B, right: &B| {
        let ((old, first), (new, second)) = (rank(left), rank(right));
        new > old || (new == old && second < first)
    };
    latents
        .into_par_iter()
        .filter(|&latent| !sheet.hits(latent).is_empty())
        .map(of_latent)
        .reduce(
            || vec![None; sheet.concepts()],
            |mut left, right| {
                for (l, r) in left.iter_mut().zip(right) {
                    if r.as_ref()
                        .is_some_and(|r| l.as_ref().is_none_or(|l| better(l, r)))
                    {
                        *l = r;
                    }
                }
                left
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{annot::label_index::LabelRange, score::sheet::ResidueRow};

    fn label(concept: u32, instance: u32, start: u32, end: u32) -> LabelRange {
        LabelRange {
            concept,
            instance,
            start,
            end,
        }
    }

    /// Ten residues; concept 0 on 2..4 and 7..8 (two instances), concept 1 on residue 8.
    fn sheet(rows: &[(u32, f32)]) -> Sheet {
        let labels = [label(0, 1, 2, 4), label(0, 2, 7, 8), label(1, 1, 8, 8)];
        let mut sheet = Sheet::new(1, 2);
        let rows: Vec<(u32, Vec<u32>, Vec<f32>)> = (1..=10)
            .map(|p| match rows.iter().find(|r| r.0 == p) {
                Some(&(_, v)) => (p, vec![0], vec![v]),
                None => (p, vec![], vec![]),
            })
            .collect();
        let rows = rows.iter().map(|(p, l, v)| ResidueRow {
            position: *p,
            latents: l,
            values: v,
        });
        sheet.add_residues(&labels, |_| true, rows);
        sheet
    }

    #[test]
    fn precision_counts_residues_and_recall_instances() {
        let sheet = sheet(&[(3, 1.0), (5, 0.1), (8, 0.55)]);
        let counts = count(&sheet, 0, 1.0);
        let at = |concept, t| counts.detection(&sheet, concept, t).unwrap();
        assert_eq!(at(0, 0).precision, 2.0 / 3.0);
        assert_eq!((at(0, 0).recall, at(0, 0).item_recall), (1.0, 2.0 / 5.0));
        assert_eq!((at(0, 2).precision, at(0, 2).recall), (1.0, 1.0));
        // 0.55 is not above 0.6 of the maximum
        assert_eq!((at(0, 3).precision, at(0, 3).recall), (1.0, 0.5));
        assert_eq!(at(1, 3).precision, 0.0);
        assert_eq!(counts.best(&sheet, 0).unwrap().threshold, 1);
    }

    #[test]
    fn sparse_areas_equal_dense_ones() {
        let rows = [(3, 1.0), (5, 0.1), (6, 0.1), (8, 0.1)];
        let sheet = sheet(&rows);
        let mut dense = [0.0; 10];
        for (p, v) in rows {
            dense[p as usize - 1] = v;
        }
        for concept in 0..2 {
            let expected = rank::auroc(&dense, &sheet.carries(concept));
            assert_eq!(aurocs(&sheet, 0)[concept], expected);
        }
        let best = best_by_auroc(&sheet, 0..1);
        assert_eq!(best[0].unwrap().0, 0);
        let (latent, best) = best_by_f1(&sheet, 0..1, &[1.0])[0].unwrap();
        assert_eq!(latent, 0);
        assert_eq!(Some(best), count(&sheet, 0, 1.0).best(&sheet, 0));
    }

    /// Numbers of items and instances that a latent marks: of concepts, latents and thresholds.
    type Counts = [[[usize; 5]; 5]; 3];

    /// What `InterPLM` itself counts (`tests/bench/concept_f1.py --small`) in the case that the test makes.
    const RIGHT: Counts = [
        [
            [4, 4, 1, 1, 1],
            [5, 3, 3, 3, 2],
            [4, 4, 1, 0, 0],
            [10, 8, 7, 6, 2],
            [7, 7, 4, 4, 1],
        ],
        [
            [7, 5, 2, 2, 2],
            [7, 7, 7, 6, 2],
            [11, 10, 4, 3, 2],
            [6, 5, 5, 3, 2],
            [5, 5, 3, 3, 3],
        ],
        [
            [3, 3, 1, 1, 1],
            [6, 4, 3, 2, 0],
            [1, 1, 0, 0, 0],
            [3, 2, 1, 1, 1],
            [1, 1, 0, 0, 0],
        ],
    ];
    const WRONG: Counts = [
        [
            [10, 8, 3, 3, 3],
            [15, 14, 11, 8, 3],
            [16, 15, 7, 6, 5],
            [11, 9, 5, 4, 1],
            [9, 9, 4, 4, 3],
        ],
        [
            [7, 7, 2, 2, 2],
            [13, 10, 7, 5, 3],
            [9, 9, 4, 3, 3],
            [15, 12, 7, 7, 1],
            [11, 11, 5, 5, 1],
        ],
        [
            [11, 9, 3, 3, 3],
            [14, 13, 11, 9, 5],
            [19, 18, 8, 6, 5],
            [18, 15, 11, 9, 2],
            [15, 15, 8, 8, 4],
        ],
    ];
    const TOUCHED: Counts = [
        [
            [3, 3, 1, 1, 1],
            [2, 2, 2, 2, 2],
            [2, 2, 1, 0, 0],
            [3, 3, 3, 3, 2],
            [2, 2, 2, 2, 1],
        ],
        [[1; 5]; 5],
        [
            [2, 2, 1, 1, 1],
            [2, 1, 1, 1, 0],
            [1, 1, 0, 0, 0],
            [1; 5],
            [1, 1, 0, 0, 0],
        ],
    ];

    #[test]
    fn counts_are_those_of_interplm() {
        let mut state = 1_u64;
        let mut rows = vec![[0.0_f32; 5]; 60];
        for row in &mut rows {
            for value in row {
                state = (state * 1_103_515_245 + 12345) % (1 << 31);
                let draw = (state >> 16) as u32;
                if draw.is_multiple_of(3) {
                    *value = (f64::from(draw % 10) / 10.0) as f32;
                }
            }
        }
        let mut labels = vec![label(0, 1, 4, 9), label(0, 2, 21, 31), label(0, 3, 41, 41)];
        labels.extend([label(1, 1, 26, 50), label(2, 1, 6, 7), label(2, 2, 51, 60)]);
        let active: Vec<(Vec<u32>, Vec<f32>)> = (rows.iter())
            .map(|row| (0..).zip(*row).filter(|(_, v)| *v > 0.0).unzip())
            .collect();
        let mut sheet = Sheet::new(5, 3);
        let items = (1..).zip(&active);
        let items = items.map(|(position, (latents, values))| ResidueRow {
            position,
            latents,
            values,
        });
        sheet.add_residues(&labels, |_| true, items);
        for latent in 0..5 {
            let maximum = rows.iter().map(|row| row[latent]).fold(0.0, f32::max);
            let counts = count(&sheet, latent, maximum);
            for concept in 0..3 {
                for threshold in 0..5 {
                    let found = counts.overlap(concept, threshold);
                    let right = RIGHT[concept][latent][threshold];
                    let wrong = WRONG[concept][latent][threshold];
                    assert_eq!((found.both, found.marked - found.both), (right, wrong));
                    let touched = counts.touched[concept][threshold];
                    assert_eq!(touched, TOUCHED[concept][latent][threshold]);
                }
            }
        }
    }

    #[test]
    fn without_instances_there_is_no_score() {
        let mut sheet = Sheet::new(1, 1);
        let row = ResidueRow {
            position: 1,
            latents: &[0],
            values: &[1.0],
        };
        sheet.add_residues(&[], |_| true, [row]);
        assert_eq!(aurocs(&sheet, 0), [None]);
        assert!(count(&sheet, 0, 1.0).best(&sheet, 0).is_none());
    }
}
