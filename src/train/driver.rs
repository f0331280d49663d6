//! Training: statistics of the data, epochs of steps, validation, selection, checkpoints.

mod predict;
mod stream;
mod tables;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    backend::Trainer,
    checkpoint::Position,
    data::dataset::LabelCounts,
    device::{Device, HeldRows, Start},
    meter::{EpochLine, Measures},
    speed::Speed,
    statistics::Statistics,
};
use crate::annot::concept::Axioms;
use crate::sae::{
    error::SaeError,
    folder::{MODEL_FORMAT, ModelConfig},
    hierarchy::Hierarchy,
    params::Params,
};

pub(crate) use super::{
    options::RunOptions,
    task::{Task, TrainingData},
};
pub(crate) use stream::train_on_pipe;
pub(crate) use tables::train;

/// Format name and version of `summary.json`.
pub(crate) const SUMMARY_FORMAT: &str = "summary/1";
/// What a run tells while it goes on.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// What the initial weights say of some rows.
    Predicted {
        /// Share of the latents that none of them activates.
        dead: f64,
        /// The same with the decoder's bias at 0, where it is not.
        uncentred: Option<f64>,
        /// Rows.
        rows: usize,
    },
    /// It goes on from a checkpoint.
    Resumed(&'a Position),
    /// So many rows more have been trained on.
    Rows(u64),
    /// An epoch has ended.
    Epoch(&'a EpochLine),
}

/// The content of `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Summary {
    /// `summary/1`.
    pub format: String,
    /// Steps made.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u32,
    /// Epoch whose model this is; none where it is simply the last.
    pub selected_epoch: Option<u32>,
    /// Proteins trained on; none from a pipe.
    pub train_proteins: Option<u64>,
    /// Proteins that the model was selected by; none from a pipe.
    pub valid_proteins: Option<u64>,
    /// Of this model over the training rows (from a pipe: of the models on the way).
    pub train: Measures,
    /// Of this model over the validation rows.
    pub valid: Option<Measures>,
}

/// A model that has been trained.
#[derive(Debug)]
pub(crate) struct Trained {
    /// Its configuration.
    pub config: ModelConfig,
    /// Its parameters.
    pub params: Params<f32>,
    /// Largest activation of each latent over the training rows.
    pub latent_max: Vec<f32>,
    /// Weight of each concept's positives, `[m]`.
    pub positive_weight: Vec<f32>,
    /// Its summary.
    pub summary: Summary,
    /// The content of `log.jsonl`.
    pub log: Vec<u8>,
    /// How fast it was.
    pub speed: Speed,
}

impl Task<'_> {
    /// Everything resolved, and the model to begin with.
    fn begin(&self, statistics: &Statistics) -> (ModelConfig, Params<f32>) {
        let scale = match self.init {
            Some(sae) => sae.config.input_scale,
            None => statistics.scale(self.training.normalize),
        };
        let config = ModelConfig {
            format: MODEL_FORMAT.into(),
            plm: self.plm.clone(),
            shape: self.shape,
            input_scale: scale,
            objective: self.objective.clone(),
            training: self.training.clone(),
            conversion: None,
        };
        let params = match self.init {
            Some(sae) => sae.params.clone(),
            None => self.initial(statistics, scale),
        };
        (config, params)
    }

    /// Initial weights. The predictor's centre is the mean even where the decoder's bias does not begin
    /// there.
    fn initial(&self, statistics: &Statistics, scale: f64) -> Params<f32> {
        let scaled = statistics.mean.iter().map(|m| (m * scale) as f32);
        let mean: Vec<f32> = scaled.collect();
        let b_dec = if self.training.center {
            mean.clone()
        } else {
            vec![0.0; mean.len()]
        };
        let bias = self.training.predictor_bias;
        let mut params = Params::initial(
            self.shape,
            &self.objective,
            self.training.seed,
            bias,
            &b_dec,
        );
        params.set_center(&mean);
        params
    }

    /// Weights of the positives of concepts that have latents, `[m]`.
    fn positive_weights(&self, counts: &LabelCounts) -> Vec<f32> {
        let pairs = counts.positives.iter().zip(&counts.negatives);
        pairs
            .take(self.shape.defined)
            .map(|(&p, &n)| self.training.balance.weight(p, n) as f32)
            .collect()
    }

    fn trainer(
        &self,
        params: Params<f32>,
        weights: Vec<f32>,
        groups: &[u8],
        device: &Device,
        held: &HeldRows,
    ) -> Result<Box<dyn Trainer>, SaeError> {
        let none = Axioms::default();
        let axioms = if self.shape.defined == 0 {
            &none
        } else {
            &self.concepts.axioms
        };
        device.trainer(Start {
            params,
            objective: &self.objective,
            training: &self.training,
            weights,
            groups: &groups[..self.shape.defined],
            axioms,
            hierarchy: Hierarchy::new(self.concepts, self.shape.defined),
            held,
        })
    }
}
