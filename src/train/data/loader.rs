//! Batches made ahead of the step that needs them, on a thread of their own, in memory that goes
//! round.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::{batch::Batch, dataset::Dataset, labels::ProteinLabels, order::EpochOrder};
use crate::{Result, error::no_thread};

/// Batches that may lie ready.
const READY: usize = 2;

/// Where batches come from, one after the other.
pub(crate) trait Source: Send {
    /// Fills `batch` with the next rows; false (and an empty batch) at the end.
    ///
    /// # Errors
    /// Where the data cannot be read.
    fn fill(&mut self, batch: &mut Batch<f32>) -> Result<bool>;
}

/// An epoch of a dataset, in batches of `rows` rows.
#[derive(Debug)]
pub(crate) struct Epoch<'a> {
    /// The tables.
    pub data: &'a Dataset,
    /// The labels of each protein, by its number.
    pub labels: Vec<ProteinLabels<'a>>,
    /// What activations are multiplied by.
    pub scale: f32,
    /// The rows' order.
    pub order: EpochOrder,
    /// Rows of a batch.
    pub rows: usize,
    /// Where each protein's rows begin in what the device holds, by the protein's number; empty where it holds none.
    pub held: &'a [u32],
}

impl Source for Epoch<'_> {
    fn fill(&mut self, batch: &mut Batch<f32>) -> Result<bool> {
        batch.clear();
        while batch.rows() < self.rows {
            let Some(at) = self.order.next(self.data) else {
                break;
            };
            let labels = self.labels[at.protein as usize];
            match self.held.get(at.protein as usize) {
                None => self.data.append(at, self.scale, labels, batch)?,
                Some(first) => {
                    batch.held.push(first + at.row);
                    self.data.append_labels(at, labels, batch);
                }
            }
        }
        Ok(batch.rows() > 0)
    }
}

/// Batches of a source, as the step takes them.
#[derive(Debug)]
pub(crate) struct Batches {
    ready: Receiver<Result<Batch<f32>>>,
    used: SyncSender<Batch<f32>>,
}

impl Batches {
    /// The next batch; none at the end.
    ///
    /// # Errors
    /// Where the data cannot be read.
    pub(crate) fn next(&self) -> Result<Option<Batch<f32>>> {
        // a closed channel is the end: errors come through it
        self.ready.recv().ok().transpose()
    }

    /// Gives a batch's memory back.
    pub(crate) fn recycle(&self, batch: Batch<f32>) {
        // the loader may be done
        let _ = self.used.try_send(batch);
    }
}

/// Runs `consume` beside a thread that fills batches from `source`.
///
/// # Errors
/// What `consume` returns.
pub(crate) fn with_batches<R>(
    source: &mut dyn Source,
    consume: impl FnOnce(&Batches) -> Result<R>,
) -> Result<R> {
    std::thread::scope(|scope| {
        let (send, ready) = sync_channel(READY);
        let (used, returned) = sync_channel::<Batch<f32>>(READY + 2);
        let load = move || {
            loop {
                let mut batch = returned.try_recv().unwrap_or_default();
                let message = match source.fill(&mut batch) {
                    Ok(false) => return,
                    Ok(true) => Ok(batch),
                    Err(error) => Err(error),
                };
                let failed = message.is_err();
                if send.send(message).is_err() || failed {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("load".into())
            .spawn_scoped(scope, load)
            .map_err(no_thread)?;
        // moved into the closure, so that the loader ends when the consumer does
        let batches = Batches { ready, used };
        let outcome = consume(&batches);
        drop(batches);
        outcome
    })
}
