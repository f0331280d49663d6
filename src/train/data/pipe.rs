//! Rows from a pipe: one pass in the order of arrival, through a seeded shuffle buffer.

use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;

use super::{batch::Batch, dataset::check_finite, labels::TrainingLabels, loader::Source};
use crate::math::random::{Purpose, below, stream};
use crate::{
    Result,
    table::{activations::ActivationBatch, rows::ActivationRows},
};

/// Rows that the shuffle buffer holds.
pub(crate) const BUFFER: usize = 1 << 15;

/// What becomes of a protein's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// They are trained on.
    Train,
    /// They are kept for validation, as far as memory allows.
    Valid,
    /// They are left out.
    Neither,
}

/// One row that waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    /// Its activations, unscaled.
    pub(crate) x: Vec<f32>,
    /// Its concepts, ascending.
    pub(crate) labels: Vec<u32>,
    /// Groups of concepts that its protein's labels speak of, a bit each.
    pub(crate) groups: u64,
}

/// What the rows of a stream are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// All residues of each protein, so that its last position is its length.
    Residues,
    /// Some residues of each protein.
    Sample,
    /// One row a protein.
    Pooled,
}

/// The protein that is arriving.
struct Current {
    accession: String,
    part: Part,
    /// Its last position so far.
    length: u32,
}

/// A stream of activation batches.
pub(crate) type Arriving<'a> = Box<dyn Iterator<Item = Result<ActivationBatch>> + Send + 'a>;

/// Decides what becomes of a protein that begins.
pub(crate) type Assign<'a> = Box<dyn FnMut(&str) -> Result<Part> + Send + 'a>;

/// Rows from a pipe.
pub(crate) struct Pipe<'a> {
    arriving: Arriving<'a>,
    assign: Assign<'a>,
    labels: &'a TrainingLabels,
    kind: RowKind,
    current: Option<Current>,
    /// Rows of the batch that arrived last.
    pending: VecDeque<Waiting>,
    waiting: Vec<Waiting>,
    /// Rows kept for validation.
    valid: Vec<Waiting>,
    free: Vec<Waiting>,
    ended: bool,
    rng: Option<ChaCha8Rng>,
    /// What activations are multiplied by.
    pub scale: f32,
    /// Rows of a batch.
    pub rows: usize,
}

impl<'a> Pipe<'a> {
    /// Rows of `arriving`, which belong where `assign` says; shuffled by `seed`, without one in the order of arrival.
    /// Batches have so many `rows`.
    #[must_use]
    pub(crate) fn new(
        arriving: Arriving<'a>,
        assign: Assign<'a>,
        labels: &'a TrainingLabels,
        kind: RowKind,
        seed: Option<u64>,
        rows: usize,
    ) -> Self {
        Self {
            arriving,
            assign,
            labels,
            kind,
            current: None,
            pending: VecDeque::new(),
            waiting: Vec::new(),
            valid: Vec::new(),
            free: Vec::new(),
            ended: false,
            rng: seed.map(|seed| stream(seed, Purpose::Stream, 0)),
            scale: 1.0,
            rows,
        }
    }

    /// Fills the shuffle buffer, whose rows the model's first numbers are drawn from.
    ///
    /// # Errors
    /// Where the stream cannot be read.
    pub(crate) fn prefill(&mut self) -> Result<()> {
        while self.waiting.len() < BUFFER {
            match self.arrive()? {
                Some(row) => self.waiting.push(row),
                None => break,
            }
        }
        Ok(())
    }

    /// The rows that wait.
    pub(crate) fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// Group of each concept.
    #[must_use]
    pub(crate) fn groups(&self) -> &[u8] {
        self.labels.groups()
    }

    /// Batches of the rows kept for validation.
    pub(crate) fn valid_batches(&self) -> impl Iterator<Item = Batch<f32>> {
        self.valid.chunks(self.rows.max(1024)).map(|rows| {
            let mut batch = Batch::default();
            batch.clear();
            for row in rows {
                push(&mut batch, row, self.scale);
            }
            batch
        })
    }

    /// The next row of the training set as it arrives.
    fn arrive(&mut self) -> Result<Option<Waiting>> {
        loop {
            if let Some(row) = self.pending.pop_front() {
                return Ok(Some(row));
            }
            if self.ended {
                return Ok(None);
            }
            if let Some(batch) = self.arriving.next() {
                self.take(&batch?)?;
            } else {
                self.end_protein()?;
                self.ended = true;
            }
        }
    }

    fn end_protein(&mut self) -> Result<()> {
        if let Some(protein) = self.current.take()
            && self.kind == RowKind::Residues
        {
            self.labels
                .check_length(&protein.accession, protein.length)?;
        }
        Ok(())
    }

    fn take(&mut self, batch: &ActivationBatch) -> Result<()> {
        let rows = ActivationRows::new(batch, self.kind == RowKind::Pooled)?;
        for run in batch.runs() {
            let accession = batch.protein(run.start);
            let current = self.current.as_ref();
            if current.is_none_or(|current| current.accession != accession) {
                self.end_protein()?;
                self.current = Some(Current {
                    part: (self.assign)(accession)?,
                    accession: accession.to_owned(),
                    length: 0,
                });
            }
            let Some(Current { part, length, .. }) = &mut self.current else {
                continue;
            };
            let labels = self.labels.protein(accession);
            for row in run {
                let position = rows.position(row);
                *length = (*length).max(position.unwrap_or(0));
                let keep = match part {
                    Part::Train => true,
                    Part::Valid => self.valid.len() < BUFFER,
                    Part::Neither => false,
                };
                if !keep {
                    continue;
                }
                let mut waiting = self.free.pop().unwrap_or_default();
                waiting.x.resize(batch.width(), 0.0);
                rows.copy(row, &mut waiting.x);
                check_finite(&waiting.x, accession, position)?;
                waiting.labels.clear();
                labels.append(position, &mut waiting.labels);
                waiting.groups = labels.groups;
                if *part == Part::Train {
                    self.pending.push_back(waiting);
                } else {
                    self.valid.push(waiting);
                }
            }
        }
        Ok(())
    }

    /// The next row of the training set, shuffled.
    fn next_row(&mut self) -> Result<Option<Waiting>> {
        let Some(rng) = &mut self.rng else {
            if self.waiting.is_empty() {
                return self.arrive();
            }
            // what was read ahead comes first, in its order
            for row in self.waiting.drain(..).rev() {
                self.pending.push_front(row);
            }
            return Ok(self.pending.pop_front());
        };
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let at = below(rng, self.waiting.len() as u64) as usize;
        let row = self.waiting.swap_remove(at);
        if let Some(next) = self.arrive()? {
            self.waiting.push(next);
        }
        Ok(Some(row))
    }
}

fn push(batch: &mut Batch<f32>, row: &Waiting, scale: f32) {
    batch.x.extend(row.x.iter().map(|v| v * scale));
    batch.labels.extend_from_slice(&row.labels);
    batch.end_row_of(row.groups);
}

impl Source for Pipe<'_> {
    fn fill(&mut self, batch: &mut Batch<f32>) -> Result<bool> {
        batch.clear();
        while batch.rows() < self.rows {
            let Some(row) = self.next_row()? else { break };
            push(batch, &row, self.scale);
            self.free.push(row);
        }
        Ok(batch.rows() > 0)
    }
}
