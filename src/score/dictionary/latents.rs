//! What is known of each latent.

use crate::annot::concept::ConceptKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a latent was given a concept in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LatentKind {
    /// Tied to a concept in training.
    Defined,
    /// Free.
    Unknown,
}

/// What is known of a latent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Tied to a concept in training.
    Defined,
    /// Found to agree with a concept.
    Named,
    /// Active, and no concept is known.
    Unnamed,
    /// Never active.
    Dead,
}

impl Status {
    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::Named => "named",
            Self::Unnamed => "unnamed",
            Self::Dead => "dead",
        }
    }
}

/// A concept by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConceptName {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: ConceptKind,
}

/// One latent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Index of the latent.
    pub index: u32,
    /// Whether it was given a concept in training.
    pub kind: LatentKind,
    /// Its concept: the given one, or the one it agrees with best.
    pub concept: Option<ConceptName>,
    /// What is known of it.
    pub status: Status,
    /// Harmonic mean of precision and recall on the test proteins; none without support.
    pub f1: Option<f64>,
    /// Share of the residues it marks that carry the concept.
    pub precision: Option<f64>,
    /// Share of the concept's instances that it touches.
    pub recall: Option<f64>,
    /// Area under the ROC curve of its activation.
    pub auroc: Option<f64>,
    /// False discovery rate of the association, over all pairs tested.
    pub q_value: Option<f64>,
    /// Share of its maximum from which it counts.
    pub threshold: Option<f64>,
    /// Residues (or proteins) of the test proteins that carry the concept.
    pub support: u64,
    /// Share of residues on which it is active.
    pub density: f64,
    /// Largest activation over the training rows, of which thresholds are shares: the model's, or, of a
    /// model that does not know it, over the training proteins that were read.
    pub maximum: f64,
    /// The proteins in which it is most active.
    pub top_proteins: Vec<TopProtein>,
}

/// A protein in which a latent is active.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopProtein {
    /// Accession.
    pub protein: String,
    /// Largest activation in it.
    pub activation: f64,
    /// Runs of residues in which it is active, 1-based, inclusive.
    pub ranges: Vec<[u32; 2]>,
}
