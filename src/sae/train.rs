//! Training: statistics of the data, epochs of steps, validation, selection, checkpoints.

use std::{fmt::Write as _, path::PathBuf, time::Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    batch::Batch,
    checkpoint::{BestScore, Checkpoints, Position},
    config::{Objective, Shape},
    dataset::Dataset,
    engine::Engine,
    error::SaeError,
    labels::LabelIndex,
    loader::{Batches, Epoch, with_batches},
    meter::{EpochLine, LogLine, Measures, Meter, Survey, track_maxima},
    order::EpochOrder,
    params::Params,
    pipe::Pipe,
    settings::{Normalize, Training},
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
const SURVEY_ROWS: usize = 2048;

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

/// Mean and scale of rows.
struct Statistics {
    mean: Vec<f64>,
    /// Mean squared distance to the mean.
    variance: f64,
}

impl Statistics {
    fn of<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, width: usize) -> Self {
        let mut mean = vec![0.0; width];
        let mut count = 0.0;
        for row in rows.clone() {
            count += 1.0;
            for (mean, &x) in mean.iter_mut().zip(row) {
                *mean += f64::from(x);
            }
        }
        for mean in &mut mean {
            *mean /= f64::max(count, 1.0);
        }
        let mut variance = 0.0;
        for row in rows {
            for (mean, &x) in mean.iter().zip(row) {
                variance += (f64::from(x) - mean).powi(2);
            }
        }
        Self {
            mean,
            variance: variance / f64::max(count, 1.0),
        }
    }

    /// sqrt(d) / RMS distance to the mean.
    fn scale(&self, normalize: Normalize) -> f64 {
        if normalize == Normalize::None || self.variance <= 0.0 {
            return 1.0;
        }
        // exact in f32, in which activations are multiplied by it
        f64::from((self.mean.len() as f64 / self.variance).sqrt() as f32)
    }
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

    fn engine(&self, params: Params<f32>, positives: &[u64], annotated: u64) -> Engine<f32> {
        let weights = positives[..self.shape.defined]
            .iter()
            .map(|&p| self.training.balance.weight(p, annotated - p) as f32)
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
        engine.clip(self.training.clip);
        engine
    }
}

/// A run in progress.
struct Run<'a> {
    engine: Engine<f32>,
    config: ModelConfig,
    options: &'a RunOptions,
    checkpoints: Checkpoints,
    /// What identifies the training data.
    identity: String,
    position: Position,
    best: Option<Params<f32>>,
    log: Vec<u8>,
    variance: f64,
    /// Steps of the whole training, as far as it is known.
    planned: u64,
    started: Instant,
    window: Meter,
    epoch: Meter,
    tell: &'a mut dyn FnMut(Event<'_>),
}

