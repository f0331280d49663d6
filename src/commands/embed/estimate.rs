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

/// How large a table will be.
struct TableSize {
    rows: u64,
    bytes: u64,
}

/// A run that is planned.
pub(super) struct Estimate<'a> {
    pub(super) planner: &'a Planner<'a>,
    pub(super) folder: &'a ModelFolder,
    pub(super) engine: &'a Engine,
    pub(super) places: &'a [Place],
    /// Type of the tables' numbers.
    pub(super) of: ActivationType,
    /// Whether a protein is one row.
    pub(super) pooled: bool,
}

impl Estimate<'_> {
    /// Prints the plan.
    ///
    /// # Errors
    /// Where an input is bad or standard output is closed.
    pub(super) fn print(&self, context: &Context) -> Result<()> {
        let architecture = &self.folder.architecture;
        let layers = self.layers();
        let mut flops = 0.0;
        let mut trial = Batch::new();
        let vocabulary = self.planner.vocabulary;
        let tally = self.planner.each(|work| {
            for window in &work.windows {
                flops += self.flops(vocabulary.window_tokens(window.len()));
                if trial.tokens().len() < TRIAL_TOKENS {
                    work.push(window.clone(), vocabulary, &mut trial);
                }
            }
            true
        })?;
        let rate = self.rate(&trial)?;
        let table = self.table(&tally);
        log::plan(&format!(
            "model: {}, {layers} of {} blocks, width {}, on {} with {} threads",
            architecture.family,
            architecture.layers,
            architecture.width,
            self.engine.device(),
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
            "tables: {} x {} rows, {} each",
            self.places.len(),
            table.rows,
            show(table.bytes)
        ))?;
        log::plan(&format!("memory: about {}", show(self.memory(&tally))))?;
        match rate {
            Some(rate) => log::plan(&format!("time: about {:.0} s", flops / rate)),
            None => log::plan("time: none, there is nothing to compute"),
        }?;
        Ok(())
    }

    /// Blocks that run.
    fn layers(&self) -> usize {
        self.places.iter().map(|p| p.layer).max().unwrap_or(0)
    }

    /// Work of a sequence of so many tokens.
    fn flops(&self, tokens: usize) -> f64 {
        let architecture = &self.folder.architecture;
        tokens as f64 * architecture.flops_per_token(self.layers(), tokens)
    }

    /// The size of a table.
    fn table(&self, tally: &Tally) -> TableSize {
        let element = match self.of {
            ActivationType::F16 => 2,
            ActivationType::F32 => 4,
        };
        let activation = self.folder.architecture.width as u64 * element;
        if self.pooled {
            let rows = tally.proteins;
            let ids = tally.id_bytes * rows / tally.rows.max(1);
            TableSize {
                rows,
                bytes: rows * (activation + 4) + ids,
            }
        } else {
            let rows = tally.rows;
            TableSize {
                rows,
                bytes: rows * (activation + ROW_BYTES) + tally.id_bytes,
            }
        }
    }

    /// The weights of the blocks that run, and what the batches in flight hold: the residual stream,
    /// queries, keys, values and the attention's result, and a copy for each place.
    fn memory(&self, tally: &Tally) -> u64 {
        let tokens = (self.planner.budget as u64).min(tally.tokens);
        let activations = 4 * tokens * self.folder.architecture.width as u64;
        let weights = self.folder.bytes(self.layers());
        let copies = BATCHES * self.places.len() as u64;
        BASE_BYTES + weights + 5 * activations + copies * activations
    }

    /// Work per second on some proteins, computed once to warm up and once for the clock.
    fn rate(&self, batch: &Batch) -> Result<Option<f64>> {
        if batch.sequences() == 0 {
            return Ok(None);
        }
        self.engine.forward(batch, self.places)?.fetch()?;
        let started = Instant::now();
        self.engine.forward(batch, self.places)?.fetch()?;
        let sequences = 0..batch.sequences();
        let work: f64 = sequences.map(|s| self.flops(batch.range(s).len())).sum();
        Ok(Some(work / started.elapsed().as_secs_f64()))
    }
}
