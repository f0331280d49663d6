//! Activations into tables: windows blended, residues chosen or pooled.

use super::plan::{Batched, Piece};
use crate::{
    Error, Result,
    cli::{Output, Target},
    error::Context as _,
    plm::{
        encoder::Activations,
        window::{Blend, Blended},
    },
    table::{
        activations::{ActivationInfo, ActivationWriter},
        schema::ActivationType,
    },
};
use half::f16;
use std::ops::Range;

/// One output.
pub(super) struct Table<'a> {
    writer: ActivationWriter<Output>,
    target: &'a Target,
    /// Largest magnitude that its numbers can have.
    largest: f32,
    blend: Blend,
    /// Sums over the residues of the current protein, where it is pooled.
    sums: Vec<f64>,
}

impl<'a> Table<'a> {
    /// Begins a table.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn new(
        output: Output,
        target: &'a Target,
        of: ActivationType,
        info: &ActivationInfo,
    ) -> Result<Self> {
        let width = info.plm.as_ref().map_or(0, |plm| plm.width as usize);
        let writer = ActivationWriter::new(output, target.container(), width, of, info)
            .during(&target.to_string())?;
        Ok(Self {
            writer,
            target,
            largest: match of {
                ActivationType::F16 => f16::MAX.to_f32(),
                ActivationType::F32 => f32::MAX,
            },
            blend: Blend::default(),
            sums: Vec::new(),
        })
    }

    /// Refuses what the table's type cannot hold.
    fn check(&self, piece: &Piece, first: usize, rows: &[f32], width: usize) -> Result<()> {
        let Some(at) = rows
            .iter()
            .position(|v| v.abs() > self.largest || v.is_nan())
        else {
            return Ok(());
        };
        let (value, position) = (rows[at], first + at / width + 1);
        let cure = if value.is_finite() {
            "more than half precision holds: say --dtype f32"
        } else {
            "the weights are damaged"
        };
        let id = &piece.work.accession;
        Err(Error::data(format!(
            "protein '{id}' has activation {value} at position {position}: {cure}"
        )))
    }

    /// Takes the rows of a window.
    fn window(
        &mut self,
        piece: &Piece,
        rows: &mut [f32],
        width: usize,
        pooled: bool,
    ) -> Result<()> {
        let work = &piece.work;
        let mut blend = std::mem::take(&mut self.blend);
        let Blended {
            residues: range,
            rows: done,
        } = blend.push(&work.windows, piece.window, width, rows);
        self.check(piece, range.start, done, width)?;
        if pooled {
            self.pool(piece, range, done, width)?;
        } else {
            self.residues(piece, range, done, width)?;
        }
        self.blend = blend;
        Ok(())
    }

    fn pool(
        &mut self,
        piece: &Piece,
        range: Range<usize>,
        done: &[f32],
        width: usize,
    ) -> Result<()> {
        if range.start == 0 {
            self.sums.clear();
            self.sums.resize(width, 0.0);
        }
        for row in done.chunks_exact(width) {
            for (sum, &value) in self.sums.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        let residues = piece.work.sequence.len();
        if range.end == residues {
            let mean: Vec<f32> = self
                .sums
                .iter()
                .map(|s| (s / residues as f64) as f32)
                .collect();
            self.writer
                .push_pooled(&piece.work.accession, &mean)
                .during(&self.target.to_string())?;
        }
        Ok(())
    }

    fn residues(
        &mut self,
        piece: &Piece,
        range: Range<usize>,
        done: &[f32],
        width: usize,
    ) -> Result<()> {
        let work = &piece.work;
        let id = &work.accession;
        let position = |i: usize| i as u32 + 1;
        let pushed = match &work.chosen {
            None => {
                let positions: Vec<u32> = range.clone().map(position).collect();
                self.writer
                    .push(id, &positions, &work.sequence[range], done)
            }
            Some(chosen) => {
                let from = chosen.partition_point(|&i| i < range.start);
                let to = chosen.partition_point(|&i| i < range.end);
                let here = &chosen[from..to];
                let positions: Vec<u32> = here.iter().map(|&i| position(i)).collect();
                let letters: Vec<u8> = here.iter().map(|&i| work.sequence[i]).collect();
                let mut rows = Vec::with_capacity(here.len() * width);
                for &i in here {
                    rows.extend_from_slice(&done[(i - range.start) * width..][..width]);
                }
                self.writer.push(id, &positions, &letters, &rows)
            }
        };
        pushed.during(&self.target.to_string())
    }
}

/// All outputs of a run.
pub(super) struct Emitter<'a> {
    tables: Vec<Table<'a>>,
    width: usize,
    pooled: bool,
    rows: Vec<f32>,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(tables: Vec<Table<'a>>, width: usize, pooled: bool) -> Self {
        Self {
            tables,
            width,
            pooled,
            rows: Vec::new(),
        }
    }

    /// Takes the activations of a batch; returns how many residues were done with.
    ///
    /// # Errors
    /// Where a number does not fit the table, or it cannot be written.
    pub(super) fn batch(&mut self, batch: &Batched, activations: &Activations) -> Result<u64> {
        let mut residues = 0;
        for (sequence, piece) in batch.pieces.iter().enumerate() {
            let tokens = batch.batch.residues(sequence);
            self.rows.resize(tokens.len() * self.width, 0.0);
            for (place, table) in self.tables.iter_mut().enumerate() {
                activations.rows(place, tokens.clone(), &mut self.rows);
                table.window(piece, &mut self.rows, self.width, self.pooled)?;
            }
            let windows = &piece.work.windows;
            let end = windows
                .get(piece.window + 1)
                .map_or(windows[piece.window].end, |w| w.start);
            residues += (end - windows[piece.window].start) as u64;
        }
        Ok(residues)
    }

    /// Completes all outputs.
    ///
    /// # Errors
    /// Where one cannot be written.
    pub(super) fn finish(self) -> Result<()> {
        let mut outputs = Vec::with_capacity(self.tables.len());
        for table in self.tables {
            outputs.push(table.writer.finish().during(&table.target.to_string())?);
        }
        outputs.into_iter().try_for_each(Output::commit)
    }
}
