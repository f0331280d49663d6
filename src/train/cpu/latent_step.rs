//! The gradient of every latent, panel by panel: either it moves the latent's rows at once, or it
//! is held.

use crate::wide;
use rayon::prelude::*;

use super::step_buffers::{
    BiasParams, LatentContext, PANEL, PanelScratch, Scalars, StepBuffers, StepLosses,
};
use super::{
    Engine,
    lazy_adam::{Matrix, Parts},
};
use crate::{
    math::real::Real,
    sae::config::Objective,
    train::{adam::Rates, data::batch::Batch, loss::axioms::AxiomLoss},
};

/// A panel of latents that takes their gradients.
trait Panel<T>: Send {
    /// Encoder row of latent `i` of the panel, before it moves.
    fn encoder(&self, i: usize) -> &[T];

    /// Takes the gradient of latent `i`, whose rows are in `scratch`; `enters` says whether the batch
    /// has an entry of it.
    fn take(&mut self, i: usize, enters: bool, scalars: Scalars<T>, scratch: &PanelScratch<T>);
}

/// A panel whose rows move.
struct Learning<'a, T> {
    enc: Matrix<'a, T>,
    dec: Matrix<'a, T>,
    width: usize,
    history: &'a [Rates<T>],
}

#[expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]
impl<T: Real> Panel<T> for Learning<'_, T> {
    #[inline(always)]
    fn encoder(&self, i: usize) -> &[T] {
        self.enc.weights(i, self.width)
    }

    #[inline(always)]
    fn take(&mut self, i: usize, enters: bool, scalars: Scalars<T>, scratch: &PanelScratch<T>) {
        let mut enc = self.enc.row(i, self.width);
        if scalars.touched {
            enc.learn(&scratch.enc, self.history);
        } else {
            // the next step's product reads it: it cannot wait
            enc.step_without_gradient(self.history);
        }
        if enters {
            let mut dec = self.dec.row(i, self.width);
            dec.learn(&scratch.dec, self.history);
        }
    }
}

/// A panel whose gradients are held.
struct Holding<'a, T> {
    rows: &'a [T],
    enc: &'a mut [T],
    dec: &'a mut [T],
    width: usize,
}

#[expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]
impl<T: Real> Panel<T> for Holding<'_, T> {
    #[inline(always)]
    fn encoder(&self, i: usize) -> &[T] {
        &self.rows[i * self.width..][..self.width]
    }

    #[inline(always)]
    fn take(&mut self, i: usize, _: bool, _: Scalars<T>, scratch: &PanelScratch<T>) {
        let row = i * self.width..(i + 1) * self.width;
        self.enc[row.clone()].copy_from_slice(&scratch.enc);
        self.dec[row].copy_from_slice(&scratch.dec);
    }
}

/// What a pass over the latents reads, and what it leaves beside their rows.
struct Pass<'a, T: Real> {
    work: &'a StepBuffers<T>,
    objective: &'a Objective,
    axioms: Option<&'a AxiomLoss<T>>,
    small: BiasParams<'a, T>,
    width: usize,
    scalars: &'a mut [Scalars<T>],
    /// Each panel's part of `b_dec`'s gradient.
    parts: &'a mut [T],
}

impl<T: Real> Pass<'_, T> {
    /// Hands the gradient of every latent to its panel.
    fn run<P: Panel<T>>(self, panels: impl IndexedParallelIterator<Item = P>) {
        let work = self.work;
        let context = LatentContext {
            params: &self.small,
            objective: self.objective,
            rule: self.objective.variant.rule(),
            axioms: self.axioms,
        };
        self.parts.fill(T::ZERO);
        panels
            .zip(self.scalars.par_chunks_mut(PANEL))
            .zip(self.parts.par_chunks_mut(self.width))
            .enumerate()
            .for_each(|(number, ((mut panel, scalars), part))| {
                work.panels.with(|scratch| {
                    work.panel(number * PANEL, scratch);
                    for (i, scalars) in scalars.iter_mut().enumerate() {
                        let latent = number * PANEL + i;
                        wide!(|| {
                            *scalars = work.latent(latent, i, context, scratch);
                            work.add_input_gradient(latent, panel.encoder(i), *scalars, part);
                            panel.take(i, work.enters(latent), *scalars, scratch);
                        });
                    }
                });
            });
    }
}

impl<T: Real> Engine<T> {
    /// Encoder and decoder rows: gradient and Adam, panel by panel.
    pub(crate) fn learn_latents(&mut self) {
        let width = self.params.shape.width;
        let history = &self.history;
        let parts = Parts::of(&mut self.params, &mut self.state, &mut self.clocks);
        let panels = parts
            .enc
            .panels(width)
            .zip(parts.dec.panels(width))
            .map(|(enc, dec)| Learning {
                enc,
                dec,
                width,
                history,
            });
        Pass {
            work: &self.work,
            objective: &self.objective,
            axioms: self.axioms.as_ref(),
            small: parts.small,
            width,
            scalars: &mut self.scalars,
            parts: &mut self.bias_parts,
        }
        .run(panels);
    }

    /// Everything of a step before learning, with the gradients of the matrices held.
    pub(crate) fn hold_gradients(&mut self, batch: &Batch<T>) -> StepLosses {
        let losses = self.prepare(batch);
        let width = self.params.shape.width;
        let size = self.params.enc.len();
        let (mut enc, mut dec) = self.held.take().unwrap_or_default();
        enc.resize(size, T::ZERO);
        dec.resize(size, T::ZERO);
        let params = &self.params;
        let panels = params
            .enc
            .par_chunks(PANEL * width)
            .zip(enc.par_chunks_mut(PANEL * width))
            .zip(dec.par_chunks_mut(PANEL * width))
            .map(|((rows, enc), dec)| Holding {
                rows,
                enc,
                dec,
                width,
            });
        Pass {
            work: &self.work,
            objective: &self.objective,
            axioms: self.axioms.as_ref(),
            small: BiasParams {
                b_enc: &params.b_enc,
                own: &params.own,
            },
            width,
            scalars: &mut self.scalars,
            parts: &mut self.bias_parts,
        }
        .run(panels);
        self.held = Some((enc, dec));
        self.small_gradients();
        losses
    }

    /// Encoder and decoder rows move by the held gradients.
    pub(crate) fn learn_held(&mut self) {
        let Some((enc_gradient, dec_gradient)) = &self.held else {
            return;
        };
        let d = self.params.shape.width;
        let (history, work, scalars) = (&self.history, &self.work, &self.scalars);
        let parts = Parts::of(&mut self.params, &mut self.state, &mut self.clocks);
        let enc = parts.enc.rows(d).zip(enc_gradient.par_chunks(d));
        let enc = enc.enumerate().with_min_len(PANEL);
        enc.for_each(|(latent, (mut row, gradient))| {
            wide!(|| {
                if scalars[latent].touched {
                    row.learn(gradient, history);
                } else {
                    row.step_without_gradient(history);
                }
            });
        });
        let dec = parts.dec.rows(d).zip(dec_gradient.par_chunks(d));
        let dec = dec.enumerate().with_min_len(PANEL);
        dec.for_each(|(latent, (mut row, gradient))| {
            if work.enters(latent) {
                wide!(|| row.learn(gradient, history));
            }
        });
    }
}
