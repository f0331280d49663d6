//! A training run in progress: its model, where it stands, its log and its checkpoints.

use super::speed::Stopwatch;
use super::{
    backend::Trainer,
    checkpoint::{BestScore, Course, Meters, PendingCheckpoint, Position, Saved},
    data::{
        batch::Batch,
        loader::{Epoch, with_batches},
        order::EpochOrder,
    },
    identity::DataIdentity,
    meter::{EpochLine, EvaluationPass, LogLine, Measures, RunningMeasures},
    options::RunOptions,
    task::{SURVEY_ROWS, TrainingData},
};
use crate::Result;
use crate::sae::{error::SaeError, folder::ModelConfig, params::Params};

/// What is known of a run before it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned {
    /// Mean squared distance of rows to their mean, in the model's units.
    pub(crate) variance: f64,
    /// Steps of the whole training, as far as they are known.
    pub(crate) steps: u64,
}

/// A run in progress.
pub(crate) struct Run<'a> {
    pub(crate) trainer: Box<dyn Trainer>,
    /// Weights of positives, `[m]`.
    pub(crate) positive_weight: Vec<f32>,
    pub(crate) config: ModelConfig,
    /// Its name in a grid; empty where it is the only one.
    pub(crate) name: &'a str,
    pub(crate) options: &'a RunOptions,
    /// What identifies the training data.
    pub(crate) identity: DataIdentity,
    pub(crate) position: Position,
    pub(crate) best: Option<Params<f32>>,
    pub(crate) log: Vec<u8>,
    pub(crate) planned: Planned,
    pub(crate) watch: Stopwatch,
    pub(crate) meters: Meters,
}

impl<'a> Run<'a> {
    /// Begins a run, of no known data and weights.
    pub(crate) fn new(
        trainer: Box<dyn Trainer>,
        config: ModelConfig,
        options: &'a RunOptions,
        name: &'a str,
        planned: Planned,
    ) -> Self {
        Self {
            trainer,
            positive_weight: Vec::new(),
            name,
            identity: DataIdentity::default(),
            position: Position {
                epoch: 1,
                ..Position::default()
            },
            best: None,
            log: Vec::new(),
            planned,
            watch: Stopwatch::new(),
            meters: Meters {
                window: RunningMeasures::new(config.shape.latents),
                epoch: RunningMeasures::new(config.shape.latents),
            },
            config,
            options,
        }
    }

