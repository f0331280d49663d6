//! Probes of concepts on what a model says of whole proteins: logistic regression, one concept against the rest, on all
//! latents, on the few that differ most, and on the activations of the protein language model.

use super::{
    logistic::{self, Logistic, Scaling, Targets},
    rank,
};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Latents of sparse probes.
pub const SPARSE: [usize; 5] = [1, 2, 5, 16, 128];

/// Features of the proteins of a part, `[rows, width]`, and rows that have each concept.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// Rows.
    pub rows: usize,
    /// `[rows, width]`.
    pub values: Vec<f32>,
}

/// Proteins of all parts on one kind of features.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Numbers a row.
    pub width: usize,
    /// Training proteins.
    pub train: Features,
    /// Validation proteins.
    pub valid: Features,
    /// Test proteins.
    pub test: Features,
}

/// Rows of each part that have each concept.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Of training proteins.
    pub train: Vec<Vec<u32>>,
    /// Of validation proteins.
    pub valid: Vec<Vec<u32>>,
    /// Of test proteins.
    pub test: Vec<Vec<u32>>,
}

/// Scores of probes on some features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// `latents` (all of them), `latents-K` (the K that differ most), or `plm`.
    pub features: String,
    /// Mean area under the ROC curve over concepts.
    pub auroc: Option<f64>,
    /// Mean average precision.
    pub average_precision: Option<f64>,
    /// Mean F1 at the threshold that is best on validation proteins.
    pub f1: Option<f64>,
    /// Of each concept of [`Probing::concepts`].
    pub scores: Vec<ProbeScores>,
}

/// Scores of a probe of one concept on the test proteins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeScores {
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// Average precision.
    pub average_precision: Option<f64>,
    /// F1.
    pub f1: Option<f64>,
}

/// All probes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probing {
    /// Training proteins.
    pub train: usize,
    /// Concepts that count, by id: each protein has one or not, wherever it lies.
    pub concepts: Vec<String>,
    /// The probes.
    pub probes: Vec<Probe>,
}

impl Table {
    /// Scales all features by the training proteins.
    fn scale(&mut self) {
        let scaling = Scaling::of(&self.train.values, self.width);
        for part in [&mut self.train, &mut self.valid, &mut self.test] {
            scaling.apply(&mut part.values);
        }
    }

    /// Some columns alone.
    fn columns(&self, columns: &[usize]) -> Self {
        let part = |part: &Features| Features {
            rows: part.rows,
            values: (part.values.chunks_exact(self.width))
                .flat_map(|row| columns.iter().map(|&c| row[c]))
                .collect(),
        };
        Self {
            width: columns.len(),
            train: part(&self.train),
            valid: part(&self.valid),
            test: part(&self.test),
        }
    }

    /// Log-odds of validation and test proteins by a probe whose penalty validation proteins choose.
    fn probe(&self, truth: &Truth) -> [Vec<f32>; 2] {
        let targets = |part: &Features, positives| Targets {
            rows: part.rows,
            positives,
        };
        let train = targets(&self.train, &truth.train);
        let models: Vec<Logistic> = logistic::fit(&self.train.values, self.width, train);
        let valid = targets(&self.valid, &truth.valid);
        let model = if self.valid.rows > 0 {
            logistic::choose(&models, &self.valid.values, valid)
        } else {
            models.into_iter().next().unwrap_or_default()
        };
        [&self.valid, &self.test].map(|part| model.logits(&part.values))
    }

    /// Columns by how far the means of the training rows with and without a concept are apart, the farthest first.
    fn ranked(&self, positives: &[u32]) -> Vec<usize> {
        let mut difference = vec![0.0_f64; self.width];
        let (p, n) = (
            positives.len() as f64,
            (self.train.rows - positives.len()) as f64,
        );
        let mut next = positives.iter().peekable();
        for (number, row) in (0..).zip(self.train.values.chunks_exact(self.width.max(1))) {
            let weight = match next.next_if_eq(&&number) {
                Some(_) => 1.0 / p,
                None => -1.0 / n,
            };
            for (sum, &x) in difference.iter_mut().zip(row) {
                *sum += weight * f64::from(x);
            }
        }
        let mut order: Vec<usize> = (0..self.width).collect();
        order.sort_by(|&a, &b| difference[b].abs().total_cmp(&difference[a].abs()));
        order
    }
}

/// Probes of concepts with these ids and rows on latents and on the PLM's activations. Every concept must have rows of both
/// kinds among the training and the test proteins.
#[must_use]
pub fn probe(mut latents: Table, mut plm: Table, truth: &Truth, concepts: Vec<String>) -> Probing {
    latents.scale();
    plm.scale();
    let train = latents.train.rows;
    let mut probes = vec![dense("plm", &plm, truth), dense("latents", &latents, truth)];
    drop(plm);
    let most = SPARSE.iter().copied().filter(|&k| k <= latents.width);
    let sizes: Vec<usize> = most.collect();
    let of_concept = |c: usize| -> Vec<ProbeScores> {
        let own = |part: &[Vec<u32>]| vec![part[c].clone()];
        let truth = Truth {
            train: own(&truth.train),
            valid: own(&truth.valid),
            test: own(&truth.test),
        };
        let order = latents.ranked(&truth.train[0]);
        let score = |&k: &usize| {
            let few = latents.columns(&order[..k]);
            scores(&few, &truth, &few.probe(&truth), 0)
        };
        sizes.iter().map(score).collect()
    };
    let by_concept: Vec<Vec<ProbeScores>> = (0..concepts.len())
        .into_par_iter()
        .map(of_concept)
        .collect();
    for (place, k) in sizes.iter().enumerate() {
        let scores = by_concept.iter().map(|scores| scores[place]).collect();
        probes.push(Probe::new(format!("latents-{k}"), scores));
    }
    Probing {
        train,
        concepts,
        probes,
    }
}