impl Run<'_> {
    fn write_log(&mut self, line: &LogLine) {
        // numbers and names alone: this cannot fail
        if serde_json::to_writer(&mut self.log, line).is_ok() {
            self.log.push(b'\n');
        }
    }

    fn is_over(&self) -> bool {
        let max = self.config.training.max_steps;
        max.is_some_and(|max| self.position.step >= max)
    }

    /// Steps on all batches; `tracked` follows each latent's largest activation.
    fn steps(&mut self, batches: &Batches, mut tracked: Option<&mut [f32]>) -> Result<()> {
        let training = self.config.training.clone();
        let defined = self.config.shape.defined;
        while !self.is_over() {
            let Some(batch) = batches.next()? else { break };
            self.position.step += 1;
            let step = self.position.step;
            let lr = training.rate(step, self.position.epoch, self.planned);
            let losses = self.engine.step(&batch, lr, training.settles(step));
            self.position.rows += batch.rows() as u64;
            if !losses.total.is_finite() {
                return Err(SaeError::Diverged {
                    step: self.position.step,
                    loss: losses.total,
                }
                .into());
            }
            if let Some(maxima) = &mut tracked {
                track_maxima(&self.engine, maxima);
            }
            self.window.add(&losses, self.engine.activity());
            self.epoch.add(&losses, self.engine.activity());
            if self.options.log_every > 0 && step.is_multiple_of(self.options.log_every) {
                let measures = self.window.measures(self.variance, defined);
                let line = self.window.line(step, self.position.epoch, lr, measures);
                self.write_log(&LogLine::Step(line));
                self.window.reset();
            }
            let every = self.options.checkpoint_every;
            if every > 0 && step.is_multiple_of(every) {
                self.save()?;
            }
            (self.tell)(Event::Rows(batch.rows() as u64));
            batches.recycle(batch);
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        self.checkpoints.save(
            &mut self.engine,
            &self.config,
            &self.identity,
            &self.position,
            self.best.as_ref(),
            &self.log,
        )?;
        Ok(())
    }

    /// Goes on from the last checkpoint, if there is one.
    fn resume(&mut self) -> Result<()> {
        if let Some(saved) = self.checkpoints.load(&self.config, &self.identity)? {
            (self.tell)(Event::Resumed(&saved.position));
            self.engine.restore(saved.params, saved.state);
            self.position = saved.position;
            self.best = saved.best;
            self.log = saved.log;
        }
        Ok(())
    }

    /// Ends an epoch: keeps the model if it is the best so far.
    fn end_epoch(&mut self, valid: Option<Measures>) {
        let epoch = self.position.epoch;
        let mut selected = false;
        if let Some(measures) = &valid {
            let score = (
                measures.l_annot.unwrap_or(0.0),
                measures.fvu.unwrap_or(measures.l_rec),
            );
            let better = self
                .position
                .best
                .is_none_or(|best| score < (best.annot, best.fvu));
            if epoch >= self.config.training.select_from && better {
                selected = true;
                self.best = Some(self.engine.params().clone());
                self.position.best = Some(BestScore {
                    annot: score.0,
                    fvu: score.1,
                    epoch,
                });
            }
        }
        let line = EpochLine {
            epoch,
            step: self.position.step,
            seconds: self.started.elapsed().as_secs_f64(),
            train: self
                .epoch
                .measures(self.variance, self.config.shape.defined),
            valid,
            selected,
        };
        (self.tell)(Event::Epoch(&line));
        self.write_log(&LogLine::Epoch(line));
        self.epoch.reset();
    }

    /// Measures of the model over all rows of `proteins`.
    fn survey(&mut self, data: &TrainingData<'_>, proteins: &[u32]) -> Result<Survey> {
        let shape = self.config.shape;
        let mut survey = Survey::new(shape.latents, shape.width);
        let mut source = Epoch {
            data: data.data,
            labels: data.labels,
            scale: self.config.input_scale as f32,
            order: EpochOrder::new(proteins, self.config.training.seed, false, 1),
            rows: SURVEY_ROWS,
        };
        let engine = &mut self.engine;
        with_batches(&mut source, |batches| {
            while let Some(batch) = batches.next()? {
                survey.add(engine, &batch);
                batches.recycle(batch);
            }
            Ok(())
        })?;
        Ok(survey)
    }
}

