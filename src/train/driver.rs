//! Training: statistics of the data, epochs of steps, validation, selection, checkpoints.

mod predict;
mod stream;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::speed::Speed;
use super::{
    backend::Trainer,
    checkpoint::{self, Checkpoints, Position},
    data::{
        dataset::{Dataset, LabelCounts},
        labels::LabelIndex,
        loader::{Epoch, with_batches},
        order::EpochOrder,
    },
    device::{Device, HeldRows, Start},
    identity::DataIdentity,
    meter::{EpochLine, Measures},
    session::Run,
    splice::{self, Dictionary},
    statistics::{Statistics, statistics},
};
use crate::sae::{
    config::{Objective, Shape, Variant},
    error::{SaeError, SettingError},
    folder::{MODEL_FORMAT, ModelConfig, Sae},
    hierarchy::Hierarchy,
    params::Params,
    settings::Training,
};
use crate::{
    Result,
    annot::concept::{Axioms, ConceptsFile},
    table::PlmIdentity,
};

use predict::predict;
pub use stream::train_on_pipe;

/// Rows that the first numbers (mean, scale) are drawn from, at most.
pub const STATISTICS_ROWS: usize = 1 << 15;
/// Format name and version of `summary.json`.
pub const SUMMARY_FORMAT: &str = "summary/1";
/// Rows of a batch that is only measured.
pub(crate) const SURVEY_ROWS: usize = 2048;

/// Where rows come from, and what they carry.
pub struct TrainingData<'a> {
    /// The tables.
    pub data: &'a Dataset,
    /// Their labels.
    pub labels: &'a LabelIndex,
    /// Numbers of the proteins to train on, ascending.
    pub train: Vec<u32>,
    /// Numbers of the proteins to select the model by, ascending.
    pub valid: Vec<u32>,
}

/// What to train.
#[derive(Clone)]
pub struct Task<'a> {
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

