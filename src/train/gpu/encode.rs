//! A trained model applied to activations on a GPU: latents and logits as those of [`crate::sae::encode::Encoder`], to the
//! rounding of f32. Rows are centred on the CPU, so that what each variant demands of its input stands in one place.

mod buffers;
mod weights;

use super::{GpuBackend, GpuError, Operand};
use crate::sae::{
    conversion::{Frame, InputTransform},
    encode::{Encoded, LatentRows, blocks_of, centre, not_finite, whole_rows},
    error::SaeError,
    folder::Sae,
};
use buffers::{PRODUCT_ROWS, PieceBuffers, PieceSizes};
use rayon::prelude::*;
use std::ops::Range;
use weights::{EncoderWeights, rounded};

/// Most rows that are computed together: beyond, the card is no busier.
const MOST_ROWS: usize = 4 * PRODUCT_ROWS;
/// Part of the free memory that the rows computed together may take: half.
const MEMORY_SHARE: usize = 2;
/// Rows that a thread centres at once.
const CENTRED_ROWS: usize = 128;

/// Applies a model on a GPU; its memory is reused from call to call.
#[derive(Debug)]
pub struct GpuEncoder<'a, M: GpuBackend> {
    machine: M,
    sae: &'a Sae,
    weights: EncoderWeights<M>,
    sizes: PieceSizes,
    buffers: Option<PieceBuffers<M>>,
    /// Most rows that are computed together; less where memory did not suffice.
    piece: usize,
    centred: Vec<f32>,
    frames: Vec<Frame>,
    logits: Vec<f32>,
    offsets: Vec<usize>,
    latents: Vec<u32>,
    values: Vec<f32>,
}

impl<'a, M: GpuBackend> GpuEncoder<'a, M> {
    /// Takes a model's encoder to a GPU; `operand` is the type that products multiply.
    ///
    /// # Errors
    /// [`GpuError::CpuEncodes`] for a model that there are no kernels for; where the GPU fails.
    pub fn new(machine: M, sae: &'a Sae, operand: Operand) -> Result<Self, GpuError> {
        Self::check(sae)?;
        let weights = EncoderWeights::new(&machine, sae, operand)?;
        let sizes = PieceSizes::new(&sae.config, operand);
        let free = machine.free()?;
        let fitting = free.map_or(MOST_ROWS, |bytes| bytes / MEMORY_SHARE / sizes.row_bytes());
        let blocks = fitting.min(MOST_ROWS) / PRODUCT_ROWS;
        Ok(Self {
            machine,
            sae,
            weights,
            sizes,
            buffers: None,
            piece: blocks.max(1) * PRODUCT_ROWS,
            centred: Vec::new(),
            frames: Vec::new(),
            logits: Vec::new(),
            offsets: Vec::new(),
            latents: Vec::new(),
            values: Vec::new(),
        })
    }

    /// Whether a GPU can apply a model.
    ///
    /// # Errors
    /// [`GpuError::CpuEncodes`], which names the variant.
    pub fn check(sae: &Sae) -> Result<(), GpuError> {
        weights::check(sae)
    }

    /// Encodes activations `x` `[rows, d]` as they are in the table.
    ///
    /// # Errors
    /// [`SaeError::Width`] where `x` is no number of whole rows, [`SaeError::NotFinite`]; where the GPU fails, or has no
    /// memory for a single row.
    pub fn encode(&mut self, x: &[f32]) -> Result<Encoded<'_>, SaeError> {
        let shape = self.sae.config.shape;
        let (d, m) = (shape.width, shape.defined);
        let rows = whole_rows(x, d)?;
        if !self.centre_rows(x) {
            return Err(not_finite(x, d));
        }
        self.logits.resize(rows * m, 0.0);
        self.offsets.clear();
        self.offsets.push(0);
        self.latents.clear();
        self.values.clear();
        let mut from = 0;
        while from < rows {
            let to = rows.min(from + self.piece);
            match self.encode_piece(from..to, rows) {
                Ok(()) => from = to,
                Err(GpuError::Memory { .. }) if self.piece > 1 => {
                    self.buffers = None;
                    self.piece = self.piece.div_ceil(2);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !self.sae.latent_scale.is_empty() {
            for (value, &latent) in self.values.iter_mut().zip(&self.latents) {
                *value *= self.sae.latent_scale[latent as usize];
            }
        }
        Ok(Encoded {
            rows,
            concepts: m,
            logits: &self.logits,
            z: LatentRows {
                offsets: &self.offsets,
                latents: &self.latents,
                values: &self.values,
                frames: &self.frames,
            },
        })
    }

    /// Transforms, scales and centres rows; whether all are finite.
    fn centre_rows(&mut self, x: &[f32]) -> bool {
        let config = &self.sae.config;
        let d = config.shape.width;
        let transform = config.input_transform();
        let framed = transform != InputTransform::None;
        let blocks = x.len().div_ceil(CENTRED_ROWS * d);
        self.centred.resize(x.len(), 0.0);
        self.frames.clear();
        if framed {
            self.frames.resize(x.len() / d, Frame::default());
        }
        let of_block = if framed { CENTRED_ROWS } else { 0 };
        let frames = blocks_of(&mut self.frames, blocks, of_block);
        let (input_scale, b_dec) = (config.input_scale as f32, &self.sae.params.b_dec);
        let finite: Vec<bool> = x
            .par_chunks(CENTRED_ROWS * d)
            .zip(self.centred.par_chunks_mut(CENTRED_ROWS * d))
            .zip(frames)
            .map(|((x, centred), frames)| centre(x, centred, frames, transform, input_scale, b_dec))
            .collect();
        !finite.contains(&false)
    }

    /// Encodes some of all `rows` that are centred, and appends what is found of them; nothing where it fails.
    fn encode_piece(&mut self, range: Range<usize>, rows: usize) -> Result<(), GpuError> {
        let shape = self.sae.config.shape;
        let (d, m) = (shape.width, shape.defined);
        if self.buffers.as_ref().is_none_or(|b| b.rows < range.len()) {
            // the old go first: there may not be room for both
            self.buffers = None;
            let wanted = self.piece.min(rows.next_multiple_of(PRODUCT_ROWS));
            self.buffers = Some(PieceBuffers::new(&self.machine, self.sizes, wanted)?);
        }
        let Some(buffers) = &mut self.buffers else {
            return Ok(());
        };
        let centred = &self.centred[range.start * d..range.end * d];
        match self.sizes.operand {
            Operand::F32 => buffers.centred.put_at(&self.machine, 0, centred)?,
            Operand::Bf16 => buffers
                .centred
                .put_at(&self.machine, 0, &rounded(centred))?,
        }
        buffers.multiply(&self.machine, &self.weights, range.len())?;
        buffers.select(&self.machine, &self.weights, range.len())?;
        let starts = buffers.pack(&self.machine, range.len())?;
        let logits = &mut self.logits[range.start * m..range.end * m];
        buffers.logits.fetch(&self.machine, 0, logits)?;
        let base = self.latents.len();
        let end = base + starts.last().map_or(0, |&end| end as usize);
        self.latents.resize(end, 0);
        self.values.resize(end, 0.0);
        let of_latents = &mut self.latents[base..];
        buffers.packed_latents.fetch(&self.machine, 0, of_latents)?;
        let of_values = &mut self.values[base..];
        buffers.packed_values.fetch(&self.machine, 0, of_values)?;
        let ends = starts.iter().skip(1).map(|&end| base + end as usize);
        self.offsets.extend(ends);
        Ok(())
    }
}
