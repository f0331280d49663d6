//! A model that any thread applies to a few rows.

use super::centre;
use crate::sae::{
    config::ForcedBy,
    conversion::{Frame, InputTransform},
    folder::Sae,
    forward::{BlockEncoder, CachedParams, Scratch, SelectionRule},
    hierarchy::Hierarchy,
    settings::Operand,
    sparse::SparseRows,
};

/// A model with what is computed from its parameters before they are applied.
#[derive(Debug)]
pub(crate) struct RowEncoder<'a> {
    sae: &'a Sae,
    cached: CachedParams<f32>,
    hierarchy: Hierarchy,
}

/// Memory that a thread reuses, and what it found of the last rows.
#[derive(Debug, Default)]
pub(crate) struct RowMemory {
    centred: Vec<f32>,
    frames: Vec<Frame>,
    logits: Vec<f32>,
    z: SparseRows<f32>,
    scratch: Scratch<f32>,
}

impl RowMemory {
    /// Active latents of a row, ascending, their activations, and how it is turned back.
    pub(crate) fn row(&self, row: usize) -> (&[u32], &[f32], Option<&Frame>) {
        let range = self.z.range(row);
        let (latents, values) = (&self.z.latents[range.clone()], &self.z.values[range]);
        (latents, values, self.frames.get(row))
    }
}

impl<'a> RowEncoder<'a> {
    /// Of this model, with products as `compute` says.
    pub(crate) fn new(sae: &'a Sae, compute: Operand) -> Self {
        Self {
            sae,
            cached: CachedParams::new(&sae.params, &sae.config.objective, compute.split()),
            hierarchy: match sae.config.objective.forced_by {
                ForcedBy::Own => Hierarchy::default(),
                ForcedBy::Coherent => Hierarchy::new(&sae.concepts, sae.config.shape.defined),
            },
        }
    }

    /// The model.
    pub(crate) fn sae(&self) -> &'a Sae {
        self.sae
    }

    /// What encodes a block of centred rows.
    pub(super) fn of_block(&self) -> BlockEncoder<'_, f32> {
        let objective = &self.sae.config.objective;
        BlockEncoder {
            params: &self.sae.params,
            cached: &self.cached,
            objective,
            hierarchy: &self.hierarchy,
            selection: SelectionRule::applied(objective, &self.sae.params),
        }
    }

    /// Encodes activations `x` `[rows, d]`, any number of rows, into a thread's memory; whether all are
    /// finite. What is found of a row depends on that row alone.
    pub(crate) fn encode(&self, x: &[f32], memory: &mut RowMemory) -> bool {
        let config = &self.sae.config;
        let (d, m) = (config.shape.width, config.shape.defined);
        let rows = x.len() / d;
        let transform = config.input_transform();
        let framed = transform != InputTransform::None;
        memory.centred.resize(rows * d, 0.0);
        memory.logits.resize(rows * m, 0.0);
        memory
            .frames
            .resize(if framed { rows } else { 0 }, Frame::default());
        let finite = centre(
            x,
            &mut memory.centred,
            &mut memory.frames,
            transform,
            config.input_scale as f32,
            &self.sae.params.b_dec,
        );
        self.of_block().encode(
            &memory.centred,
            &mut memory.logits,
            &mut memory.z,
            &mut memory.scratch,
        );
        if !self.sae.latent_scale.is_empty() {
            for (value, &latent) in memory.z.values.iter_mut().zip(&memory.z.latents) {
                *value *= self.sae.latent_scale[latent as usize];
            }
        }
        finite
    }
}
