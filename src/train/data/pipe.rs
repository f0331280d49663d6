//! Rows from a pipe: one pass in the order of arrival, through a seeded shuffle buffer.

use std::collections::VecDeque;

use rand_chacha::ChaCha8Rng;

use super::{batch::Batch, dataset::check_finite, labels::LabelIndex, loader::Source};
use crate::math::random::{Purpose, below, stream};
use crate::{
    Result,
    table::{activations::ActivationBatch, rows::ActivationRows},
};

/// Rows that the shuffle buffer holds.
pub const BUFFER: usize = 1 << 15;

/// What becomes of a protein's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// They are trained on.
    Train,
    /// They are kept for validation, as far as memory allows.
    Valid,
    /// They are left out.
    Neither,
}

/// One row that waits.
#[derive(Clone, Debug, Default)]
struct Waiting {
    /// Its activations, unscaled.
    x: Vec<f32>,
    labels: Vec<u32>,
    groups: u64,
}

/// A stream of activation batches.
pub type Arriving<'a> = Box<dyn Iterator<Item = Result<ActivationBatch>> + Send + 'a>;

/// Decides what becomes of a protein that begins.
pub type Assign<'a> = Box<dyn FnMut(&str) -> Result<Part> + Send + 'a>;

/// Rows from a pipe.
pub struct Pipe<'a> {
    arriving: Arriving<'a>,
    assign: Assign<'a>,
    labels: &'a LabelIndex,
    /// Whether positions run to the protein's end.
    whole: bool,
    pooled: bool,
    current: Option<(String, Part, u32)>,
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
    /// Rows of `arriving`, which belong where `assign` says; in the order of arrival unless
    /// `shuffled`.
    #[must_use]
    pub fn new(
        arriving: Arriving<'a>,
        assign: Assign<'a>,
        labels: &'a LabelIndex,
        (whole, pooled): (bool, bool),
        (seed, shuffled): (u64, bool),
        rows: usize,
    ) -> Self {
        Self {
            arriving,
            assign,
            labels,
            whole,
            pooled,
            current: None,
            pending: VecDeque::new(),
            waiting: Vec::new(),
            valid: Vec::new(),
            free: Vec::new(),
            ended: false,
            rng: shuffled.then(|| stream(seed, Purpose::Stream, 0)),
            scale: 1.0,
            rows,
        }
    }

    /// Fills the shuffle buffer, whose rows the model's first numbers are drawn from.
    ///
    /// # Errors
    /// Where the stream cannot be read.
    pub fn prefill(&mut self) -> Result<()> {
        while self.waiting.len() < BUFFER {
            match self.arrive()? {
                Some(row) => self.waiting.push(row),
                None => break,
            }
        }
        Ok(())
    }

    /// Activations, unscaled, and labels of the rows that wait.
    pub fn waiting(&self) -> impl Iterator<Item = (&[f32], &[u32], u64)> + Clone {
        let rows = self.waiting.iter();
        rows.map(|w| (w.x.as_slice(), w.labels.as_slice(), w.groups))
    }

    /// Group of each concept.
    #[must_use]
    pub fn groups(&self) -> &[u8] {
        self.labels.groups()
    }

    /// Batches of the rows kept for validation.
    pub fn valid_batches(&self) -> impl Iterator<Item = Batch<f32>> {
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
        if let Some((accession, _, length)) = self.current.take()
            && self.whole
        {
            self.labels.check_length(&accession, length)?;
        }
        Ok(())
    }

    fn take(&mut self, batch: &ActivationBatch) -> Result<()> {
        let rows = ActivationRows::new(batch, self.pooled)?;
        for run in batch.runs() {
            let accession = batch.protein(run.start);
            if self.current.as_ref().is_none_or(|c| c.0 != accession) {
                self.end_protein()?;
                let part = (self.assign)(accession)?;
                self.current = Some((accession.to_owned(), part, 0));
            }
            let Some((_, part, length)) = &mut self.current else {
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
