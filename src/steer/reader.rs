//! Sequences through the PLM: what it expects at masked residues, and how it and the autoencoder read whole sequences.

use super::{error::SteerError, insertion::Insertion};
use crate::{
    plm::{
        batch::Batch,
        encoder::{Activations, Logits},
        engine::Engine,
        place::{Place, Replacement},
        vocabulary::Vocabulary,
        window::{Blend, Blended, Windows, seen_best},
    },
    sae::{Encoder, sigmoid},
};
use std::{ops::Range, rc::Rc};

/// A sequence of which some residues are masked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masked<'a> {
    /// Residues.
    pub(crate) residues: &'a [u8],
    /// Those that are masked, from 0 and ascending.
    pub(crate) masked: &'a [usize],
}

/// What the model says of a concept along a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ConceptScore {
    /// Mean probability over all residues.
    pub(crate) mean: f64,
    /// Largest probability of a residue.
    pub(crate) max: f32,
}

/// How a whole sequence is read, without insertion and nothing masked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Mean log-probability of its residues, each seen by the PLM, in nats.
    pub(crate) log_likelihood: f64,
    /// Length of each residue's activation at the site.
    pub(crate) norms: Vec<f32>,
    /// Of each concept that was asked for.
    pub(crate) scores: Vec<ConceptScore>,
}

/// Runs sequences, by windows and in batches.
pub(crate) struct Reader<'a> {
    engine: &'a Engine,
    vocabulary: &'a Vocabulary,
    mask: u32,
    windows: Windows,
    place: Place,
    /// Tokens of a batch, unless one window has more.
    budget: usize,
    /// Concepts whose scores are read, by their indices.
    concepts: Vec<u32>,
}

/// A window that is a sequence of a batch.
struct Piece {
    sequence: usize,
    windows: Rc<[Range<usize>]>,
    window: usize,
    /// Residues that are read from it.
    own: Range<usize>,
}

impl Piece {
    fn range(&self) -> Range<usize> {
        self.windows[self.window].clone()
    }

    /// Whether a residue is read from this window.
    fn owns(&self, residue: usize) -> bool {
        self.own.contains(&residue)
    }
}

impl<'a> Reader<'a> {
    /// A reader of this model at its site.
    ///
    /// # Errors
    /// [`SteerError::NoMask`] where the PLM fills in no masked residues.
    pub(crate) fn new(
        engine: &'a Engine,
        vocabulary: &'a Vocabulary,
        place: Place,
        windows: Windows,
        budget: usize,
        concepts: Vec<u32>,
    ) -> Result<Self, SteerError> {
        Ok(Self {
            engine,
            vocabulary,
            mask: vocabulary.mask().ok_or(SteerError::NoMask)?,
            windows,
            place,
            budget,
            concepts,
        })
    }

    /// Packs windows of sequences into batches, and has each run.
    fn batches(
        &self,
        sequences: &[Masked],
        mut run: impl FnMut(&Batch, &[Piece]) -> Result<(), SteerError>,
    ) -> Result<(), SteerError> {
        let (mut batch, mut pieces) = (Batch::new(), Vec::new());
        for (sequence, Masked { residues, masked }) in sequences.iter().enumerate() {
            let windows: Rc<[Range<usize>]> = self.windows.of(residues.len()).into();
            let own = seen_best(&windows);
            for (window, range) in windows.iter().enumerate() {
                let more = self.vocabulary.window_tokens(range.len());
                if !pieces.is_empty() && batch.tokens().len() + more > self.budget {
                    run(&batch, &pieces)?;
                    batch = Batch::new();
                    pieces.clear();
                }
                let mut tokens = Vec::with_capacity(more);
                let of = self
                    .vocabulary
                    .encode(&residues[range.clone()], &mut tokens);
                let from = masked.partition_point(|&r| r < range.start);
                let to = masked.partition_point(|&r| r < range.end);
                for &residue in &masked[from..to] {
                    tokens[of.start + residue - range.start] = self.mask;
                }
                batch.push_tokens(&tokens, of);
                pieces.push(Piece {
                    sequence,
                    windows: Rc::clone(&windows),
                    window,
                    own: own[window].clone(),
                });
            }
        }
        if pieces.is_empty() {
            return Ok(());
        }
        run(&batch, &pieces)
    }

