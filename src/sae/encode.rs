//! A trained model applied to activations, block by block.

mod rows;

pub(crate) use rows::{RowEncoder, RowMemory};

use crate::wide;
use rayon::prelude::*;

use super::{
    config::Shape,
    conversion::{Frame, InputTransform},
    decoder::decode_row,
    error::SaeError,
    folder::Sae,
    forward::Scratch,
    settings::Operand,
    sparse::SparseRows,
};
use crate::math::pool::PerThread;

/// Rows of a matrix product: always as many, the last ones padded, since the order in which a
/// product is summed depends on its size, and a row's numbers must not depend on its neighbours.
const BLOCK: usize = 128;

/// Applies a model; its memory is reused from call to call.
#[derive(Debug)]
pub struct Encoder<'a> {
    sae: &'a Sae,
    rows: RowEncoder<'a>,
    centred: Vec<f32>,
    frames: Vec<Frame>,
    logits: Vec<f32>,
    blocks: Vec<SparseRows<f32>>,
    offsets: Vec<usize>,
    latents: Vec<u32>,
    values: Vec<f32>,
    scratch: PerThread<Scratch<f32>>,
}

/// What a model says of some rows.
#[derive(Clone, Copy, Debug)]
pub struct Encoded<'a> {
    /// Rows.
    pub rows: usize,
    /// Concepts, m.
    pub concepts: usize,
    /// Logits of the concepts, `[rows, m]`; a probability is their [`sigmoid`].
    pub logits: &'a [f32],
    /// Active latents.
    pub z: LatentRows<'a>,
}

/// Active latents of some rows.
#[derive(Clone, Copy, Debug)]
pub struct LatentRows<'a> {
    /// Start of each row in the lists, and the end of the last, `[rows + 1]`.
    pub offsets: &'a [usize],
    /// Latents, ascending in a row.
    pub latents: &'a [u32],
    /// Their activations, positive, in the model's (scaled) units.
    pub values: &'a [f32],
    /// How each row is turned back, `[rows]`; empty where rows are not transformed.
    pub frames: &'a [Frame],
}

impl<'a> LatentRows<'a> {
    /// Latents and activations of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> (&'a [u32], &'a [f32]) {
        let range = self.offsets[row]..self.offsets[row + 1];
        (&self.latents[range.clone()], &self.values[range])
    }
}

/// The logistic function.
#[must_use]
pub fn sigmoid(logit: f32) -> f32 {
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let e = logit.exp();
        e / (1.0 + e)
    }
}

impl<'a> Encoder<'a> {
    /// An encoder that works on the threads of the current pool.
    #[must_use]
    pub fn new(sae: &'a Sae) -> Self {
        Self::with(sae, Operand::default())
    }

    /// An encoder whose products multiply what `compute` says.
    #[must_use]
    pub fn with(sae: &'a Sae, compute: Operand) -> Self {
        Self {
            sae,
            rows: RowEncoder::new(sae, compute),
            centred: Vec::new(),
            frames: Vec::new(),
            logits: Vec::new(),
            blocks: Vec::new(),
            offsets: Vec::new(),
            latents: Vec::new(),
            values: Vec::new(),
            scratch: PerThread::new(),
        }
    }

    /// Encodes activations `x` `[rows, d]` as they are in the table.
    ///
    /// # Errors
    /// [`SaeError::Width`] where `x` is no number of whole rows, [`SaeError::NotFinite`].
    pub fn encode(&mut self, x: &[f32]) -> Result<Encoded<'_>, SaeError> {
        let Shape {
            width: d,
            defined: m,
            ..
        } = self.sae.config.shape;
        let rows = whole_rows(x, d)?;
        if !self.encode_blocks(x, rows) {
            return Err(not_finite(x, d));
        }
        self.gather(rows);
        self.frames.truncate(rows);
        Ok(Encoded {
            rows,
            concepts: m,
            logits: &self.logits[..rows * m],
            z: LatentRows {
                offsets: &self.offsets,
                latents: &self.latents,
                values: &self.values,
                frames: &self.frames,
            },
        })
    }

    /// Encodes rows block by block, the last one padded; whether all activations are finite.
    fn encode_blocks(&mut self, x: &[f32], rows: usize) -> bool {
        let config = &self.sae.config;
        let (d, m) = (config.shape.width, config.shape.defined);
        let blocks = rows.div_ceil(BLOCK);
        let padded = blocks * BLOCK;
        self.centred.resize(padded * d, 0.0);
        self.centred[rows * d..].fill(0.0);
        self.logits.resize(padded * m, 0.0);
        self.blocks
            .resize_with(blocks.max(self.blocks.len()), SparseRows::default);
        let logits = blocks_of(&mut self.logits, blocks, BLOCK * m);
        let transform = config.input_transform();
        let framed = transform != InputTransform::None;
        self.frames.clear();
        self.frames
            .resize(if framed { padded } else { 0 }, Frame::default());
        let frames = blocks_of(&mut self.frames, blocks, if framed { BLOCK } else { 0 });
        let params = &self.sae.params;
        let encoder = self.rows.of_block();
        let input_scale = config.input_scale as f32;
        let finite: Vec<bool> = x
            .par_chunks(BLOCK * d)
            .zip(self.centred.par_chunks_mut(BLOCK * d))
            .zip(logits)
            .zip(frames)
            .zip(&mut self.blocks[..blocks])
            .map(|((((x, centred), logits), frames), out)| {
                let finite = centre(x, centred, frames, transform, input_scale, &params.b_dec);
                self.scratch
                    .with(|scratch| encoder.encode(centred, logits, out, scratch));
                finite
            })
            .collect();
        !finite.contains(&false)
    }

    /// Strings the blocks' latents together, those of so many rows, and scales their activations.
    fn gather(&mut self, rows: usize) {
        self.offsets.clear();
        self.offsets.push(0);
        self.latents.clear();
        self.values.clear();
        for (i, encoded) in self.blocks[..rows.div_ceil(BLOCK)].iter().enumerate() {
            let start = self.latents.len();
            let real = BLOCK.min(rows - i * BLOCK);
            let end = encoded.offsets[real];
            let ends = encoded.offsets[1..=real].iter();
            self.offsets.extend(ends.map(|end| start + end));
            self.latents.extend_from_slice(&encoded.latents[..end]);
            self.values.extend_from_slice(&encoded.values[..end]);
        }
        if !self.sae.latent_scale.is_empty() {
            for (value, &latent) in self.values.iter_mut().zip(&self.latents) {
                *value *= self.sae.latent_scale[latent as usize];
            }
        }
    }
}

