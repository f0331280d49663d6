//! Training on a pipe.

use super::{Event, RunOptions, SUMMARY_FORMAT, SURVEY_ROWS, Summary, Task, Trained, predict};
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
        identity::DataIdentity,
        meter::EvaluationPass,
        session::Run,
        splice,
        statistics::Statistics,
    },
};

/// Trains on a pipe, in one pass.
///
/// # Errors
/// As [`super::train()`].
pub fn train_on_pipe(
    task: &Task<'_>,
    pipe: &mut Pipe<'_>,
    options: &RunOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Trained> {
    let shape = task.shape;
    if task.training.schedule == Schedule::Cosine && task.training.max_steps.is_none() {
        let message = "cosine on a pipe, whose length nobody knows, needs max_steps";
        return Err(SaeError::from(SettingError::new("schedule", message)).into());
    }
    if matches!(task.objective.variant, Variant::Splice(_)) {
        splice::check(false, true).map_err(SaeError::from)?;
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
    let mut sample = Batch::default();
    sample.clear();
    for (x, ..) in pipe.waiting().take(SURVEY_ROWS) {
        sample.x.extend_from_slice(x);
        sample.end_row(false);
    }
    let groups = pipe.groups().to_vec();
    let held = HeldRows::default();
    let weights = task.positive_weights(&counts.finish(&groups));
    let trainer = task.trainer(params, weights.clone(), &groups, (&options.device, &held))?;
    // what is read once has no checkpoint to go on from
    let of = (task.name.as_str(), DataIdentity::default());
    let mut run = Run::new(trainer, weights, config, options, of, more);
    if !task.objective.variant.only_concepts() {
        on_event(predict(&mut run, &mut sample)?);
    }
    drop(sample);
    let mut latent_max = vec![0.0; shape.latents];
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
    let params = run.finite_params()?;
    let train = run.meters.epoch.measures(run.variance, shape.defined);
    let mut survey = EvaluationPass::new(shape.latents, shape.width);
    for batch in pipe.valid_batches() {
        survey.add(&mut *run.trainer, &batch)?;
    }
    let valid = survey.measures(shape.defined);
    let valid = (valid.rows > 0).then_some(valid);
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
