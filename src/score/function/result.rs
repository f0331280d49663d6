//! What is reported of function prediction, in `metrics.json`. What has no support is null, with a reason.

use super::{interval::Interval, terms::Propagation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose conventions hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Evaluator {
    /// Those of the DeepGO family: roots left out, thresholds 0.00 to 1.00.
    #[default]
    Deepgo,
    /// Those of CAFA-evaluator: roots counted, thresholds .01 to .99, weights of information accretion.
    Cafa,
}

/// What sums over proteins are divided by (CAFA-evaluator).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Normalization {
    /// Precision by the proteins with a prediction, all else by those with a truth.
    #[default]
    Cafa,
    /// All by the proteins with a prediction.
    Pred,
    /// All by the proteins with a truth.
    Gt,
}

/// What had been known of a protein before.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Knowledge {
    /// Nothing in any aspect: no knowledge.
    #[serde(rename = "NK")]
    None,
    /// Terms of other aspects alone: limited knowledge.
    #[serde(rename = "LK")]
    Limited,
    /// Terms of this aspect, which are left out: partial knowledge.
    #[serde(rename = "PK")]
    Partial,
}

impl Knowledge {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::None, Self::Limited, Self::Partial];

    /// The word in files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NK",
            Self::Limited => "LK",
            Self::Partial => "PK",
        }
    }
}

/// Function prediction on the test proteins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Whose conventions hold.
    pub evaluator: Evaluator,
    /// What sums are divided by.
    pub normalization: Normalization,
    /// How scores rise to ancestors.
    pub propagation: Propagation,
    /// Groups of proteins that the intervals draw from are clusters; else each protein is its own.
    pub clustered: bool,
    /// Replicates of the bootstrap, 0 for no intervals.
    pub replicates: usize,
    /// One entry a method, aspect and kind of knowledge.
    pub cells: Vec<Cell>,
}

/// Scores of a method in an aspect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The method: a file of predictions, a reading of the model, or a baseline.
    pub method: String,
    /// Namespace of the terms.
    pub aspect: String,
    /// Proteins of one kind of knowledge; null for all.
    pub knowledge: Option<Knowledge>,
    /// Proteins with a truth.
    pub proteins: usize,
    /// Of them, proteins with a prediction above 0.
    pub predicted: usize,
    /// Groups of proteins.
    pub groups: usize,
    /// Terms that count.
    pub terms: usize,
    /// Why scores are null, where they are.
    pub reason: Option<String>,
    /// The largest F over thresholds.
    pub f_max: Option<BestF>,
    /// The same with terms weighted by their information accretion (`cafa`).
    pub f_max_weighted: Option<BestF>,
    /// The same from sums over all proteins (`cafa`).
    pub f_max_micro: Option<BestF>,
    /// The same from weighted sums over all proteins (`cafa`).
    pub f_max_micro_weighted: Option<BestF>,
    /// The least semantic distance: sums of information content (`deepgo`), counts of terms (`cafa`).
    pub s_min: Option<BestS>,
    /// The least semantic distance from sums of information accretion (`cafa`).
    pub s_min_weighted: Option<BestS>,
    /// Area under the curve of precision over recall (`deepgo`).
    pub aupr: Option<f64>,
    /// 95 % interval of it.
    pub aupr_interval: Option<Interval>,
    /// Mean over terms of the area under the ROC curve (`deepgo`).
    pub auc: Option<f64>,
    /// Terms in that mean: those that some proteins have and others do not.
    pub auc_terms: usize,
}

/// The best F.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BestF {
    /// F.
    pub value: f64,
    /// 95 % interval, the threshold chosen anew in each replicate.
    pub interval: Option<Interval>,
    /// Threshold at which it is reached, the lowest of equals.
    pub threshold: f64,
    /// Precision there.
    pub precision: f64,
    /// Recall there.
    pub recall: f64,
    /// Proteins with a prediction there.
    pub predicted: usize,
}

/// The least S.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BestS {
    /// S.
    pub value: f64,
    /// 95 % interval, the threshold chosen anew in each replicate.
    pub interval: Option<Interval>,
    /// Threshold at which it is reached, the lowest of equals.
    pub threshold: f64,
    /// Remaining uncertainty there.
    pub remaining_uncertainty: f64,
    /// Misinformation there.
    pub misinformation: f64,
}

/// How a method does at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Least score of what is predicted.
    pub threshold: f64,
    /// Proteins with a prediction.
    pub predicted: f64,
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean number, or information, of the terms that are missed.
    pub remaining_uncertainty: f64,
    /// Mean number, or information, of the terms that are wrong.
    pub misinformation: f64,
    /// F of precision and recall.
    pub f: f64,
    /// Distance from perfect prediction.
    pub s: f64,
}

/// The point of the largest value of `of`; the first of equals.
fn first_best(points: &[Point], of: impl Fn(&Point) -> f64) -> Option<&Point> {
    let better = |best: &&Point, next: &&Point| of(next) > of(best);
    (points.iter()).reduce(|best, next| if better(&best, &next) { next } else { best })
}

/// The best F of a curve.
#[must_use]
pub fn best_f(points: &[Point], interval: Option<Interval>) -> Option<BestF> {
    first_best(points, |p| p.f).map(|point| BestF {
        value: point.f,
        interval,
        threshold: point.threshold,
        precision: point.precision,
        recall: point.recall,
        predicted: point.predicted as usize,
    })
}

/// The least S of a curve.
#[must_use]
pub fn best_s(points: &[Point], interval: Option<Interval>) -> Option<BestS> {
    first_best(points, |p| -p.s).map(|point| BestS {
        value: point.s,
        interval,
        threshold: point.threshold,
        remaining_uncertainty: point.remaining_uncertainty,
        misinformation: point.misinformation,
    })
}
