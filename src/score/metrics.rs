//! `metrics.json` (`metrics/1`): how faithful an SAE is, and how well its latents agree with
//! concepts on held-out proteins. What has no support is null.

use super::{
    consistency::Consistency,
    fidelity::Fidelity,
    function::result::Function,
    geometry::PairCosines,
    loss_recovered::LossRecovered,
    monosemanticity::Monosemanticity,
    probing::Probing,
    range_metrics::RangeMetrics,
    relevance::{Entanglement, LatentMeans},
};
use crate::{
    annot::concept::{ConceptKind, Level},
    table::{PlmIdentity, SaeIdentity},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Format name and version of `metrics.json`.
pub const METRICS_FORMAT: &str = "metrics/1";

/// The content of `metrics.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// `metrics/1`.
    pub format: String,
    /// The SAE; null where predictions of others were scored.
    pub sae: Option<SaeIdentity>,
    /// The activations.
    pub plm: Option<PlmIdentity>,
    /// Proteins by which latents and thresholds were chosen; none: chosen on the test proteins.
    pub valid: Option<PartSize>,
    /// Proteins on which everything is reported.
    pub test: PartSize,
    /// Faithfulness on the test proteins.
    pub fidelity: Option<Fidelity>,
    /// What reconstructions cost the protein language model on the test proteins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_recovered: Option<LossRecovered>,
    /// Agreement with concepts on the test proteins.
    pub alignment: Option<Alignment>,
    /// Probes of concepts on the test proteins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probing: Option<Probing>,
    /// Whether latents are of one thing each, on the test proteins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disentanglement: Option<Disentanglement>,
    /// Agreement of predictions with the hierarchy of concepts on the test proteins; none without one.
    #[serde(default)]
    pub consistency: Option<Consistency>,
    /// Function prediction on the test proteins.
    #[serde(default)]
    pub function: Option<Function>,
    /// Ranges of concepts on the test proteins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<RangeMetrics>,
}

impl Metrics {
    /// Without any score.
    #[must_use]
    pub fn new() -> Self {
        Self {
            format: METRICS_FORMAT.into(),
            ..Self::default()
        }
    }
}

/// Size of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartSize {
    /// Proteins.
    pub proteins: u64,
    /// Residues.
    pub residues: u64,
}

/// Agreement with concepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alignment {
    /// Positive residues from which a residue-level concept counts in the means.
    pub min_residues: usize,
    /// Positive proteins from which a protein-level concept counts in the means.
    pub min_proteins: usize,
    /// Means over the residue-level concepts that count.
    pub residue_level: Means,
    /// Means over the protein-level concepts that count.
    pub protein_level: Means,
    /// All latents, defined or not, over the concepts that count.
    #[serde(default)]
    pub latents: Option<LevelMeans>,
    /// The same of what should be worth less.
    #[serde(default)]
    pub controls: Vec<Control>,
    /// One entry a concept.
    pub concepts: Vec<ConceptScores>,
}

/// Latents over the concepts of both levels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelMeans {
    /// Residue-level concepts.
    pub residue_level: LatentMeans,
    /// Protein-level concepts.
    pub protein_level: LatentMeans,
}

/// What latents are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// Latents of an untrained autoencoder of the same size.
    RandomSae,
    /// The model's latents, with labels shuffled among residues of the same amino acid, and among proteins.
    ShuffledLabels,
    /// The PLM's own neurons, each as two latents: where it is positive and where it is negative.
    PlmNeurons,
}

/// Scores of a control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Which.
    pub control: ControlKind,
    /// Its scores.
    pub means: LevelMeans,
}

/// Whether latents are of one thing each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disentanglement {
    /// Cosines of decoder rows of concepts that the ontology relates; none without a hierarchy.
    pub decoder: Option<PairCosines>,
    /// The same of the predictor's rows.
    pub predictor: Option<PairCosines>,
    /// Residue-level concepts that a latent is for.
    pub residue_level: Entanglement,
    /// Protein-level concepts that a latent is for.
    pub protein_level: Entanglement,
    /// Monosemanticity scores, on proteins.
    pub monosemanticity: MonosemanticityScores,
}