/// How a run reports and saves.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Steps per line of the log; 0: a line per epoch only.
    pub log_every: u64,
    /// Steps per checkpoint; 0: none.
    pub checkpoint_every: u64,
    /// Where checkpoints go.
    pub checkpoint_dir: PathBuf,
    /// Go on from the last checkpoint, if there is one.
    pub resume: bool,
    /// Where steps are made.
    pub device: Device,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Event<'a> {
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
pub struct Summary {
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
pub struct Trained {
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
        (device, held): (&Device, &HeldRows),
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

/// Trains on tables that can be read in any order: one model a task, all on one pass over the data.
///
/// The tasks share the order of rows, their batches and their number, and the normalisation.
///
/// # Errors
/// Where settings do not fit, data cannot be read, the loss diverges, or a checkpoint does not fit.
pub fn train(
    tasks: &[Task<'_>],
    data: &TrainingData<'_>,
    options: &RunOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Trained>> {
    let Some(first) = tasks.first() else {
        return Ok(Vec::new());
    };
    let training = &first.training;
    let rows: u64 = data
        .train
        .iter()
        .map(|&p| u64::from(data.data.rows(p)))
        .sum();
    if rows == 0 {
        return Err(SaeError::NoRows(String::new()).into());
    }
    if training.patience.is_some() && data.valid.is_empty() {
        let message = "it needs proteins to validate with: a split";
        return Err(SaeError::from(SettingError::new("patience", message)).into());
    }
    let (statistics, mut sample) = statistics(data, training)?;
    let counts = data.data.count_labels(&data.train, data.labels);
    let identity = DataIdentity::of(data, first.concepts, options)?;
    let begun: Vec<_> = tasks.iter().map(|task| task.begin(&statistics)).collect();
    let scale = begun[0].0.input_scale as f32;
    let held = options.device.hold(tasks, data, scale)?;
    let mut runs = Vec::new();
    for (task, (config, params)) in tasks.iter().zip(begun) {
        let groups = data.labels.groups();
        let weights = task.positive_weights(&counts);
        let trainer = task.trainer(params, weights.clone(), groups, (&options.device, &held))?;
        let variance = statistics.variance * config.input_scale * config.input_scale;
        let more = (variance, planned(training, rows));
        let of = (task.name.as_str(), identity.clone());
        runs.push(Run::new(trainer, weights, config, options, of, more));
    }
    let checkpoints = Checkpoints::new(&options.checkpoint_dir);
    if options.resume {
        let names: Vec<&str> = runs.iter().map(|run| run.name).collect();
        if let Some(dir) = checkpoints.last(&names)? {
            for run in &mut runs {
                let saved = checkpoint::load(&dir.join(run.name), &run.config, &run.identity)?;
                run.restore(saved)?;
            }
            on_event(Event::Resumed(&runs[0].position));
        }
    }
    if runs[0].position.step == 0 && !first.objective.variant.only_concepts() {
        on_event(predict(&mut runs[0], &mut sample)?);
    }
    drop(sample);
    let begun = runs[0].position.epoch;
    let seed = training.order_seed.unwrap_or(training.seed);
    let mut epochs = training.epochs;
    if matches!(first.objective.variant, Variant::Splice(_)) {
        splice::check(first.init.is_some(), false).map_err(SaeError::from)?;
        let dictionary = Dictionary::of(data, first.shape.defined, scale)?;
        for run in &mut runs {
            let params = dictionary.params(run.config.shape, &run.config.objective);
            run.trainer.replace_params(params)?;
        }
        end_epoch(&mut runs, data, on_event)?;
        epochs = 0;
    }
    for epoch in begun..=epochs {
        for run in &mut runs {
            run.begin_epoch(epoch);
        }
        let mut order = EpochOrder::new(&data.train, seed, training.shuffle, epoch);
        order.skip(data.data, runs[0].position.rows);
        let mut source = Epoch {
            data: data.data,
            labels: data.labels,
            scale,
            order,
            rows: training.batch,
            held: held.starts(),
        };
        with_batches(&mut source, |batches| {
            let mut ready = batches.next()?;
            while !runs[0].is_over()
                && let Some(batch) = ready.take()
            {
                ready = batches.next()?;
                for run in &mut runs {
                    run.step(&batch, ready.as_ref(), None)?;
                }
                let (step, every) = (runs[0].position.step, options.checkpoint_every);
                if every > 0 && step.is_multiple_of(every) {
                    save(&checkpoints, &mut runs)?;
                }
                on_event(Event::Rows(batch.rows() as u64));
                batches.recycle(batch);
            }
            Ok(())
        })?;
        if end_epoch(&mut runs, data, on_event)? || runs[0].is_over() {
            break;
        }
    }
    runs.into_iter().map(|run| finish(run, data)).collect()
}

/// Validates all runs; whether none has become better for long enough to end.
fn end_epoch(
    runs: &mut [Run<'_>],
    data: &TrainingData<'_>,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<bool> {
    let mut tired = true;
    for run in runs {
        let valid = run.validate(data)?;
        on_event(Event::Epoch(&run.end_epoch(valid)?));
        let Position { epoch, best, .. } = run.position;
        let since = best.map_or(0, |best| epoch - best.epoch);
        let patience = run.config.training.patience;
        tired &= patience.is_some_and(|patience| since >= patience);
    }
    Ok(tired)
}

/// Saves all runs together.
fn save(checkpoints: &Checkpoints, runs: &mut [Run<'_>]) -> Result<(), SaeError> {
    let draft = checkpoints.begin()?;
    for run in &mut *runs {
        run.save(&draft)?;
    }
    draft.finish(runs[0].position.step)
}

/// The selected model of a run, measured.
fn finish(mut run: Run<'_>, data: &TrainingData<'_>) -> Result<Trained> {
    if let Some(best) = run.best.take() {
        run.trainer.replace_params(best)?;
    }
    let defined = run.config.shape.defined;
    let params = run.finite_params()?;
    let over_train = run.survey(data, &data.train)?;
    let train = over_train.measures(defined);
    run.demand_finite(train.l_rec)?;
    let summary = Summary {
        format: SUMMARY_FORMAT.into(),
        steps: run.position.step,
        epochs: run.position.epoch,
        selected_epoch: run.position.best.map(|b| b.epoch),
        train_proteins: Some(data.train.len() as u64),
        valid_proteins: Some(data.valid.len() as u64),
        train,
        valid: run.validate(data)?,
    };
    Ok(Trained {
        params,
        speed: run.watch.speed(),
        config: run.config,
        latent_max: over_train.latent_max,
        positive_weight: run.positive_weight,
        summary,
        log: run.log,
    })
}

/// Steps of a training on so many rows.
fn planned(training: &Training, rows: u64) -> u64 {
    let an_epoch = rows.div_ceil(training.batch as u64);
    let steps = an_epoch.saturating_mul(training.epochs.into());
    training.max_steps.map_or(steps, |most| most.min(steps))
}