    fn write_log(&mut self, line: &LogLine) {
        // numbers and names alone: this cannot fail
        if serde_json::to_writer(&mut self.log, line).is_ok() {
            self.log.push(b'\n');
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        let max = self.config.training.max_steps;
        max.is_some_and(|max| self.position.step >= max)
    }

    /// A step on a batch, before that on `next`; `tracked` follows each latent's largest activation.
    pub(crate) fn step(
        &mut self,
        batch: &Batch<f32>,
        next: Option<&Batch<f32>>,
        tracked: Option<&mut [f32]>,
    ) -> Result<()> {
        let training = &self.config.training;
        let defined = self.config.shape.defined;
        self.position.step += 1;
        let step = self.position.step;
        let lr = training.rate(step, self.position.epoch, self.planned.steps);
        let losses = self
            .trainer
            .step(batch, next, lr, training.lr_never_grows(step))?;
        self.position.rows += batch.rows() as u64;
        if !losses.total.is_finite() {
            return Err(SaeError::Diverged {
                step,
                loss: losses.total,
            }
            .into());
        }
        if let Some(maxima) = tracked {
            self.trainer.raise_maxima(maxima)?;
        }
        let Meters { window, epoch } = &mut self.meters;
        window.add(&losses, self.trainer.activity());
        epoch.add(&losses, self.trainer.activity());
        if self.options.log_every > 0 && step.is_multiple_of(self.options.log_every) {
            let measures = window.measures(self.planned.variance, defined);
            let line = window.line(step, self.position.epoch, lr, measures);
            window.reset();
            self.write_log(&LogLine::Step(line));
        }
        self.watch.step(batch.rows());
        Ok(())
    }

    /// Adds it to a checkpoint.
    pub(crate) fn save(&mut self, draft: &PendingCheckpoint<'_>) -> Result<(), SaeError> {
        let course = Course {
            config: &self.config,
            data: &self.identity,
            position: &self.position,
            best: self.best.as_ref(),
            log: &self.log,
            meters: &self.meters,
        };
        draft.add(self.name, &mut *self.trainer, &course)
    }

    /// Goes on from what was saved.
    ///
    /// # Errors
    /// Where the device fails.
    pub(crate) fn restore(&mut self, saved: Saved) -> Result<(), SaeError> {
        self.trainer.restore(saved.params, saved.state)?;
        self.position = saved.position;
        self.best = saved.best;
        self.log = saved.log;
        self.meters = saved.meters;
        Ok(())
    }

    /// Ends an epoch: keeps the model if it is the best so far.
    pub(crate) fn end_epoch(&mut self, valid: Option<Measures>) -> Result<EpochLine, SaeError> {
        let epoch = self.position.epoch;
        let mut selected = false;
        if let Some(measures) = &valid {
            self.demand_finite(measures.l_rec)?;
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
                self.best = Some(self.trainer.params()?);
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
            train: self
                .meters
                .epoch
                .measures(self.planned.variance, self.config.shape.defined),
            valid,
            selected,
        };
        self.write_log(&LogLine::Epoch(line.clone()));
        self.meters.epoch.reset();
        Ok(line)
    }

    /// Demands a loss that is a number.
    ///
    /// # Errors
    /// [`SaeError::Diverged`].
    pub(crate) fn demand_finite(&self, loss: f64) -> Result<(), SaeError> {
        if loss.is_finite() {
            return Ok(());
        }
        Err(SaeError::Diverged {
            step: self.position.step,
            loss,
        })
    }

    /// The parameters, which the last step may have carried off to where there are no numbers.
    ///
    /// # Errors
    /// [`SaeError::Diverged`], or where the device fails.
    pub(crate) fn finite_params(&mut self) -> Result<Params<f32>, SaeError> {
        let params = self.trainer.params()?;
        let bad = params
            .tensors()
            .flat_map(|(_, _, values)| values)
            .copied()
            .find(|v| !v.is_finite());
        bad.map_or(Ok(()), |value| self.demand_finite(value.into()))?;
        Ok(params)
    }

    /// An epoch begins, unless the run is in it already.
    pub(crate) fn begin_epoch(&mut self, epoch: u32) {
        if epoch > self.position.epoch {
            self.position.epoch = epoch;
            self.position.rows = 0;
        }
    }

    /// Measures of the model over the validation rows, if there are any.
    pub(crate) fn validate(&mut self, data: &TrainingData<'_>) -> Result<Option<Measures>> {
        if data.valid.is_empty() {
            return Ok(None);
        }
        let defined = self.config.shape.defined;
        Ok(Some(self.survey(data, &data.valid)?.measures(defined)))
    }

    /// Measures of the model over all rows of `proteins`.
    pub(crate) fn survey(
        &mut self,
        data: &TrainingData<'_>,
        proteins: &[u32],
    ) -> Result<EvaluationPass> {
        let shape = self.config.shape;
        let mut survey = EvaluationPass::new(shape.latents, shape.width);
        let mut source = Epoch {
            data: data.data,
            labels: data.data.labels(data.labels),
            scale: self.config.input_scale as f32,
            order: EpochOrder::new(proteins, self.config.training.seed, false, 1),
            rows: SURVEY_ROWS,
            held: &[],
        };
        let trainer = &mut *self.trainer;
        with_batches(&mut source, |batches| {
            while let Some(batch) = batches.next()? {
                survey.add(trainer, &batch)?;
                batches.recycle(batch);
            }
            Ok(())
        })?;
        Ok(survey)
    }
}