/// Monosemanticity on proteins: activations are means over residues, cosines those of mean PLM activations at the site,
/// centred, of one protein a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonosemanticityScores {
    /// Proteins, one a cluster.
    pub proteins: usize,
    /// The score of a latent that is active alike everywhere: the mean cosine of all pairs.
    pub base: Option<f64>,
    /// All latents.
    pub all: Monosemanticity,
    /// Latents of concepts.
    pub defined: Monosemanticity,
    /// The others.
    pub unknown: Monosemanticity,
}

/// Means over concepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Means {
    /// Concepts that count.
    pub concepts: usize,
    /// Area under the ROC curve of the probability.
    pub auroc_pi: Option<f64>,
    /// Area under the ROC curve of the defined latent's activation.
    pub auroc_z: Option<f64>,
    /// Area under the ROC curve of the best other latent.
    pub auroc_best_other: Option<f64>,
    /// F1 of the defined latent.
    pub f1_z: Option<f64>,
    /// F1 of the best other latent.
    pub f1_best_other: Option<f64>,
}

/// Scores of one concept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConceptScores {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: ConceptKind,
    /// Whether residues or proteins are ranked.
    pub level: Level,
    /// Items that carry it.
    pub positives: usize,
    /// Items that do not.
    pub negatives: usize,
    /// Why scores are null, where they are.
    pub reason: Option<String>,
    /// Area under the ROC curve of the probability (mean over the residues of a protein).
    pub auroc_pi: Option<f64>,
    /// Area under the ROC curve of the defined latent's pre-activation.
    pub auroc_pre: Option<f64>,
    /// Area under the ROC curve of the defined latent's activation.
    pub auroc_z: Option<f64>,
    /// Average precision of the probability.
    pub average_precision_pi: Option<f64>,
    /// The defined latent as a detector at the threshold chosen on the validation proteins.
    pub detector: Option<Detector>,
    /// The best latent without a given concept, chosen on the validation proteins.
    pub best_other: Option<OtherLatent>,
    /// The latent without a given concept that is the best detector, chosen with its threshold on the validation proteins.
    pub best_other_detector: Option<OtherDetector>,
}

/// A latent as a detector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// Share of its maximum above which it counts.
    pub threshold: f64,
    /// Share of the predicted items that carry the concept.
    pub precision: f64,
    /// Share of the concept's instances that are touched.
    pub recall: f64,
    /// Share of the concept's items that are predicted.
    pub item_recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
}

/// A latent that was given no concept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherLatent {
    /// Index.
    pub latent: u32,
    /// Area under the ROC curve of its activation on the test proteins.
    pub auroc: Option<f64>,
}

/// A latent that was given no concept, as a detector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherDetector {
    /// Index.
    pub latent: u32,
    /// On the test proteins.
    pub detector: Detector,
}

impl Means {
    /// Means over those concepts that have the score.
    #[must_use]
    pub fn over<'a>(concepts: impl IntoIterator<Item = &'a ConceptScores>) -> Self {
        let all: Vec<&ConceptScores> = concepts.into_iter().collect();
        let mean = |f: fn(&ConceptScores) -> Option<f64>| {
            let values: Vec<f64> = all.iter().filter_map(|c| f(c)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            concepts: all.len(),
            auroc_pi: mean(|c| c.auroc_pi),
            auroc_z: mean(|c| c.auroc_z),
            auroc_best_other: mean(|c| c.best_other.and_then(|o| o.auroc)),
            f1_z: mean(|c| c.detector.map(|d| d.f1)),
            f1_best_other: mean(|c| c.best_other_detector.map(|o| o.detector.f1)),
        }
    }
}
