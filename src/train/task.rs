//! What is trained, and on what.

use super::data::{dataset::Dataset, labels::TrainingLabels};
use crate::sae::{
    config::{Objective, Shape},
    folder::Sae,
    settings::Training,
};
use crate::{annot::concept::ConceptsFile, table::PlmIdentity};

/// Rows that the first numbers (mean, scale) are drawn from, at most.
pub(crate) const STATISTICS_ROWS: usize = 1 << 15;
/// Rows of a batch that is only measured.
pub(crate) const SURVEY_ROWS: usize = 2048;

/// Where rows come from, and what they carry.
pub(crate) struct TrainingData<'a> {
    /// The tables.
    pub data: &'a Dataset,
    /// Their labels.
    pub labels: &'a TrainingLabels,
    /// Numbers of the proteins to train on, ascending.
    pub train: Vec<u32>,
    /// Numbers of the proteins to select the model by, ascending.
    pub valid: Vec<u32>,
}

impl TrainingData<'_> {
    /// Rows to train on.
    #[must_use]
    pub(crate) fn train_rows(&self) -> u64 {
        let rows = self.train.iter().map(|&p| u64::from(self.data.rows(p)));
        rows.sum()
    }
}

/// What to train.
#[derive(Clone)]
pub(crate) struct Task<'a> {
    /// Its name in a grid, which is that of its folder; empty where it is the only one.
    pub name: String,
    /// Sizes.
    pub shape: Shape,
    /// What is minimised.
    pub objective: Objective,
    /// How.
    pub training: Training,
    /// The activations' identity, where it is known.
    pub plm: Option<PlmIdentity>,
    /// The vocabulary.
    pub concepts: &'a ConceptsFile,
    /// The model to begin with.
    pub init: Option<&'a Sae>,
}
