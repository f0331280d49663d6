//! Training on a pipe.

use super::{Event, RunOptions, SUMMARY_FORMAT, Summary, Task, Trained, predict::predict};
use crate::{
    Result,
    sae::{
        config::Variant,
        error::{SaeError, SettingError},
        settings::Schedule,
    },
    train::{
        data::{batch::Batch, dataset::LabelCounts, loader::with_batches, pipe::Pipe},
        device::HeldRows,
        meter::{EvaluationPass, Measures},
        session::{Planned, Run},
        splice,
        statistics::Statistics,
        task::SURVEY_ROWS,
    },
};

/// Trains on a pipe, in one pass.
///
/// # Errors
/// As [`super::train()`].
pub(crate) fn train_on_pipe(
    task: &Task<'_>,
    pipe: &mut Pipe<'_>,
    options: &RunOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Trained> {
    check(task)?;
    pipe.prefill()?;
    let mut run = begin(task, pipe, options)?;
    if !task.objective.variant.only_concepts() {
        on_event(predict(&mut run, &mut first_rows(pipe))?);
    }
    let mut latent_max = vec![0.0; task.shape.latents];
    with_batches(pipe, |batches| {
        let mut ready = batches.next()?;
        while !run.is_over()
            && let Some(batch) = ready.take()
        {
            ready = batches.next()?;
            run.step(&batch, ready.as_ref(), Some(&mut latent_max))?;
            on_event(Event::Rows(batch.rows() as u64));
            batches.recycle(batch);
        }
        Ok(())
    })?;
    finish(run, pipe, latent_max, on_event)
}

/// Refuses what needs to know how many rows there are, or to see them twice.
fn check(task: &Task<'_>) -> Result<(), SaeError> {
    if task.training.schedule == Schedule::Cosine && task.training.max_steps.is_none() {
        let message = "cosine on a pipe, whose length nobody knows, needs max_steps";
        return Err(SettingError::new("schedule", message).into());
    }
    if matches!(task.objective.variant, Variant::Splice(_)) {
        splice::check(false, true)?;
    }
    Ok(())
}

/// Begins a run by the rows that wait in the pipe.
fn begin<'a>(task: &'a Task<'_>, pipe: &mut Pipe<'_>, options: &'a RunOptions) -> Result<Run<'a>> {
    let statistics = Statistics::of(
        pipe.waiting().iter().map(|row| row.x.as_slice()),
        task.shape.width,
    );
    let (config, params) = task.begin(&statistics);
    let mut counts = LabelCounts::new(task.concepts.concepts.len());
    for row in pipe.waiting() {
        counts.add(&row.labels, row.groups);
    }
    if pipe.waiting().is_empty() {
        return Err(SaeError::NoRows(": the pipe brought none".into()).into());
    }
    let scale = config.input_scale;
    pipe.scale = scale as f32;
    let planned = Planned {
        variance: statistics.variance * scale * scale,
        steps: task.training.max_steps.unwrap_or(0),
    };
    let groups = pipe.groups();
    let weights = task.positive_weights(&counts.finish(groups));
    let held = HeldRows::default();
    let trainer = task.trainer(params, weights.clone(), groups, &options.device, &held)?;
    // what is read once has no checkpoint to go on from: its data need no identity
    Ok(Run {
        positive_weight: weights,
        ..Run::new(trainer, config, options, &task.name, planned)
    })
}

/// The first of the rows that wait.
fn first_rows(pipe: &Pipe<'_>) -> Batch<f32> {
    let mut sample = Batch::default();
    sample.clear();
    for row in pipe.waiting().iter().take(SURVEY_ROWS) {
        sample.x.extend_from_slice(&row.x);
        sample.end_row(false);
    }
    sample
}

/// The model, measured on the rows that were put aside.
fn finish(
    mut run: Run<'_>,
    pipe: &Pipe<'_>,
    latent_max: Vec<f32>,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Trained> {
    let shape = run.config.shape;
    let params = run.finite_params()?;
    let variance = run.planned.variance;
    let train = run.meters.epoch.measures(variance, shape.defined);
    let mut survey = EvaluationPass::new(shape.latents, shape.width);
    for batch in pipe.valid_batches() {
        survey.add(&mut *run.trainer, &batch)?;
    }
    let valid: Option<Measures> = Some(survey.measures(shape.defined)).filter(|v| v.rows > 0);
    on_event(Event::Epoch(&run.end_epoch(valid.clone())?));
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
        params,
        speed: run.watch.speed(),
        config: run.config,
        latent_max,
        positive_weight: run.positive_weight,
        summary,
        log: run.log,
    })
}