/// Centres a block of rows: transformed if they are at all, scaled, minus `b_dec`. Whether all of
/// it is finite.
pub(crate) fn centre(
    x: &[f32],
    centred: &mut [f32],
    frames: &mut [Frame],
    transform: InputTransform,
    input_scale: f32,
    b_dec: &[f32],
) -> bool {
    let d = b_dec.len();
    let framed = !frames.is_empty();
    // a transformed row lies where it will be centred
    let rows = centred.chunks_exact_mut(d).zip(x.chunks_exact(d));
    for (frame, (row, x)) in frames.iter_mut().zip(rows) {
        *frame = transform.apply(x, row);
    }
    wide!(|| {
        let mut finite = true;
        for (centred, x) in centred.chunks_exact_mut(d).zip(x.chunks_exact(d)) {
            for ((c, &x), &b) in centred.iter_mut().zip(x).zip(b_dec) {
                let x = if framed { *c } else { x };
                *c = x * input_scale - b;
                finite &= c.is_finite();
            }
        }
        finite
    })
}

/// A slice for each block of what may hold nothing for any row: then there is nothing to cut, but
/// every block needs its slice.
pub(crate) fn blocks_of<T>(values: &mut [T], blocks: usize, size: usize) -> Vec<&mut [T]> {
    if size == 0 {
        (0..blocks).map(|_| &mut [][..]).collect()
    } else {
        values.chunks_mut(size).collect()
    }
}

/// Rows of `x` `[rows, width]`.
///
/// # Errors
/// [`SaeError::Width`] where it is no number of whole rows.
pub(crate) fn whole_rows(x: &[f32], width: usize) -> Result<usize, SaeError> {
    match x.len() % width {
        0 => Ok(x.len() / width),
        rest => Err(SaeError::Width {
            what: "number of activations past the last whole row".into(),
            found: rest,
            expected: 0,
        }),
    }
}

/// The first activation that is not finite.
pub(crate) fn not_finite(x: &[f32], width: usize) -> SaeError {
    let at = x.iter().position(|v| !v.is_finite()).unwrap_or(0);
    SaeError::NotFinite {
        row: at / width,
        column: at % width,
        value: x.get(at).copied().unwrap_or(f32::NAN),
    }
}

impl Sae {
    /// Reconstructs activations from latents: `out` `[rows, d]`, in the units of the table.
    ///
    /// # Errors
    /// [`SaeError::Width`] where the sizes do not fit.
    pub fn decode(&self, z: LatentRows<'_>, out: &mut [f32]) -> Result<(), SaeError> {
        let d = self.config.shape.width;
        let rows = z.offsets.len().saturating_sub(1);
        if out.len() != rows * d {
            return Err(SaeError::Width {
                what: "size of the reconstruction".into(),
                found: out.len(),
                expected: rows * d,
            });
        }
        if let Some(&latent) = z
            .latents
            .iter()
            .find(|&&l| l as usize >= self.config.shape.latents)
        {
            return Err(SaeError::Width {
                what: "a latent's number".into(),
                found: latent as usize,
                expected: self.config.shape.latents,
            });
        }
        let framed = self.config.input_transform() != InputTransform::None;
        if framed && z.frames.len() != rows {
            return Err(SaeError::Width {
                what: "number of rows that can be turned back".into(),
                found: z.frames.len(),
                expected: rows,
            });
        }
        out.par_chunks_mut(d).enumerate().for_each(|(row, out)| {
            let (latents, values) = z.row(row);
            let frame = z.frames.get(row).filter(|_| framed);
            self.reconstruct(latents, values, frame, out);
        });
        Ok(())
    }

    /// Reconstructs a row, `[d]`, in the units of the table. Latents are the model's own.
    pub(crate) fn reconstruct(
        &self,
        latents: &[u32],
        values: &[f32],
        frame: Option<&Frame>,
        out: &mut [f32],
    ) {
        let scale = 1.0 / self.config.input_scale as f32;
        wide!(|| {
            decode_row(&self.params, latents, values, out);
            for value in &mut *out {
                *value *= scale;
            }
            if let Some(frame) = frame {
                for value in out {
                    *value = *value * frame.scale + frame.shift;
                }
            }
        });
    }

    /// Pre-activation of a defined latent (before its `TopK`) of a row whose logit this is.
    #[must_use]
    pub fn pre_activation(&self, concept: usize, logit: f32) -> f32 {
        let p = &self.params;
        p.r_pred[concept].exp() * (logit - p.b_pred[concept]) + p.b_enc[concept]
    }
}
