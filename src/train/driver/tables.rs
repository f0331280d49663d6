//! Training on tables, whose rows can be read in any order and again.

use super::{
    Event, RunOptions, SUMMARY_FORMAT, Summary, Task, Trained, TrainingData, predict::predict,
};
use crate::{
    Result,
    sae::{
        config::Variant,
        error::{SaeError, SettingError},
        settings::Training,
    },
    train::{
        checkpoint::{self, Checkpoints, Position},
        data::{
            loader::{Epoch, with_batches},
            order::EpochOrder,
        },
        device::HeldRows,
        identity::DataIdentity,
        session::{Planned, Run},
        splice::{self, Dictionary},
        statistics::{Statistics, statistics},
    },
};

/// Trains on tables that can be read in any order: one model a task, all on one pass over the data.
///
/// The tasks share the order of rows, their batches and their number, and the normalisation.
///
/// # Errors
/// Where settings do not fit, data cannot be read, the loss diverges, or a checkpoint does not fit.
pub(crate) fn train(
    tasks: &[Task<'_>],
    data: &TrainingData<'_>,
    options: &RunOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Vec<Trained>> {
    let Some(first) = tasks.first() else {
        return Ok(Vec::new());
    };
    let training = &first.training;
    if data.train_rows() == 0 {
        return Err(SaeError::NoRows(String::new()).into());
    }
    if training.patience.is_some() && data.valid.is_empty() {
        let message = "it needs proteins to validate with: a split";
        return Err(SaeError::from(SettingError::new("patience", message)).into());
    }
    let (statistics, mut sample) = statistics(data, training)?;
    let (mut runs, held) = begin(tasks, data, options, &statistics)?;
    let checkpoints = Checkpoints::new(&options.checkpoint_dir);
    if options.resume && resume(&mut runs, &checkpoints)? {
        on_event(Event::Resumed(&runs[0].position));
    }
    if runs[0].position.step == 0 && !first.objective.variant.only_concepts() {
        on_event(predict(&mut runs[0], &mut sample)?);
    }
    drop(sample);
    if matches!(first.objective.variant, Variant::Splice(_)) {
        splice::check(first.init.is_some(), false).map_err(SaeError::from)?;
        put_dictionary(&mut runs, data)?;
        end_epoch(&mut runs, data, on_event)?;
    } else {
        for epoch in runs[0].position.epoch..=training.epochs {
            make_steps(&mut runs, epoch, data, &held, &checkpoints, on_event)?;
            if end_epoch(&mut runs, data, on_event)? || runs[0].is_over() {
                break;
            }
        }
    }
    runs.into_iter().map(|run| finish(run, data)).collect()
}

/// Begins a run for each task, and takes rows along to the device.
fn begin<'a>(
    tasks: &'a [Task<'_>],
    data: &TrainingData<'_>,
    options: &'a RunOptions,
    statistics: &Statistics,
) -> Result<(Vec<Run<'a>>, HeldRows)> {
    let counts = data.data.count_labels(&data.train, data.labels);
    let begun: Vec<_> = tasks.iter().map(|task| task.begin(statistics)).collect();
    let identity = match tasks.first() {
        Some(first) => DataIdentity::of(data, first.concepts, options)?,
        None => DataIdentity::default(),
    };
    let scale = begun.first().map_or(1.0, |(config, _)| config.input_scale);
    let held = options.device.hold(tasks, data, scale as f32)?;
    let mut runs = Vec::new();
    for (task, (config, params)) in tasks.iter().zip(begun) {
        let groups = data.labels.groups();
        let weights = task.positive_weights(&counts);
        let trainer = task.trainer(params, weights.clone(), groups, &options.device, &held)?;
        let scale = config.input_scale;
        let planned = Planned {
            variance: statistics.variance * scale * scale,
            steps: planned_steps(&task.training, data.train_rows()),
        };
        runs.push(Run {
            positive_weight: weights,
            identity: identity.clone(),
            ..Run::new(trainer, config, options, &task.name, planned)
        });
    }
    Ok((runs, held))
}

/// Goes on from the last checkpoint; whether there is one.
fn resume(runs: &mut [Run<'_>], checkpoints: &Checkpoints) -> Result<bool> {
    let names: Vec<&str> = runs.iter().map(|run| run.name).collect();
    let Some(dir) = checkpoints.last(&names)? else {
        return Ok(false);
    };
    for run in runs {
        let saved = checkpoint::load(&dir.join(run.name), &run.config, &run.identity)?;
        run.restore(saved)?;
    }
    Ok(true)
}

/// Gives `SpLiCE` models their dictionary: all that they have to learn.
fn put_dictionary(runs: &mut [Run<'_>], data: &TrainingData<'_>) -> Result<()> {
    let Some(first) = runs.first() else {
        return Ok(());
    };
    let (concepts, scale) = (first.config.shape.defined, first.config.input_scale);
    let dictionary = Dictionary::of(data, concepts, scale as f32)?;
    for run in runs {
        let params = dictionary.params(run.config.shape, &run.config.objective);
        run.trainer.replace_params(params)?;
    }
    Ok(())
}

/// Makes the steps of an epoch, from where the runs are in it.
fn make_steps(
    runs: &mut [Run<'_>],
    epoch: u32,
    data: &TrainingData<'_>,
    held: &HeldRows,
    checkpoints: &Checkpoints,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<()> {
    for run in &mut *runs {
        run.begin_epoch(epoch);
    }
    let first = &runs[0];
    let training = &first.config.training;
    let seed = training.order_seed.unwrap_or(training.seed);
    let mut order = EpochOrder::new(&data.train, seed, training.shuffle, epoch);
    order.skip(data.data, first.position.rows);
    let every = first.options.checkpoint_every;
    let mut source = Epoch {
        data: data.data,
        labels: data.data.labels(data.labels),
        scale: first.config.input_scale as f32,
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
            for run in &mut *runs {
                run.step(&batch, ready.as_ref(), None)?;
            }
            if every > 0 && runs[0].position.step.is_multiple_of(every) {
                save(checkpoints, runs)?;
            }
            on_event(Event::Rows(batch.rows() as u64));
            batches.recycle(batch);
        }
        Ok(())
    })
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
fn planned_steps(training: &Training, rows: u64) -> u64 {
    let an_epoch = rows.div_ceil(training.batch as u64);
    let steps = an_epoch.saturating_mul(training.epochs.into());
    training.max_steps.map_or(steps, |most| most.min(steps))
}
