//! `--dry-run`: what a run would take, after reading all inputs and computing one small batch.

use super::plan::{Planner, Tally};
use crate::{
    Result,
    cli::{Context, log},
    plm::{batch::Batch, engine::Engine, place::Place, weights::ModelFolder},
    table::schema::ActivationType,
};
use std::time::Instant;

/// Tokens that are computed to learn this machine's speed.
const TRIAL_TOKENS: usize = 2048;
/// Bytes of a row beside its activation and id: position, residue and their offsets.
const ROW_BYTES: u64 = 4 + 4 + 1 + 4;
/// Bytes of this program without a model: code, buffers, queues.
const BASE_BYTES: u64 = 64 << 20;
/// Batches that exist at once: read ahead, computed, and written.
const BATCHES: u64 = 3;

/// Bytes as a person reads them.
fn show(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1u32 << 20);
    if mib < 1024.0 {
        format!("{mib:.1} MiB")
    } else {
        format!("{:.1} GiB", mib / 1024.0)
    }
}

/// Prints the plan.
///
/// # Errors
/// Where an input is bad or standard output is closed.
pub(super) fn print(
    planner: &Planner,
    context: &Context,
    folder: &ModelFolder,
    engine: &Engine,
    places: &[Place],
    of: ActivationType,
    pooled: bool,
) -> Result<()> {
    let config = &folder.architecture;
    let layers = places.iter().map(|p| p.layer).max().unwrap_or(0);
    let of_sequence = |tokens: usize| tokens as f64 * config.flops_per_token(layers, tokens);
    let mut flops = 0.0;
    let mut trial = Batch::new();
    let tally = planner.each(|work| {
        for window in &work.windows {
            let tokens = planner.vocabulary.window_tokens(window.len());
            flops += of_sequence(tokens);
            if trial.tokens().len() < TRIAL_TOKENS {
                trial.push(planner.vocabulary, &work.sequence[window.clone()]);
            }
        }
        true
    })?;
    let rate = rate(&trial, engine, places, of_sequence)?;
    let element = match of {
        ActivationType::F16 => 2,
        ActivationType::F32 => 4,
    };
    let width = config.width as u64;
    let rows = if pooled { tally.proteins } else { tally.rows };
    let table = if pooled {
        rows * (width * element + 4) + tally.id_bytes * rows / tally.rows.max(1)
    } else {
        rows * (width * element + ROW_BYTES) + tally.id_bytes
    };
    log::plan(&format!(
        "model: {} of {} blocks, width {width}, on {} with {} threads",
        layers,
        config.layers,
        engine.device(),
        context.threads()
    ))?;
    log::plan(&format!(
        "input: {} proteins, {} residues, {} tokens in windows, {} bad records",
        tally.proteins,
        tally.residues,
        tally.tokens,
        tally.skipped.len()
    ))?;
    log::plan(&format!(
        "tables: {} x {rows} rows, {} each",
        places.len(),
        show(table)
    ))?;
    log::plan(&format!(
        "memory: about {}",
        show(memory(planner, folder, places, layers, &tally))
    ))?;
    match rate {
        Some(rate) => log::plan(&format!("time: about {:.0} s", flops / rate)),
        None => log::plan("time: none, there is nothing to compute"),
    }?;
    Ok(())
}

/// The weights of the blocks that run, and what the batches in flight hold: the residual stream,
/// queries, keys, values and the attention's result, and a copy for each place.
fn memory(
    planner: &Planner,
    folder: &ModelFolder,
    places: &[Place],
    layers: usize,
    tally: &Tally,
) -> u64 {
    let config = &folder.architecture;
    let tokens = (planner.budget as u64).min(tally.tokens);
    let activations = 4 * tokens * config.width as u64;
    let weights = folder.bytes(layers);
    BASE_BYTES + weights + 5 * activations + BATCHES * places.len() as u64 * activations
}

/// Work per second on some proteins, computed once to warm up and once for the clock.
fn rate(
    batch: &Batch,
    engine: &Engine,
    places: &[Place],
    flops: impl Fn(usize) -> f64,
) -> Result<Option<f64>> {
    if batch.sequences() == 0 {
        return Ok(None);
    }
    engine.forward(batch, places)?.fetch()?;
    let started = Instant::now();
    engine.forward(batch, places)?.fetch()?;
    let work: f64 = (0..batch.sequences())
        .map(|s| flops(batch.range(s).len()))
        .sum();
    Ok(Some(work / started.elapsed().as_secs_f64()))
}
