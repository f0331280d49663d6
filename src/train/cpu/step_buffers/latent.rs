//! The gradient of one latent, gathered from the entries that a batch has of it.

use super::StepBuffers;
use crate::{
    math::{
        product::columns_by_rows,
        real::Real,
        vector::{TOGETHER, add, axpy, combine},
    },
    sae::{
        config::Objective,
        params::LatentTensor,
        variants::{LatentGradient, Rule},
    },
    train::{cpu::block::Traced, loss::axioms::AxiomLoss},
};

/// Latents per task of the backward pass.
pub(crate) const PANEL: usize = 32;

/// Entries of a batch by latent.
#[derive(Debug, Default)]
pub(crate) struct ByLatent {
    /// Start of each latent's entries, `[n + 1]` (and one more, which filling needs).
    starts: Vec<u32>,
    /// Row of each entry.
    rows: Vec<u32>,
    /// Place of each entry in its block: among the active latents, or behind them, among the dead.
    places: Vec<u32>,
}

/// Memory of a task of the backward pass.
#[derive(Debug, Default)]
pub(crate) struct PanelScratch<T> {
    /// Gradients of the panel's predictor rows, `[panel, d]`.
    predictor: Vec<T>,
    /// Gradient of an encoder row, `[d]`.
    pub(crate) enc: Vec<T>,
    /// Gradient of a decoder row, `[d]`.
    pub(crate) dec: Vec<T>,
}

/// What a latent's gradient is besides its rows of the two matrices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scalars<T> {
    /// Of its biases, scales and thresholds.
    pub(crate) own: LatentGradient<T>,
    /// Of the concept's logit, summed over rows.
    pub(crate) logit: T,
    /// Of the product of encoder row and input; a defined row's, without its scale.
    input: T,
    /// Whether the encoder row has a gradient.
    pub(crate) touched: bool,
}

/// Parameters that gradients of latents are made from, beside the matrices.
pub(crate) struct BiasParams<'a, T> {
    pub(crate) b_enc: &'a [T],
    pub(crate) own: &'a [LatentTensor<T>],
}

/// What a latent's gradient is made with, beside the batch.
#[derive(Clone, Copy)]
pub(crate) struct LatentContext<'a, T: Real> {
    pub(crate) params: &'a BiasParams<'a, T>,
    pub(crate) objective: &'a Objective,
    pub(crate) rule: &'a dyn Rule<T>,
    pub(crate) axioms: Option<&'a AxiomLoss<T>>,
}

impl<T: Real> StepBuffers<T> {
    /// Lists the entries of the batch by latent.
    pub(crate) fn index_latents(&mut self) {
        let n = self.shape.latents;
        let blocks = &self.blocks[..self.rows.div_ceil(self.block)];
        let ByLatent {
            starts,
            rows,
            places,
        } = &mut self.by_latent;
        starts.clear();
        starts.resize(n + 2, 0);
        for block in blocks {
            for &latent in &block.z.latents {
                starts[latent as usize + 2] += 1;
            }
        }
        self.activity.clear();
        self.activity.extend_from_slice(&starts[2..]);
        for block in blocks {
            for &latent in &block.dead.latents {
                starts[latent as usize + 2] += 1;
            }
        }
        for block in blocks.iter().filter(|b| !b.z.second.is_empty()) {
            for (&latent, &value) in block.z.latents.iter().zip(&block.z.values) {
                // there for the sake of its gradient alone
                self.activity[latent as usize] -= u32::from(value == T::ZERO);
            }
        }
        for latent in 2..starts.len() {
            starts[latent] += starts[latent - 1];
        }
        let total = starts[n + 1] as usize;
        rows.resize(total, 0);
        places.resize(total, 0);
        let mut row = 0;
        let mut enter = |latent: u32, row: u32, place: usize| {
            let slot = &mut starts[latent as usize + 1];
            rows[*slot as usize] = row;
            places[*slot as usize] = place as u32;
            *slot += 1;
        };
        for block in blocks {
            let active = block.z.latents.len();
            for i in 0..block.z.rows() {
                for place in block.z.range(i) {
                    enter(block.z.latents[place], row, place);
                }
                if block.dead.rows() > 0 {
                    for place in block.dead.range(i) {
                        enter(block.dead.latents[place], row, active + place);
                    }
                }
                row += 1;
            }
        }
    }

    /// Whether the batch has an entry of a latent.
    #[expect(clippy::inline_always, reason = "asked once a latent and step")]
    #[inline(always)]
    pub(crate) fn enters(&self, latent: usize) -> bool {
        self.by_latent.starts[latent] < self.by_latent.starts[latent + 1]
    }

    /// Prepares a task: gradients of a panel's predictor rows from the annotation loss.
    pub(crate) fn panel(&self, first: usize, scratch: &mut PanelScratch<T>) {
        let (d, m) = (self.shape.width, self.shape.defined);
        scratch.enc.resize(d, T::ZERO);
        scratch.dec.resize(d, T::ZERO);
        if first >= m {
            return;
        }
        scratch.predictor.resize(PANEL * d, T::ZERO);
        let logits = &self.logits[first..];
        let count = PANEL.min(m - first);
        columns_by_rows(logits, m, count, &self.xc, d, &mut scratch.predictor);
    }

