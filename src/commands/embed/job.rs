//! One run: reading, computing and writing, each ahead of the next.

use super::{
    Args, Pool,
    emit::{self, Emitter},
    plan::{self, Batched, Planner, Tally},
};
use crate::{
    Error, Result,
    cli::{Output, Target, progress::Progress},
    error::no_thread,
    plm::{
        engine::{Computed, Engine},
        place::Place,
        weights::ModelFolder,
    },
    table::{PlmIdentity, activations::ActivationInfo},
};
use std::{panic::resume_unwind, sync::mpsc, thread};

/// One run.
pub(super) struct Job<'a> {
    pub(super) args: &'a Args,
    pub(super) folder: &'a ModelFolder,
    pub(super) places: &'a [Place],
    pub(super) wanted: Option<&'a PlmIdentity>,
    pub(super) targets: &'a [Target],
}

impl Job<'_> {
    /// Reads, computes and writes.
    ///
    /// # Errors
    /// Of the step that failed first; where several did, the computing's.
    pub(super) fn run(
        &self,
        planner: &Planner,
        engine: &Engine,
        outputs: Vec<Output>,
    ) -> Result<Tally> {
        let total = if self.args.common.quiet {
            None
        } else {
            plan::count_residues(&self.args.input)
        };
        // a batch waits on either side of the one that is computed
        let (batches, batched) = mpsc::sync_channel::<Batched>(1);
        let (results, done) = mpsc::sync_channel::<(Batched, Computed)>(1);
        thread::scope(|scope| {
            let reading = spawn(scope, "read", move || planner.run(&batches))?;
            let writing = spawn(scope, "write", move || -> Result<Emitter> {
                let mut emitter = self.emitter(outputs)?;
                let mut progress = Progress::new("residues", total);
                for (batch, computed) in done {
                    // copying from a device overlaps with the next batch
                    progress.add(emitter.batch(&batch, &computed.fetch()?)?);
                }
                progress.finish();
                Ok(emitter)
            })?;
            let mut computing = Ok(());
            for batch in batched {
                match engine.forward(&batch.batch, self.places) {
                    Ok(computed) => {
                        // nobody takes results any more: the writer's error says why
                        if results.send((batch, computed)).is_err() {
                            break;
                        }
                    }
                    Err(error) => {
                        computing = Err(Error::from(error));
                        break;
                    }
                }
            }
            drop(results);
            let read = reading.join().unwrap_or_else(|p| resume_unwind(p));
            let written = writing.join().unwrap_or_else(|p| resume_unwind(p));
            computing?;
            let tally = read?;
            // outputs are completed only here, after the last batch of all
            written?.finish()?;
            Ok(tally)
        })
    }

    /// Begins the tables; the identity of the weights is taken while the first batch is computed.
    fn emitter(&self, outputs: Vec<Output>) -> Result<Emitter<'_>> {
        let sha256 = self.folder.sha256()?;
        let mut tables = Vec::with_capacity(outputs.len());
        for ((place, output), target) in self.places.iter().zip(outputs).zip(self.targets) {
            let plm = self.folder.identity(*place, sha256.clone());
            if let (Some(wanted), Some(sae)) = (self.wanted, &self.args.sae) {
                let (sae, model) = (
                    sae.display().to_string(),
                    self.args.model.display().to_string(),
                );
                wanted.check_same(&sae, &plm, &model)?;
            }
            let info = ActivationInfo {
                plm: Some(plm),
                sample: self.args.sample,
                pool: self.args.pool.map(|Pool::Mean| "mean".into()),
                compute: Some(self.args.plm.compute.name().into()),
            };
            tables.push(emit::Table::new(output, target, self.args.of(), &info)?);
        }
        Ok(Emitter::new(
            tables,
            self.folder.architecture.width,
            self.args.pool.is_some(),
        ))
    }
}

/// Starts a thread of this name.
///
/// # Errors
/// Of kind [`std::io::ErrorKind::OutOfMemory`] where it cannot be started.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> std::io::Result<thread::ScopedJoinHandle<'scope, T>> {
    thread::Builder::new()
        .name(name.into())
        .spawn_scoped(scope, work)
        .map_err(no_thread)
}