/// A probe of all concepts on all features.
fn dense(name: &str, table: &Table, truth: &Truth) -> Probe {
    let logits = table.probe(truth);
    let concepts = (0..truth.test.len()).into_par_iter();
    let all = concepts.map(|c| scores(table, truth, &logits, c)).collect();
    Probe::new(name.into(), all)
}

/// Scores of a concept by log-odds of validation and test proteins, `[rows, concepts]`.
fn scores(
    table: &Table,
    truth: &Truth,
    [valid, test]: &[Vec<f32>; 2],
    concept: usize,
) -> ProbeScores {
    let concepts = truth.test.len();
    let column = |logits: &[f32]| -> Vec<f32> {
        logits
            .iter()
            .skip(concept)
            .step_by(concepts.max(1))
            .copied()
            .collect()
    };
    let has = |rows: usize, positives: &[u32]| {
        let mut has = vec![false; rows];
        for &row in positives {
            has[row as usize] = true;
        }
        has
    };
    let (valid, test) = (column(valid), column(test));
    let (in_valid, in_test) = (
        has(table.valid.rows, &truth.valid[concept]),
        has(table.test.rows, &truth.test[concept]),
    );
    let threshold = best_threshold(&valid, &in_valid).unwrap_or(0.0);
    ProbeScores {
        auroc: rank::auroc(&test, &in_test),
        average_precision: rank::average_precision(&test, &in_test),
        f1: f1(&test, &in_test, threshold),
    }
}

/// F1 of what is at a threshold or above; none without positives.
fn f1(values: &[f32], positive: &[bool], threshold: f32) -> Option<f64> {
    let positives = positive.iter().filter(|&&p| p).count();
    let above = values
        .iter()
        .zip(positive)
        .filter(|(v, _)| **v >= threshold);
    let (mut marked, mut right) = (0_usize, 0_usize);
    for (_, &p) in above {
        marked += 1;
        right += usize::from(p);
    }
    (positives > 0).then(|| 2.0 * right as f64 / (marked + positives) as f64)
}

/// The value at which F1 is largest, the highest of equals; none without positives.
fn best_threshold(values: &[f32], positive: &[bool]) -> Option<f32> {
    let positives = positive.iter().filter(|&&p| p).count();
    if positives == 0 {
        return None;
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let (mut right, mut best) = (0_usize, None);
    for (place, &item) in order.iter().enumerate() {
        right += usize::from(positive[item]);
        let ends = order
            .get(place + 1)
            .is_none_or(|&next| values[next] < values[item]);
        let score = 2.0 * right as f64 / (place + 1 + positives) as f64;
        if ends && best.is_none_or(|(least, _)| score > least) {
            best = Some((score, values[item]));
        }
    }
    best.map(|(_, threshold)| threshold)
}

impl Probe {
    fn new(features: String, scores: Vec<ProbeScores>) -> Self {
        let mean = |score: fn(&ProbeScores) -> Option<f64>| {
            let values: Vec<f64> = scores.iter().filter_map(score).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            features,
            auroc: mean(|s| s.auroc),
            average_precision: mean(|s| s.average_precision),
            f1: mean(|s| s.f1),
            scores,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Purpose, normal, stream};

    #[test]
    fn one_latent_suffices_where_it_tells_the_concept() {
        let mut random = stream(4, Purpose::Rows, 0);
        let width = 40;
        let mut part = |rows: usize| {
            let mut positives = Vec::new();
            let mut values = Vec::new();
            for row in 0..rows {
                let has = row % 4 == 0;
                if has {
                    positives.push(row as u32);
                }
                values.extend((0..width).map(|f| {
                    let shift = if has && f == 7 { 6.0 } else { 0.0 };
                    normal(&mut random) as f32 + shift
                }));
            }
            (Features { rows, values }, vec![positives])
        };
        let ((train, a), (valid, b), (test, c)) = (part(200), part(60), part(60));
        let latents = Table {
            width,
            train,
            valid,
            test,
        };
        let truth = Truth {
            train: a,
            valid: b,
            test: c,
        };
        assert_eq!(latents.ranked(&truth.train[0])[0], 7);
        let plm = latents.columns(&[0, 1, 2]);
        let found = probe(latents, plm, &truth, vec!["X".into()]);
        let names: Vec<&str> = found.probes.iter().map(|p| p.features.as_str()).collect();
        assert_eq!(
            names,
            [
                "plm",
                "latents",
                "latents-1",
                "latents-2",
                "latents-5",
                "latents-16"
            ]
        );
        assert!(found.probes[0].auroc.unwrap() < 0.8);
        assert!(found.probes[2].auroc.unwrap() > 0.98 && found.probes[2].f1.unwrap() > 0.9);
    }

    #[test]
    fn thresholds_are_where_f1_is_largest() {
        let values = [3.0, 2.0, 2.0, 1.0, 0.0];
        let positive = [true, true, false, true, false];
        assert_eq!(best_threshold(&values, &positive), Some(1.0));
        assert_eq!(f1(&values, &positive, 1.0), Some(6.0 / 7.0));
        assert_eq!(
            (
                best_threshold(&values, &[false; 5]),
                f1(&values, &[false; 5], 0.0)
            ),
            (None, None)
        );
    }
}
