//! The training step: forward, backward by hand over active latents only, and Adam fused with the
//! gradient, so that no gradient of a weight matrix is ever held.
//!
//! A step has five parts. Blocks of rows are encoded; active latents are indexed; decoder rows
//! that are needed now catch up with the steps that they missed; blocks are reconstructed and
//! traced back; panels of latents gather their gradients and move. Blocks and panels have sizes
//! that do not depend on the number of threads, and all sums run in their order.

use rayon::prelude::*;

use super::{
    adam::{self, Clock, Rates},
    axioms::{AxiomLoss, FORMS},
    batch::Batch,
    config::{AxiomNorm, Objective},
    params::Params,
    real::Real,
    vector::{add, wide},
    work::{PANEL, Scalars, StepLosses, Work},
};
use crate::annot::concept::Axioms;

/// Steps that rows may lag behind before all catch up, which bounds the history.
const MAX_HISTORY: usize = 4096;

/// Moments of every parameter.
#[derive(Clone, Debug)]
pub struct OptimizerState<T> {
    /// Steps made.
    pub step: u64,
    /// First moments.
    pub first: Params<T>,
    /// Second moments.
    pub second: Params<T>,
}

/// A model in training.
#[derive(Debug)]
pub struct Engine<T> {
    /// Decoder rows of latents that were not active lately lag behind until they are needed.
    params: Params<T>,
    state: OptimizerState<T>,
    objective: Objective,
    /// Weights of positives, `[m]`.
    weights: Vec<T>,
    axioms: Option<AxiomLoss<T>>,
    seed: u64,
    /// Steps since all rows were level.
    history: Vec<Rates<T>>,
    enc_clocks: Vec<Clock>,
    dec_clocks: Vec<Clock>,
    work: Work<T>,
    scalars: Vec<Scalars<T>>,
    /// Each panel's part of `b_dec`'s gradient, `[panels, d]`.
    bias_parts: Vec<T>,
    /// Gradients of all parameters but the two matrices, whose place is empty.
    small: Params<T>,
}

impl<T: Real> Engine<T> {
    /// Begins training. `weights` are those of positives, one a defined latent; `seed` decides
    /// which axioms are drawn.
    ///
    /// # Panics
    /// If the number of weights is another one.
    #[must_use]
    pub fn new(
        params: Params<T>,
        objective: Objective,
        weights: Vec<T>,
        axioms: &Axioms,
        seed: u64,
    ) -> Self {
        let shape = params.shape;
        assert_eq!(weights.len(), shape.defined, "one weight a defined latent");
        let zeros = Params::zeros(shape, objective.axiom_norm);
        let small = Params {
            enc: Vec::new(),
            dec: Vec::new(),
            ..Params::zeros(shape, objective.axiom_norm)
        };
        Self {
            state: OptimizerState {
                step: 0,
                first: zeros.clone(),
                second: zeros,
            },
            axioms: AxiomLoss::new(axioms, shape, &objective),
            weights,
            seed,
            history: Vec::new(),
            enc_clocks: vec![Clock::default(); shape.latents],
            dec_clocks: vec![Clock::default(); shape.latents],
            work: Work::default(),
            scalars: vec![Scalars::default(); shape.latents],
            bias_parts: vec![T::ZERO; shape.latents.div_ceil(PANEL) * shape.width],
            small,
            params,
            objective,
        }
    }