    /// The gradient of a latent, number `i` of its panel; its rows are left in `scratch`.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    pub(crate) fn latent(
        &self,
        latent: usize,
        i: usize,
        context: LatentContext<'_, T>,
        scratch: &mut PanelScratch<T>,
    ) -> Scalars<T> {
        let defined = latent < self.shape.defined;
        let mut scalars = Scalars {
            touched: defined || self.enters(latent),
            ..Scalars::default()
        };
        scratch.enc.fill(T::ZERO);
        scratch.dec.fill(T::ZERO);
        self.add_entries(latent, context, scratch, &mut scalars);
        if defined {
            self.add_predictor(latent, i, context.axioms, scratch, &mut scalars);
        }
        scalars
    }

    /// Adds the parts of a latent's entries.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    fn add_entries(
        &self,
        latent: usize,
        context: LatentContext<'_, T>,
        scratch: &mut PanelScratch<T>,
        scalars: &mut Scalars<T>,
    ) {
        let (d, rule, objective) = (self.shape.width, context.rule, context.objective);
        let into_encoder = latent >= self.shape.defined || !objective.detach;
        let group = objective.prefixes.partition_point(|&end| end <= latent);
        let b_enc = context.params.b_enc[latent];
        let apart = rule.has_second();
        let prepared = rule.prepare(context.params.own, latent);
        let range =
            self.by_latent.starts[latent] as usize..self.by_latent.starts[latent + 1] as usize;
        let rows = self.by_latent.rows[range.clone()].chunks(TOGETHER);
        let places = self.by_latent.places[range].chunks(TOGETHER);
        for (rows, places) in rows.zip(places) {
            let mut values = [T::ZERO; TOGETHER];
            let mut pulls = values;
            let mut gradients = [&self.gradient[..d]; TOGETHER];
            let mut inputs = [&self.xc[..d]; TOGETHER];
            for (i, (&row, &place)) in rows.iter().zip(places).enumerate() {
                let row = row as usize;
                let place = place as usize;
                let block = &self.blocks[row / self.block];
                let Traced { value, slope, dead } = block.entry(place);
                let slot = if dead { self.slots - 1 } else { group };
                let pull = if apart && !dead {
                    rule.pull(block.active_entry(place), b_enc, prepared, &mut scalars.own)
                } else {
                    scalars.own.b_enc += slope;
                    // the pre-activation without its bias is exp(r) W_pred xc
                    scalars.own.r += slope * (value - b_enc);
                    slope
                };
                scalars.input += pull;
                values[i] = value;
                pulls[i] = pull;
                gradients[i] = &self.gradient[(row * self.slots + slot) * d..][..d];
                inputs[i] = &self.xc[row * d..][..d];
            }
            if rows.len() == TOGETHER {
                combine(values, gradients, &mut scratch.dec);
                if into_encoder {
                    combine(pulls, inputs, &mut scratch.enc);
                }
            } else {
                for i in 0..rows.len() {
                    axpy(values[i], gradients[i], &mut scratch.dec);
                    if into_encoder {
                        axpy(pulls[i], inputs[i], &mut scratch.enc);
                    }
                }
            }
        }
    }

    /// Adds what the annotation loss and the axioms say of a concept's row.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    fn add_predictor(
        &self,
        latent: usize,
        i: usize,
        axioms: Option<&AxiomLoss<T>>,
        scratch: &mut PanelScratch<T>,
        scalars: &mut Scalars<T>,
    ) {
        let d = self.shape.width;
        let scale = self.derived.scale[latent];
        for (enc, &predictor) in scratch.enc.iter_mut().zip(&scratch.predictor[i * d..]) {
            *enc = *enc * scale + predictor;
        }
        if let Some(axioms) = axioms.filter(|a| a.names(latent)) {
            add(&axioms.centres[latent * d..][..d], &mut scratch.enc);
        }
        for block in self.blocks() {
            scalars.logit += block.logit_gradient[latent];
        }
        if !self.offset.is_empty() {
            // the predictor sees x less its own centre, not less b_dec
            axpy(scalars.logit, &self.offset, &mut scratch.enc);
        }
    }

    /// Adds to `out` what a latent's gradient means for `b_dec` through the centred input; `row`
    /// is the latent's encoder row.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    pub(crate) fn add_input_gradient(
        &self,
        latent: usize,
        row: &[T],
        scalars: Scalars<T>,
        out: &mut [T],
    ) {
        let factor = match self.derived.scale.get(latent) {
            Some(&scale) if self.offset.is_empty() => scalars.input * scale + scalars.logit,
            // its own centre stands still
            Some(&scale) => scalars.input * scale,
            None => scalars.input,
        };
        if factor != T::ZERO {
            axpy(-factor, row, out);
        }
    }
}
