//! What a run says, and the folder that it leaves.

use super::{curves, inputs::Inputs};
use crate::{
    Result,
    annot::concept::ConceptsFile,
    cli::{Context, OutputFolder, context::to_json, log, progress::Progress},
    commands::output_folder::{CURVES_FILE, EVENTS_FOLDER, EVENTS_NAME},
    error::Context as _,
    sae::{config::Shape, folder},
    train::{
        device::Device,
        driver::{Event, RunOptions, Task, Trained},
        meter::{EpochLine, Measures},
    },
};
use std::path::Path;

/// Trains, and says how it goes.
pub(super) fn run(
    inputs: Inputs,
    tasks: &[Task<'_>],
    options: &RunOptions,
) -> Result<Vec<Trained>> {
    let total = tasks.first().and_then(|task| inputs.total(&task.training));
    let batch = tasks.first().map_or(0, |task| task.training.batch as u64);
    let mut progress = Progress::new("rows", total);
    let mut on_event = |event: Event<'_>| match event {
        Event::Predicted {
            dead,
            uncentred,
            rows,
        } => {
            let other = uncentred.map_or_else(String::new, |share| {
                format!(" ({:.1} % without centring)", 100.0 * share)
            });
            progress.info(&format!(
                "predicted share of dead latents: {:.1} %{other}, by {rows} rows through the initial weights",
                100.0 * dead
            ));
        }
        Event::Resumed(position) => {
            progress.skip(position.step.saturating_mul(batch));
            progress.info(&format!(
                "going on from step {}, epoch {}",
                position.step, position.epoch
            ));
        }
        Event::Rows(rows) => progress.add(rows),
        Event::Epoch(line) => progress.info(&describe(line)),
    };
    let trained = inputs.train(tasks, options, &mut on_event);
    progress.finish();
    trained
}

fn describe(line: &EpochLine) -> String {
    let show = |m: &Measures| {
        let number = |v: Option<f64>| v.map_or("-".into(), |v| format!("{v:.4}"));
        format!(
            "L_annot {}, FVU {}, L0 {:.1}, dead {}",
            number(m.l_annot),
            number(m.fvu),
            m.l0,
            m.dead
        )
    };
    let train = format!("epoch {}: {}", line.epoch, show(&line.train));
    match &line.valid {
        None => train,
        Some(valid) => format!(
            "{train}; validation {}{}",
            show(valid),
            if line.selected { " (best)" } else { "" }
        ),
    }
}

/// Says how it ended.
pub(super) fn report(context: &Context, trained: &Trained) {
    let summary = &trained.summary;
    context.metric("steps", summary.steps);
    context.metric("epochs", summary.epochs);
    context.metric("rows", summary.train.rows);
    context.metric("dead_latents", summary.train.dead);
    context.metric("seconds", trained.speed.seconds);
    context.metric("rows_per_s", trained.speed.rows_per_s);
    let share = summary.train.dead as f64 / trained.config.shape.latents as f64;
    log::info(&format!(
        "{} steps; {:.1} % of the latents are dead; FVU {}",
        summary.steps,
        100.0 * share,
        summary.train.fvu.map_or("-".into(), |f| format!("{f:.4}"))
    ));
}

/// Writes a model into the output folder: itself, or its folder of this name.
pub(super) fn write(
    folder: &OutputFolder,
    name: &str,
    trained: &Trained,
    concepts: &ConceptsFile,
    tensorboard: bool,
) -> Result<()> {
    let prefix = Path::new(name);
    let path = folder.path().join(prefix);
    std::fs::create_dir_all(&path).path(&path)?;
    let put = |name: &str, content: &[u8]| {
        let name = prefix.join(name);
        folder.write(&name.to_string_lossy(), content)
    };
    folder::write_weights(
        &path.join(folder::WEIGHTS_FILE),
        &folder::ModelTensors {
            params: &trained.params,
            latent_max: &trained.latent_max,
            latent_scale: &[],
            positive_weight: &trained.positive_weight,
        },
    )?;
    put(folder::CONFIG_FILE, trained.config.to_yaml()?.as_bytes())?;
    put(folder::CONCEPTS_FILE, to_json(concepts)?.as_bytes())?;
    put(folder::SUMMARY_FILE, to_json(&trained.summary)?.as_bytes())?;
    put(folder::LOG_FILE, &trained.log)?;
    let log = curves::lines(&trained.log);
    put(CURVES_FILE, &curves::page(&log, &trained.config)?)?;
    if tensorboard {
        std::fs::create_dir_all(path.join(EVENTS_FOLDER)).path(&path)?;
        let name = format!("{EVENTS_FOLDER}/{EVENTS_NAME}");
        put(&name, &curves::events(&log)?)?;
    }
    Ok(())
}

/// Prints what would be trained.
pub(super) fn plan(inputs: &Inputs, tasks: &[Task<'_>], device: &Device) -> Result<()> {
    log::plan(&format!("on {}", device.name()))?;
    for task in tasks {
        plan_one(inputs, task)?;
    }
    Ok(())
}

fn plan_one(inputs: &Inputs, task: &Task<'_>) -> Result<()> {
    let Shape {
        width,
        latents,
        defined,
        ..
    } = task.shape;
    // master weights and two moments of two matrices, and the best model so far
    let memory = (8 * 4 * latents * width) >> 20;
    let k = task.objective.variant.k();
    let k = k.map_or_else(String::new, |k| format!(", K {k}"));
    log::plan(&format!(
        "{latents} latents, {defined} of concepts, width {width}{k}; about {memory} MB"
    ))?;
    match inputs.total(&task.training) {
        Some(rows) => {
            // one product of encoder size and as much again for the rest, at 20 GFLOP/s
            let seconds = 4.0 * rows as f64 * (latents * width) as f64 / 2e10;
            log::plan(&format!("{rows} rows to train on, about {seconds:.0} s"))?;
        }
        None => log::plan("one pass over a stream of unknown length")?,
    }
    Ok(())
}
