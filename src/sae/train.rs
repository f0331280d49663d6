//! Training: statistics of the data, epochs of steps, validation, selection, checkpoints.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    checkpoint::Position,
    config::{Objective, Shape},
    dataset::{Dataset, LabelCounts},
    engine::Engine,
    error::SaeError,
    labels::LabelIndex,
    loader::{Epoch, with_batches},
    meter::{EpochLine, Measures, Survey},
    order::EpochOrder,
    params::Params,
    pipe::Pipe,
    run::Run,
    settings::{Schedule, Training},
    statistics::{Statistics, identity, statistics},
    store::{MODEL_FORMAT, ModelConfig, Sae},
};
use crate::{
    Result,
    annot::concept::{Axioms, ConceptsFile},
    table::PlmIdentity,
};

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
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Event<'a> {
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
    /// Its summary.
    pub summary: Summary,
    /// The content of `log.jsonl`.
    pub log: Vec<u8>,
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
        };
        let params = if let Some(sae) = self.init {
            sae.params.clone()
        } else {
            let mean = statistics.mean.iter().map(|m| (m * scale) as f32);
            Params::initial(
                self.shape,
                &self.objective,
                self.training.seed,
                self.training.predictor_bias,
                &mean.collect::<Vec<_>>(),
            )
        };
        (config, params)
    }

    fn engine(&self, params: Params<f32>, counts: &LabelCounts, groups: &[u8]) -> Engine<f32> {
        let pairs = counts.positives.iter().zip(&counts.negatives);
        let weights = pairs
            .take(self.shape.defined)
            .map(|(&p, &n)| self.training.balance.weight(p, n) as f32)
            .collect();
        let none = Axioms::default();
        let axioms = if self.shape.defined == 0 {
            &none
        } else {
            &self.concepts.axioms
        };
        let mut engine = Engine::new(
            params,
            self.objective.clone(),
            weights,
            axioms,
            self.training.seed,
        );
        engine.group_concepts(&groups[..self.shape.defined]);
        engine.clip(self.training.clip);
        engine
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
    tell: &mut dyn FnMut(Event<'_>),
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
        let message = "--patience needs proteins to validate with: give --split";
        return Err(SaeError::Settings(message.into()).into());
    }
    let statistics = statistics(data, training)?;
    let counts = data.data.count_labels(&data.train, data.labels);
    let identity = identity(data, first.concepts);
    let mut runs = Vec::new();
    for task in tasks {
        let (config, params) = task.begin(&statistics);
        let engine = task.engine(params, &counts, data.labels.groups());
        let variance = statistics.variance * config.input_scale * config.input_scale;
        let more = (variance, planned(training, rows));
        runs.push(Run::new(engine, config, options, identity.clone(), more));
    }
    if options.resume
        && let [run] = &mut runs[..]
        && run.resume()?
    {
        tell(Event::Resumed(&run.position));
    }
    let scale = runs[0].config.input_scale as f32;
    let begun = runs[0].position.epoch;
    let seed = training.order_seed.unwrap_or(training.seed);
    for epoch in begun..=training.epochs {
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
        };
        with_batches(&mut source, |batches| {
            while !runs[0].is_over()
                && let Some(batch) = batches.next()?
            {
                for run in &mut runs {
                    run.step(&batch, None)?;
                }
                tell(Event::Rows(batch.rows() as u64));
                batches.recycle(batch);
            }
            Ok(())
        })?;
        let mut tired = true;
        for run in &mut runs {
            let valid = run.validate(data)?;
            tell(Event::Epoch(&run.end_epoch(valid)));
            let since = run.position.best.map_or(0, |best| epoch - best.epoch);
            tired &= training.patience.is_some_and(|patience| since >= patience);
        }
        if runs[0].is_over() || tired {
            break;
        }
    }
    runs.into_iter().map(|run| finish(run, data)).collect()
}

/// The selected model of a run, measured.
fn finish(mut run: Run<'_>, data: &TrainingData<'_>) -> Result<Trained> {
    if let Some(best) = run.best.take() {
        run.engine.replace_params(best);
    }
    let defined = run.config.shape.defined;
    let over_train = run.survey(data, &data.train)?;
    let summary = Summary {
        format: SUMMARY_FORMAT.into(),
        steps: run.position.step,
        epochs: run.position.epoch,
        selected_epoch: run.position.best.map(|b| b.epoch),
        train_proteins: Some(data.train.len() as u64),
        valid_proteins: Some(data.valid.len() as u64),
        train: over_train.measures(defined),
        valid: run.validate(data)?,
    };
    Ok(Trained {
        params: run.engine.params().clone(),
        config: run.config,
        latent_max: over_train.latent_max,
        summary,
        log: run.log,
    })
}

/// Trains on a pipe, in one pass.
///
/// # Errors
/// As [`train`].
pub fn train_on_pipe(
    task: &Task<'_>,
    pipe: &mut Pipe<'_>,
    options: &RunOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Trained> {
    let shape = task.shape;
    if task.training.schedule == Schedule::Cosine && task.training.max_steps.is_none() {
        let message = "--schedule cosine on a pipe, whose length nobody knows, needs --max-steps";
        return Err(SaeError::Settings(message.into()).into());
    }
    pipe.prefill()?;
    let statistics = Statistics::of(pipe.waiting().map(|(x, ..)| x), shape.width);
    let (config, params) = task.begin(&statistics);
    let mut counts = LabelCounts::new(task.concepts.concepts.len());
    let mut rows = 0;
    for (_, labels, groups) in pipe.waiting() {
        rows += 1;
        counts.add(labels, groups);
    }
    if rows == 0 {
        return Err(SaeError::NoRows(": the pipe brought none".into()).into());
    }
    let scale = config.input_scale;
    pipe.scale = scale as f32;
    let more = (
        statistics.variance * scale * scale,
        task.training.max_steps.unwrap_or(0),
    );
    let groups = pipe.groups().to_vec();
    let engine = task.engine(params, &counts.finish(&groups), &groups);
    let mut run = Run::new(engine, config, options, String::new(), more);
    let mut latent_max = vec![0.0; shape.latents];
    with_batches(pipe, |batches| {
        while !run.is_over()
            && let Some(batch) = batches.next()?
        {
            run.step(&batch, Some(&mut latent_max))?;
            tell(Event::Rows(batch.rows() as u64));
            batches.recycle(batch);
        }
        Ok(())
    })?;
    let train = run.epoch.measures(run.variance, shape.defined);
    let mut survey = Survey::new(shape.latents, shape.width);
    for batch in pipe.valid_batches() {
        survey.add(&mut run.engine, &batch);
    }
    let valid = survey.measures(shape.defined);
    let valid = (valid.rows > 0).then_some(valid);
    tell(Event::Epoch(&run.end_epoch(valid.clone())));
    let summary = Summary {
        format: SUMMARY_FORMAT.into(),
        steps: run.position.step,
        epochs: 1,
        selected_epoch: None,
        train_proteins: None,
        valid_proteins: None,
        train,
        valid,
    };
    Ok(Trained {
        params: run.engine.params().clone(),
        config: run.config,
        latent_max,
        summary,
        log: run.log,
    })
}

/// Steps of a training on so many rows.
fn planned(training: &Training, rows: u64) -> u64 {
    let steps = rows.div_ceil(training.batch as u64) * u64::from(training.epochs);
    training.max_steps.map_or(steps, |most| most.min(steps))
}