/// Trains on tables that can be read in any order.
///
/// # Errors
/// Where settings do not fit, data cannot be read, the loss diverges, or a checkpoint does not fit.
pub fn train(
    task: &Task<'_>,
    data: &TrainingData<'_>,
    options: &RunOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Trained> {
    let training = &task.training;
    let shape = task.shape;
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
    let (config, params) = task.begin(&statistics);
    let (positives, annotated) =
        data.data
            .count_labels(&data.train, data.labels, task.concepts.concepts.len());
    let scale = config.input_scale;
    let mut run = Run {
        engine: task.engine(params, &positives, annotated),
        checkpoints: Checkpoints::new(&options.checkpoint_dir),
        identity: identity(data, task.concepts),
        position: Position {
            epoch: 1,
            ..Position::default()
        },
        best: None,
        log: Vec::new(),
        variance: statistics.variance * scale * scale,
        planned: planned(training, rows),
        started: Instant::now(),
        window: Meter::new(shape.latents),
        epoch: Meter::new(shape.latents),
        config,
        options,
        tell,
    };
    if options.resume {
        run.resume()?;
    }
    let first = run.position.epoch;
    for epoch in first..=training.epochs {
        if epoch > first {
            run.position.epoch = epoch;
            run.position.rows = 0;
        }
        let mut order = EpochOrder::new(&data.train, training.seed, training.shuffle, epoch);
        order.skip(data.data, run.position.rows);
        let mut source = Epoch {
            data: data.data,
            labels: data.labels,
            scale: scale as f32,
            order,
            rows: training.batch,
        };
        with_batches(&mut source, |batches| run.steps(batches, None))?;
        let valid = if data.valid.is_empty() {
            None
        } else {
            Some(run.survey(data, &data.valid)?.measures(shape.defined))
        };
        run.end_epoch(valid);
        let since = run.position.best.map_or(0, |best| epoch - best.epoch);
        if run.is_over() || training.patience.is_some_and(|patience| since >= patience) {
            break;
        }
    }
    if let Some(best) = run.best.take() {
        run.engine.replace_params(best);
    }
    let over_train = run.survey(data, &data.train)?;
    let valid = if data.valid.is_empty() {
        None
    } else {
        Some(run.survey(data, &data.valid)?.measures(shape.defined))
    };
    let summary = Summary {
        format: SUMMARY_FORMAT.into(),
        steps: run.position.step,
        epochs: run.position.epoch,
        selected_epoch: run.position.best.map(|b| b.epoch),
        train_proteins: Some(data.train.len() as u64),
        valid_proteins: Some(data.valid.len() as u64),
        train: over_train.measures(shape.defined),
        valid,
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
    pipe.prefill()?;
    let statistics = Statistics::of(pipe.waiting().map(|(x, ..)| x), shape.width);
    let (config, params) = task.begin(&statistics);
    let mut positives = vec![0; task.concepts.concepts.len()];
    let mut annotated = 0;
    let mut rows = 0;
    for (_, labels, counts) in pipe.waiting() {
        rows += 1;
        if counts {
            annotated += 1;
            for &concept in labels {
                positives[concept as usize] += 1;
            }
        }
    }
    if rows == 0 {
        return Err(SaeError::NoRows(": the pipe brought none".into()).into());
    }
    let scale = config.input_scale;
    pipe.scale = scale as f32;
    let mut run = Run {
        engine: task.engine(params, &positives, annotated),
        checkpoints: Checkpoints::new(&options.checkpoint_dir),
        identity: String::new(),
        position: Position {
            epoch: 1,
            ..Position::default()
        },
        best: None,
        log: Vec::new(),
        variance: statistics.variance * scale * scale,
        planned: task.training.max_steps.unwrap_or(0),
        started: Instant::now(),
        window: Meter::new(shape.latents),
        epoch: Meter::new(shape.latents),
        config,
        options,
        tell,
    };
    let mut latent_max = vec![0.0; shape.latents];
    with_batches(pipe, |batches| run.steps(batches, Some(&mut latent_max)))?;
    let train = run.epoch.measures(run.variance, shape.defined);
    let mut survey = Survey::new(shape.latents, shape.width);
    for batch in pipe.valid_batches() {
        survey.add(&mut run.engine, &batch);
    }
    let valid = survey.measures(shape.defined);
    let valid = (valid.rows > 0).then_some(valid);
    run.end_epoch(valid.clone());
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

/// Statistics of the first rows of the first epoch.
fn statistics(data: &TrainingData<'_>, training: &Training) -> Result<Statistics> {
    let width = data.data.width();
    let mut order = EpochOrder::new(&data.train, training.seed, true, 1);
    let mut batch = Batch::default();
    batch.clear();
    while batch.rows() < STATISTICS_ROWS
        && let Some(at) = order.next(data.data)
    {
        let labels = data.labels.protein(data.data.accession(at.protein));
        data.data.append(at, 1.0, labels, &mut batch)?;
    }
    Ok(Statistics::of(batch.x.chunks_exact(width), width))
}

/// What identifies the training data: its proteins, their rows, and the vocabulary.
fn identity(data: &TrainingData<'_>, concepts: &ConceptsFile) -> String {
    let mut text = String::new();
    for (name, proteins) in [("train", &data.train), ("valid", &data.valid)] {
        for &protein in proteins {
            let rows = data.data.rows(protein);
            // writing to a string cannot fail
            let _ = writeln!(text, "{name} {} {rows}", data.data.accession(protein));
        }
    }
    for concept in &concepts.concepts {
        text += &concept.id;
        text.push('\n');
    }
    crate::hash::sha256(text.as_bytes())
}
