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
    config::{Objective, Variant},
    forward::Choice,
    params::Params,
    real::Real,
    vector::{add, wide},
    work::{PANEL, Scalars, Small, StepLosses, Work},
};
use crate::annot::concept::Axioms;

/// Steps that rows may lag behind before all catch up, which bounds the history.
const MAX_HISTORY: usize = 4096;
/// How fast the threshold of a batch-wide choice follows that of the last batch.
const THRESHOLD_RATE: f64 = 0.01;

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
pub struct Engine<T: Real> {
    /// Decoder rows of latents that were not active lately lag behind until they are needed.
    params: Params<T>,
    state: OptimizerState<T>,
    objective: Objective,
    /// Weights of positives, `[m]`.
    weights: Vec<T>,
    /// Groups of the concepts, `[m]`.
    groups: Vec<u8>,
    axioms: Option<AxiomLoss<T>>,
    seed: u64,
    /// Steps since all rows were level.
    history: Vec<Rates<T>>,
    enc_clocks: Vec<Clock>,
    dec_clocks: Vec<Clock>,
    zero_clocks: Vec<Clock>,
    /// Longest gradient.
    clip: Option<f64>,
    /// Gradients of encoder and decoder rows, where they must be known before anything moves.
    held: Option<(Vec<T>, Vec<T>)>,
    work: Work<T>,
    scalars: Vec<Scalars<T>>,
    /// Each panel's part of `b_dec`'s gradient, `[panels, d]`.
    bias_parts: Vec<T>,
    /// Gradients of all parameters but the matrices, whose place is empty.
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
        let zeros = Params::zeros_for(shape, &objective);
        let small = Params {
            enc: Vec::new(),
            dec: Vec::new(),
            w_zero: Vec::new(),
            ..Params::zeros_for(shape, &objective)
        };
        Self {
            state: OptimizerState {
                step: 0,
                first: zeros.clone(),
                second: zeros,
            },
            axioms: AxiomLoss::new(axioms, shape, &objective),
            groups: vec![0; weights.len()],
            weights,
            seed,
            history: Vec::new(),
            enc_clocks: vec![Clock::default(); shape.latents],
            dec_clocks: vec![Clock::default(); shape.latents],
            zero_clocks: vec![Clock::default(); shape.zero_classes],
            clip: None,
            held: None,
            work: Work::default(),
            scalars: vec![Scalars::default(); shape.latents],
            bias_parts: vec![T::ZERO; shape.latents.div_ceil(PANEL) * shape.width],
            small,
            params,
            objective,
        }
    }

    /// Says which group each concept belongs to, which rows' labels speak of or not; below 64.
    ///
    /// # Panics
    /// If the number of concepts is another one.
    pub fn group_concepts(&mut self, groups: &[u8]) {
        assert_eq!(groups.len(), self.groups.len(), "one group a concept");
        self.groups.copy_from_slice(groups);
    }

    /// From here on, gradients longer than this, taken all together, are shortened to it.
    pub fn clip(&mut self, limit: Option<f64>) {
        self.clip = limit;
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
        self.zero_clocks.fill(Clock::default());
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
        let choice = Choice::applied(&self.objective, &self.params);
        self.work
            .forward(&self.params, &self.objective, choice, batch);
        self.work.index_latents();
        self.measure_rows();
        self.work.backward(
            &self.params,
            &self.objective,
            (&self.weights, &self.groups),
            batch,
        );
        self.work
            .losses(&self.objective, &self.groups, batch, [0.0; FORMS])
    }

    /// One step of Adam on a batch.
    ///
    /// `settles` promises that the learning rate will not grow in later steps.
    pub fn step(&mut self, batch: &Batch<T>, lr: f64, settles: bool) -> StepLosses {
        let losses = match self.clip {
            None => self.prepare(batch),
            Some(_) => self.hold_gradients(batch),
        };
        self.state.step += 1;
        let rates = Rates::new(self.state.step, lr, settles);
        self.history.push(rates);
        if let Some(limit) = self.clip {
            self.shorten(limit);
            self.learn_held(rates);
        } else {
            self.learn_latents(rates);
            self.small_gradients();
        }
        self.learn_zero(rates);
        self.learn_small(rates);
        if self.history.len() >= MAX_HISTORY {
            self.settle();
        }
        losses
    }

    /// The gradients of a batch's loss, as parameters of the same shapes.
    pub fn gradients(&mut self, batch: &Batch<T>) -> (StepLosses, Params<T>) {
        let losses = self.hold_gradients(batch);
        let mut out = self.small.clone();
        if let Some(held) = self.held.take() {
            (out.enc, out.dec) = held;
        }
        out.w_zero = vec![T::ZERO; self.params.w_zero.len()];
        if let Some(axioms) = &self.axioms {
            let (d, m) = (self.params.shape.width, self.params.shape.defined);
            for (zero, row) in out.w_zero.chunks_exact_mut(d).enumerate() {
                if axioms.names(m + zero) {
                    row.copy_from_slice(&axioms.centres[(m + zero) * d..][..d]);
                }
            }
        }
        (losses, out)
    }

    /// Everything of a step before learning, with the gradients of the matrices held.
    fn hold_gradients(&mut self, batch: &Batch<T>) -> StepLosses {
        let losses = self.prepare(batch);
        let d = self.params.shape.width;
        let size = self.params.enc.len();
        let (mut enc, mut dec) = self.held.take().unwrap_or_default();
        enc.resize(size, T::ZERO);
        dec.resize(size, T::ZERO);
        let (work, params, objective) = (&self.work, &self.params, &self.objective);
        let axioms = self.axioms.as_ref();
        let small = Small {
            b_mag: &params.b_mag,
            r_mag: &params.r_mag,
        };
        self.bias_parts.fill(T::ZERO);
        params
            .enc
            .par_chunks(PANEL * d)
            .zip(enc.par_chunks_mut(PANEL * d))
            .zip(dec.par_chunks_mut(PANEL * d))
            .zip(self.scalars.par_chunks_mut(PANEL))
            .zip(self.bias_parts.par_chunks_mut(d))
            .enumerate()
            .for_each(|(panel, ((((rows, enc), dec), scalars), part))| {
                work.panels.with(|scratch| {
                    work.panel(panel * PANEL, scratch);
                    for (i, scalars) in scalars.iter_mut().enumerate() {
                        let latent = panel * PANEL + i;
                        let row = i * d..(i + 1) * d;
                        wide(|| {
                            let more = (&small, params.b_enc[latent]);
                            *scalars = work.latent(latent, i, more, objective, axioms, scratch);
                            work.add_input_gradient(latent, &rows[row.clone()], *scalars, part);
                        });
                        enc[row.clone()].copy_from_slice(&scratch.enc);
                        dec[row].copy_from_slice(&scratch.dec);
                    }
                });
            });
        self.held = Some((enc, dec));
        self.small_gradients();
        losses
    }

    /// Shortens the held gradients, all together, to a length.
    fn shorten(&mut self, limit: f64) {
        const CHUNK: usize = 1 << 12;
        let squares = |values: &[T]| -> f64 {
            let parts: Vec<f64> = values
                .par_chunks(CHUNK)
                .map(|chunk| wide(|| super::vector::dot(chunk, chunk)).f64())
                .collect();
            parts.iter().sum()
        };
        let Some((enc, dec)) = &mut self.held else {
            return;
        };
        let mut total = squares(enc) + squares(dec);
        total += self.small.tensors().map(|(.., v)| squares(v)).sum::<f64>();
        let (d, m) = (self.params.shape.width, self.params.shape.defined);
        if let Some(axioms) = &self.axioms {
            for zero in (0..self.params.shape.zero_classes).filter(|z| axioms.names(m + z)) {
                total += squares(&axioms.centres[(m + zero) * d..][..d]);
            }
        }
        let length = total.sqrt();
        if length <= limit {
            return;
        }
        let factor = T::of(limit / length);
        let scale = |values: &mut [T]| {
            values
                .par_chunks_mut(CHUNK)
                .for_each(|chunk| chunk.iter_mut().for_each(|v| *v *= factor));
        };
        scale(enc);
        scale(dec);
        for (_, values) in self.small.tensors_mut() {
            scale(values);
        }
        if let Some(axioms) = &mut self.axioms {
            scale(&mut axioms.centres[m * d..]);
        }
    }

    /// Encoder and decoder rows move by the held gradients.
    fn learn_held(&mut self, rates: Rates<T>) {
        let Some((enc_gradient, dec_gradient)) = &self.held else {
            return;
        };
        let d = self.params.shape.width;
        let (history, work, scalars) = (&self.history, &self.work, &self.scalars);
        let (first, second) = (&mut self.state.first, &mut self.state.second);
        let past = &history[..history.len() - 1];
        let level = Clock {
            done: history.len() as u32,
            still: false,
        };
        for (w, m, v, clocks, gradient, encoder) in [
            (
                &mut self.params.enc,
                &mut first.enc,
                &mut second.enc,
                &mut self.enc_clocks,
                enc_gradient,
                true,
            ),
            (
                &mut self.params.dec,
                &mut first.dec,
                &mut second.dec,
                &mut self.dec_clocks,
                dec_gradient,
                false,
            ),
        ] {
            w.par_chunks_mut(d)
                .zip(m.par_chunks_mut(d))
                .zip(v.par_chunks_mut(d))
                .zip(clocks)
                .zip(gradient.par_chunks(d))
                .enumerate()
                .with_min_len(PANEL)
                .for_each(|(latent, ((((w, m), v), clock), gradient))| {
                    let touched = if encoder {
                        scalars[latent].touched
                    } else {
                        work.enters(latent)
                    };
                    wide(|| {
                        if touched {
                            adam::catch_up(w, m, v, clock, past);
                            adam::update(w, m, v, gradient, rates);
                            *clock = level;
                        } else if encoder && !(clock.still && rates.settles) {
                            adam::catch_up(w, m, v, clock, history);
                        }
                    });
                });
        }
    }

    /// Zero classes that the step's axioms name move; the others wait.
    fn learn_zero(&mut self, rates: Rates<T>) {
        let Some(axioms) = &self.axioms else {
            return;
        };
        let (d, m) = (self.params.shape.width, self.params.shape.defined);
        let level = Clock {
            done: self.history.len() as u32,
            still: false,
        };
        self.params
            .w_zero
            .par_chunks_mut(d)
            .zip(self.state.first.w_zero.par_chunks_mut(d))
            .zip(self.state.second.w_zero.par_chunks_mut(d))
            .zip(&mut self.zero_clocks)
            .enumerate()
            .with_min_len(PANEL)
            .for_each(|(zero, (((w, moment), v), clock))| {
                if axioms.names(m + zero) {
                    let gradient = &axioms.centres[(m + zero) * d..][..d];
                    wide(|| adam::update(w, moment, v, gradient, rates));
                    *clock = level;
                }
            });
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
            (
                &mut self.params.w_zero,
                &mut first.w_zero,
                &mut second.w_zero,
                &mut self.zero_clocks,
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
        self.choose(batch);
        self.work.index_latents();
        self.catch_up_active();
        self.measure_rows();
        self.work.backward(
            &self.params,
            &self.objective,
            (&self.weights, &self.groups),
            batch,
        );
        let mut forms = [0.0; FORMS];
        if let Some(axioms) = &mut self.axioms {
            axioms.choose(self.seed, self.state.step);
            self.catch_up_named();
        }
        if let Some(axioms) = &mut self.axioms {
            forms = axioms.compute(&self.params, T::of(self.objective.lambda_axiom));
        }
        self.work
            .losses(&self.objective, &self.groups, batch, forms)
    }

    /// Encodes the batch; a batch-wide choice follows its own threshold.
    fn choose(&mut self, batch: &Batch<T>) {
        let (params, objective) = (&mut self.params, &self.objective);
        let choice = Choice::learning(objective, params);
        if objective.variant != Variant::Batchtopk {
            self.work.forward(params, objective, choice, batch);
            return;
        }
        let keep = objective.k.saturating_mul(batch.rows());
        let followed = params.threshold.first().copied().unwrap_or(T::ZERO);
        // few candidates are above half of the threshold; where they do not suffice, all are taken
        let mut least = None;
        for share in [0.5, 0.0] {
            let choice = Choice {
                least: followed * T::of(share),
                ..choice
            };
            self.work.forward(params, objective, choice, batch);
            least = self.work.limit(keep);
            if least.is_some() || followed == T::ZERO {
                break;
            }
        }
        if let Some(least) = least {
            let next = if followed == T::ZERO {
                least
            } else {
                followed + T::of(THRESHOLD_RATE) * (least - followed)
            };
            params.threshold.fill(next);
        }
    }

    /// Decoder rows that the batch needs catch up.
    fn catch_up_active(&mut self) {
        let d = self.params.shape.width;
        let (history, work) = (&self.history, &self.work);
        self.params
            .dec
            .par_chunks_mut(d)
            .zip(self.state.first.dec.par_chunks_mut(d))
            .zip(self.state.second.dec.par_chunks_mut(d))
            .zip(&mut self.dec_clocks)
            .enumerate()
            .with_min_len(PANEL)
            .for_each(|(latent, (((w, m), v), clock))| {
                if work.enters(latent) && (clock.done as usize) < history.len() {
                    wide(|| adam::catch_up(w, m, v, clock, history));
                }
            });
    }

    /// Zero classes that the step's axioms name catch up.
    fn catch_up_named(&mut self) {
        let Some(axioms) = &self.axioms else {
            return;
        };
        let (d, defined) = (self.params.shape.width, self.params.shape.defined);
        let history = &self.history;
        self.params
            .w_zero
            .par_chunks_mut(d)
            .zip(self.state.first.w_zero.par_chunks_mut(d))
            .zip(self.state.second.w_zero.par_chunks_mut(d))
            .zip(&mut self.zero_clocks)
            .enumerate()
            .with_min_len(PANEL)
            .for_each(|(zero, (((w, m), v), clock))| {
                if axioms.names(defined + zero) && (clock.done as usize) < history.len() {
                    wide(|| adam::catch_up(w, m, v, clock, history));
                }
            });
    }

    /// Lengths of the decoder rows that the batch needs, where the variant does.
    fn measure_rows(&mut self) {
        if !self.objective.variant.penalised() {
            return;
        }
        let d = self.params.shape.width;
        let mut norms = std::mem::take(&mut self.work.norms);
        norms.resize(self.params.shape.latents, T::ZERO);
        let work = &self.work;
        norms
            .par_iter_mut()
            .zip(self.params.dec.par_chunks(d))
            .enumerate()
            .with_min_len(PANEL)
            .for_each(|(latent, (norm, row))| {
                if work.enters(latent) {
                    *norm = wide(|| super::vector::dot(row, row)).sqrt();
                }
            });
        self.work.norms = norms;
    }

    /// Encoder and decoder rows: gradient and Adam, panel by panel.
    fn learn_latents(&mut self, rates: Rates<T>) {
        let d = self.params.shape.width;
        let (work, objective, axioms) = (&self.work, &self.objective, self.axioms.as_ref());
        let (history, b_enc) = (&self.history, &self.params.b_enc);
        let small = Small {
            b_mag: &self.params.b_mag,
            r_mag: &self.params.r_mag,
        };
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
                            let more = (&small, b_enc[latent]);
                            *scalars = work.latent(latent, i, more, objective, axioms, scratch);
                            work.add_input_gradient(latent, w, *scalars, part);
                            if scalars.touched {
                                adam::catch_up(w, m, v, &mut enc_clocks[i], past);
                                adam::update(w, m, v, &scratch.enc, rates);
                                enc_clocks[i] = level;
                            } else if !(enc_clocks[i].still && rates.settles) {
                                // the next step's product reads it: it cannot wait
                                adam::catch_up(w, m, v, &mut enc_clocks[i], history);
                            }
                            if work.enters(latent) {
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
            match self.objective.variant {
                Variant::Jumprelu => out.threshold[latent] = scalars.extra,
                Variant::Gated => {
                    out.b_mag[latent] = scalars.extra;
                    out.r_mag[latent] = scalars.r_mag;
                }
                _ => {}
            }
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
            (
                &mut w.threshold,
                &mut m.threshold,
                &mut v.threshold,
                &g.threshold,
            ),
            (&mut w.b_mag, &mut m.b_mag, &mut v.b_mag, &g.b_mag),
            (&mut w.r_mag, &mut m.r_mag, &mut v.r_mag, &g.r_mag),
        ] {
            const CHUNK: usize = 1 << 14;
            w.par_chunks_mut(CHUNK)
                .zip(m.par_chunks_mut(CHUNK))
                .zip(v.par_chunks_mut(CHUNK))
                .zip(g.par_chunks(CHUNK))
                .for_each(|(((w, m), v), g)| wide(|| adam::update(w, m, v, g, rates)));
        }
        for threshold in &mut self.params.threshold {
            *threshold = threshold.larger(T::ZERO);
        }
    }
}