    /// Steps made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.state.step
    }

    /// Rows of the last batch in which each latent was active, `[n]`.
    #[must_use]
    pub fn activity(&self) -> &[u32] {
        &self.work.activity
    }

    /// Active latents of the last batch and their activations, row by row.
    pub fn last_rows(&self) -> impl Iterator<Item = (&[u32], &[T])> {
        self.work.rows()
    }

    /// The parameters, all rows level.
    pub fn params(&mut self) -> &Params<T> {
        self.settle();
        &self.params
    }

    /// Parameters and moments, all rows level.
    pub fn settled(&mut self) -> (&Params<T>, &OptimizerState<T>) {
        self.settle();
        (&self.params, &self.state)
    }

    /// Continues from saved parameters and moments.
    ///
    /// # Panics
    /// If they are of another shape: the reader of a checkpoint has compared them.
    pub fn restore(&mut self, params: Params<T>, state: OptimizerState<T>) {
        for other in [&params, &state.first, &state.second] {
            assert_eq!(other.shape, self.params.shape, "shape of what is restored");
        }
        self.params = params;
        self.state = state;
        self.history.clear();
        self.enc_clocks.fill(Clock::default());
        self.dec_clocks.fill(Clock::default());
    }

    /// Puts other parameters in place, to measure them.
    ///
    /// # Panics
    /// If they are of another shape: they come from this run.
    pub fn replace_params(&mut self, params: Params<T>) {
        assert_eq!(params.shape, self.params.shape, "shape of the parameters");
        self.settle();
        self.params = params;
    }

    /// The losses of a batch, axioms left out, without learning from it.
    pub fn evaluate(&mut self, batch: &Batch<T>) -> StepLosses {
        self.settle();
        self.work.forward(&self.params, &self.objective, batch);
        self.work.index_latents();
        self.work
            .backward(&self.params, &self.objective, &self.weights, batch);
        self.work.losses(&self.objective, batch, [0.0; FORMS])
    }

    /// One step of Adam on a batch.
    ///
    /// `settles` promises that the learning rate will not grow in later steps.
    pub fn step(&mut self, batch: &Batch<T>, lr: f64, settles: bool) -> StepLosses {
        let losses = self.prepare(batch);
        self.state.step += 1;
        let rates = Rates::new(self.state.step, lr, settles);
        self.history.push(rates);
        self.learn_latents(rates);
        self.small_gradients();
        self.learn_small(rates);
        if self.history.len() >= MAX_HISTORY {
            self.settle();
        }
        losses
    }

    /// The gradients of a batch's loss, as parameters of the same shapes.
    pub fn gradients(&mut self, batch: &Batch<T>) -> (StepLosses, Params<T>) {
        let losses = self.prepare(batch);
        let d = self.params.shape.width;
        let mut out = Params::zeros(self.params.shape, AxiomNorm::None);
        let (work, params, objective) = (&self.work, &self.params, &self.objective);
        let axioms = self.axioms.as_ref();
        self.bias_parts.fill(T::ZERO);
        params
            .enc
            .par_chunks(PANEL * d)
            .zip(out.enc.par_chunks_mut(PANEL * d))
            .zip(out.dec.par_chunks_mut(PANEL * d))
            .zip(self.scalars.par_chunks_mut(PANEL))
            .zip(self.bias_parts.par_chunks_mut(d))
            .enumerate()
            .for_each(|(panel, ((((rows, enc), dec), scalars), part))| {
                work.panels.with(|scratch| {
                    work.panel(panel * PANEL, scratch);
                    for (i, scalars) in scalars.iter_mut().enumerate() {
                        let latent = panel * PANEL + i;
                        let bias = params.b_enc[latent];
                        *scalars = work.latent(latent, i, bias, objective, axioms, scratch);
                        let row = i * d..(i + 1) * d;
                        enc[row.clone()].copy_from_slice(&scratch.enc);
                        dec[row.clone()].copy_from_slice(&scratch.dec);
                        work.add_input_gradient(latent, &rows[row], *scalars, part);
                    }
                });
            });
        self.small_gradients();
        let small = Params {
            enc: out.enc,
            dec: out.dec,
            ..self.small.clone()
        };
        (losses, small)
    }

    /// All rows catch up with the steps that they missed.
    pub fn settle(&mut self) {
        if self.history.is_empty() {
            return;
        }
        let d = self.params.shape.width;
        let history = &self.history;
        let (first, second) = (&mut self.state.first, &mut self.state.second);
        for (w, m, v, clocks) in [
            (
                &mut self.params.enc,
                &mut first.enc,
                &mut second.enc,
                &mut self.enc_clocks,
            ),
            (
                &mut self.params.dec,
                &mut first.dec,
                &mut second.dec,
                &mut self.dec_clocks,
            ),
        ] {
            w.par_chunks_mut(d)
                .zip(m.par_chunks_mut(d))
                .zip(v.par_chunks_mut(d))
                .zip(clocks)
                .with_min_len(PANEL)
                .for_each(|(((w, m), v), clock)| {
                    wide(|| adam::catch_up(w, m, v, clock, history));
                    clock.done = 0;
                });
        }
        self.history.clear();
    }

    /// Everything of a step before learning.
    fn prepare(&mut self, batch: &Batch<T>) -> StepLosses {
        self.work.forward(&self.params, &self.objective, batch);
        self.work.index_latents();
        self.catch_up_active();
        self.work
            .backward(&self.params, &self.objective, &self.weights, batch);
        let forms = match &mut self.axioms {
            None => [0.0; FORMS],
            Some(axioms) => {
                let factor = T::of(self.objective.lambda_axiom);
                axioms.compute(&self.params, factor, (self.seed, self.state.step))
            }
        };
        self.work.losses(&self.objective, batch, forms)
    }

    /// Decoder rows of active latents catch up.
    fn catch_up_active(&mut self) {
        let d = self.params.shape.width;
        let history = &self.history;
        self.params
            .dec
            .par_chunks_mut(d)
            .zip(self.state.first.dec.par_chunks_mut(d))
            .zip(self.state.second.dec.par_chunks_mut(d))
            .zip(&mut self.dec_clocks)
            .zip(&self.work.activity)
            .with_min_len(PANEL)
            .for_each(|((((w, m), v), clock), &active)| {
                if active > 0 && (clock.done as usize) < history.len() {
                    wide(|| adam::catch_up(w, m, v, clock, history));
                }
            });
    }

    /// Encoder and decoder rows: gradient and Adam, panel by panel.
    fn learn_latents(&mut self, rates: Rates<T>) {
        let d = self.params.shape.width;
        let (work, objective, axioms) = (&self.work, &self.objective, self.axioms.as_ref());
        let (history, b_enc) = (&self.history, &self.params.b_enc);
        let past = &history[..history.len() - 1];
        let level = Clock {
            done: history.len() as u32,
            still: false,
        };
        self.bias_parts.fill(T::ZERO);
        let enc = self
            .params
            .enc
            .par_chunks_mut(PANEL * d)
            .zip(self.state.first.enc.par_chunks_mut(PANEL * d))
            .zip(self.state.second.enc.par_chunks_mut(PANEL * d))
            .zip(self.enc_clocks.par_chunks_mut(PANEL));
        let dec = self
            .params
            .dec
            .par_chunks_mut(PANEL * d)
            .zip(self.state.first.dec.par_chunks_mut(PANEL * d))
            .zip(self.state.second.dec.par_chunks_mut(PANEL * d))
            .zip(self.dec_clocks.par_chunks_mut(PANEL));
        let rest = self
            .scalars
            .par_chunks_mut(PANEL)
            .zip(self.bias_parts.par_chunks_mut(d));
        enc.zip(dec)
            .zip(rest)
            .enumerate()
            .for_each(|(panel, ((enc, dec), (scalars, part)))| {
                let (((enc, enc_m), enc_v), enc_clocks) = enc;
                let (((dec, dec_m), dec_v), dec_clocks) = dec;
                work.panels.with(|scratch| {
                    work.panel(panel * PANEL, scratch);
                    for (i, scalars) in scalars.iter_mut().enumerate() {
                        let latent = panel * PANEL + i;
                        let row = i * d..(i + 1) * d;
                        let (w, m, v) = (
                            &mut enc[row.clone()],
                            &mut enc_m[row.clone()],
                            &mut enc_v[row.clone()],
                        );
                        wide(|| {
                            *scalars =
                                work.latent(latent, i, b_enc[latent], objective, axioms, scratch);
                            work.add_input_gradient(latent, w, *scalars, part);
                            if scalars.touched {
                                adam::catch_up(w, m, v, &mut enc_clocks[i], past);
                                adam::update(w, m, v, &scratch.enc, rates);
                                enc_clocks[i] = level;
                            } else if !(enc_clocks[i].still && rates.settles) {
                                // the next step's product reads it: it cannot wait
                                adam::catch_up(w, m, v, &mut enc_clocks[i], history);
                            }
                            if work.activity[latent] > 0 {
                                let (w, m, v) = (
                                    &mut dec[row.clone()],
                                    &mut dec_m[row.clone()],
                                    &mut dec_v[row],
                                );
                                adam::update(w, m, v, &scratch.dec, rates);
                                dec_clocks[i] = level;
                            }
                        });
                    }
                });
            });
    }

    /// Gradients of all parameters but the two matrices.
    fn small_gradients(&mut self) {
        let (d, m) = (self.params.shape.width, self.params.shape.defined);
        let out = &mut self.small;
        for (latent, scalars) in self.scalars.iter().enumerate() {
            out.b_enc[latent] = scalars.b_enc;
            if latent < m {
                out.b_pred[latent] = scalars.b_pred;
                if self.objective.rescale {
                    out.r_pred[latent] = scalars.r;
                }
            }
        }
        out.b_dec.fill(T::ZERO);
        self.work.add_bias_gradient(&mut out.b_dec);
        for part in self.bias_parts.chunks_exact(d) {
            add(part, &mut out.b_dec);
        }
        if let Some(axioms) = &self.axioms {
            let (concepts, zero) = axioms.radii.split_at(m);
            add(concepts, &mut out.b_pred);
            out.b_zero.copy_from_slice(zero);
            out.w_zero.copy_from_slice(&axioms.centres[m * d..]);
            out.relations.copy_from_slice(&axioms.relations);
            out.bn_gamma.copy_from_slice(&axioms.bn_gamma);
        }
    }

    /// Adam on all parameters but the two matrices.
    fn learn_small(&mut self, rates: Rates<T>) {
        let (w, m, v) = (
            &mut self.params,
            &mut self.state.first,
            &mut self.state.second,
        );
        let g = &self.small;
        for (w, m, v, g) in [
            (&mut w.b_pred, &mut m.b_pred, &mut v.b_pred, &g.b_pred),
            (&mut w.r_pred, &mut m.r_pred, &mut v.r_pred, &g.r_pred),
            (&mut w.b_enc, &mut m.b_enc, &mut v.b_enc, &g.b_enc),
            (&mut w.b_dec, &mut m.b_dec, &mut v.b_dec, &g.b_dec),
            (&mut w.w_zero, &mut m.w_zero, &mut v.w_zero, &g.w_zero),
            (&mut w.b_zero, &mut m.b_zero, &mut v.b_zero, &g.b_zero),
            (
                &mut w.relations,
                &mut m.relations,
                &mut v.relations,
                &g.relations,
            ),
            (
                &mut w.bn_gamma,
                &mut m.bn_gamma,
                &mut v.bn_gamma,
                &g.bn_gamma,
            ),
        ] {
            const CHUNK: usize = 1 << 14;
            w.par_chunks_mut(CHUNK)
                .zip(m.par_chunks_mut(CHUNK))
                .zip(v.par_chunks_mut(CHUNK))
                .zip(g.par_chunks(CHUNK))
                .for_each(|(((w, m), v), g)| wide(|| adam::update(w, m, v, g, rates)));
        }
    }
}