    /// Gives out the logits of every masked residue (number of the sequence, residue, logits of all tokens), with
    /// something inserted or not.
    ///
    /// # Errors
    /// [`SteerError`] where the PLM fails, or something is no number.
    pub(crate) fn predict(
        &self,
        sequences: &[Masked],
        insertion: Option<&Insertion>,
        mut each: impl FnMut(usize, usize, &[f32]) -> Result<(), SteerError>,
    ) -> Result<(), SteerError> {
        self.batches(sequences, |batch, pieces| {
            let edit = insertion.map(|edit| Replacement {
                place: self.place,
                edit,
            });
            let logits = self.engine.logits(batch, edit)?;
            insertion.map_or(Ok(()), Insertion::check)?;
            for (number, piece) in pieces.iter().enumerate() {
                let (first, range) = (batch.residues(number).start, piece.range());
                let masked = sequences[piece.sequence].masked.iter().copied();
                for residue in masked.filter(|r| range.contains(r) && piece.owns(*r)) {
                    let row = logits.row(first + residue - range.start);
                    each(piece.sequence, residue, row)?;
                }
            }
            Ok(())
        })
    }

    /// Reads whole sequences; `encoder` is that of the autoencoder whose concepts are read.
    ///
    /// # Errors
    /// [`SteerError`] where the PLM fails, or its activations are no numbers.
    pub(crate) fn read(
        &self,
        encoder: &mut Encoder,
        sequences: &[&[u8]],
    ) -> Result<Vec<Reading>, SteerError> {
        let masked: Vec<Masked> = sequences
            .iter()
            .map(|residues| Masked {
                residues,
                masked: &[],
            })
            .collect();
        let empty = || Reading {
            scores: vec![ConceptScore::default(); self.concepts.len()],
            ..Reading::default()
        };
        let mut readings: Vec<Reading> = sequences.iter().map(|_| empty()).collect();
        let mut blend = Blend::default();
        let mut rows = Vec::new();
        self.batches(&masked, |batch, pieces| {
            let read = self.engine.logits_and_activations(batch, &[self.place])?;
            for (number, piece) in pieces.iter().enumerate() {
                let reading = &mut readings[piece.sequence];
                reading.log_likelihood += log_likelihood(&read.0, batch, number, piece);
                let done = blended(&read.1, batch, number, piece, &mut blend, &mut rows);
                self.add(encoder, done.rows, read.1.width(), reading)?;
            }
            Ok(())
        })?;
        for (reading, residues) in readings.iter_mut().zip(sequences) {
            let length = residues.len().max(1) as f64;
            reading.log_likelihood /= length;
            for score in &mut reading.scores {
                score.mean /= length;
            }
        }
        Ok(readings)
    }

    /// Adds rows of activations to a reading.
    fn add(
        &self,
        encoder: &mut Encoder,
        rows: &[f32],
        width: usize,
        reading: &mut Reading,
    ) -> Result<(), SteerError> {
        let norm = |row: &[f32]| {
            let squares: f64 = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            squares.sqrt() as f32
        };
        reading.norms.extend(rows.chunks_exact(width).map(norm));
        if self.concepts.is_empty() {
            return Ok(());
        }
        let encoded = encoder.encode(rows)?;
        for logits in encoded.logits.chunks_exact(encoded.concepts) {
            for (score, &concept) in reading.scores.iter_mut().zip(&self.concepts) {
                let p = sigmoid(logits[concept as usize]);
                score.mean += f64::from(p);
                score.max = score.max.max(p);
            }
        }
        Ok(())
    }
}

/// The sum of the log-probabilities of a window's own residues.
fn log_likelihood(logits: &Logits, batch: &Batch, number: usize, piece: &Piece) -> f64 {
    let first = batch.residues(number).start;
    let range = piece.range();
    let own = range.clone().filter(|&residue| piece.owns(residue));
    own.map(|residue| {
        let token = first + residue - range.start;
        logits.log_probability(token, batch.tokens()[token])
    })
    .sum()
}

/// The rows of a window that no later one sees.
fn blended<'r>(
    activations: &Activations,
    batch: &Batch,
    number: usize,
    piece: &Piece,
    blend: &mut Blend,
    rows: &'r mut Vec<f32>,
) -> Blended<'r> {
    let (tokens, width) = (batch.residues(number), activations.width());
    rows.resize(tokens.len() * width, 0.0);
    activations.rows(0, tokens, rows);
    blend.push(&piece.windows, piece.window, width, rows)
}
