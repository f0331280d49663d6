//! The training step: forward, backward by hand over active latents only, and Adam fused with the
//! gradient, so that no gradient of a weight matrix is ever held.
//!
//! A step has five parts. Blocks of rows are encoded; active latents are indexed; decoder rows
//! that are needed now catch up with the steps that they missed; blocks are reconstructed and
//! traced back; panels of latents gather their gradients and move. Blocks and panels have sizes
//! that do not depend on the number of threads, and all sums run in their order.

mod bias_step;
pub(crate) mod block;
mod latent_step;
mod lazy_adam;
pub mod step_buffers;

use crate::wide;
use rayon::prelude::*;

use super::{
    adam::Rates,
    data::batch::Batch,
    loss::{
        axioms::{AxiomLoss, FormLosses},
        implication::Implications,
    },
};
use crate::annot::concept::Axioms;
use crate::{
    math::{matrix_unit::Split, real::Real},
    sae::{config::Objective, forward::SelectionRule, hierarchy::Hierarchy, params::Params},
};
use block::ConceptTerms;
use lazy_adam::{Clocks, align};
use step_buffers::{ModelView, PANEL, Scalars, StepBuffers, StepLosses};

/// Steps that rows may lag behind before all catch up, which bounds the history.
const MAX_HISTORY: usize = 4096;
/// How fast the threshold of a batch-wide choice follows that of the last batch.
const THRESHOLD_RATE: f64 = 0.01;

/// Moments of every parameter.
#[derive(Clone, Debug)]
pub struct OptimizerState<T> {
    /// Steps made.
    pub step: u64,
    /// Rows since each latent was last active, counted until it is dead, `[n]`; empty where dead
    /// latents have no part in the loss.
    pub idle: Vec<u32>,
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
    hierarchy: Hierarchy,
    implications: Option<Implications<T>>,
    axioms: Option<AxiomLoss<T>>,
    seed: u64,
    /// Steps since all rows were level.
    history: Vec<Rates<T>>,
    clocks: Clocks,
    /// Longest gradient.
    clip: Option<f64>,
    /// Which latents are dead, `[n]`; empty where none is.
    dead: Vec<bool>,
    /// Gradients of encoder and decoder rows, where they must be known before anything moves.
    held: Option<(Vec<T>, Vec<T>)>,
    work: StepBuffers<T>,
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
        let mut axioms = AxiomLoss::new(axioms, shape, &objective);
        if let Some(axioms) = &mut axioms {
            axioms.reserve();
        }
        let zeros = Params::zeros_for(shape, &objective);
        let small = Params {
            enc: Vec::new(),
            dec: Vec::new(),
            w_zero: Vec::new(),
            ..zeros.clone()
        };
        Self {
            state: OptimizerState {
                step: 0,
                idle: match objective.aux_k {
                    None => Vec::new(),
                    Some(_) => vec![0; shape.latents],
                },
                first: zeros.clone(),
                second: zeros,
            },
            axioms,
            groups: vec![0; weights.len()],
            hierarchy: Hierarchy::default(),
            implications: None,
            weights,
            seed,
            history: Vec::new(),
            clocks: Clocks::new(shape.latents, shape.zero_classes),
            clip: None,
            held: None,
            dead: Vec::new(),
            work: StepBuffers::default(),
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

    /// Says which concepts are special cases of which: what [`Objective::lambda_implication`] and
    /// [`Objective::forced_by`] go by.
    pub fn set_hierarchy(&mut self, hierarchy: Hierarchy) {
        self.implications = Implications::new(&self.objective, &hierarchy, &self.weights);
        self.hierarchy = hierarchy;
    }

    /// From here on, products with the encoder split their numbers so, or do not.
    pub fn split(&mut self, split: Option<Split>) {
        self.work.derived.split = split;
        self.work.derived.clear();
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
        self.params.refresh_bias();
        &self.params
    }

    /// The parameters as a model is made of them: all decoder rows aligned, if the objective asks for
    /// that. While training goes on, those of inactive latents are not.
    pub fn trained_params(&mut self) -> Params<T> {
        let mut params = self.params().clone();
        if self.objective.aligned {
            align(&mut params, |_| true);
        }
        params
    }

    /// Parameters and moments, all rows level.
    pub fn settled(&mut self) -> (&Params<T>, &OptimizerState<T>) {
        self.params();
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
        self.work.derived.clear();
        self.history.clear();
        self.clocks = Clocks::new(self.params.shape.latents, self.params.shape.zero_classes);
    }

    /// Puts other parameters in place, to measure them.
    ///
    /// # Panics
    /// If they are of another shape: they come from this run.
    pub fn replace_params(&mut self, params: Params<T>) {
        assert_eq!(params.shape, self.params.shape, "shape of the parameters");
        self.settle();
        self.params = params;
        self.work.derived.clear();
    }

    /// Exchanges the decoder's bias, which centres the input, `[d]`.
    pub fn swap_center(&mut self, b_dec: &mut Vec<T>) {
        std::mem::swap(&mut self.params.b_dec, b_dec);
    }

    /// The losses of a batch, axioms and implications left out, without learning from it.
    pub fn evaluate(&mut self, batch: &Batch<T>) -> StepLosses {
        self.settle();
        self.follow();
        let model = ModelView {
            params: &self.params,
            objective: &self.objective,
            hierarchy: &self.hierarchy,
        };
        let selection = SelectionRule::applied(&self.objective, &self.params);
        self.work.forward(model, selection, batch);
        self.work.index_latents();
        self.align_active();
        self.measure_rows();
        self.backward(batch, false);
        self.work
            .losses(&self.objective, &self.groups, batch, FormLosses::default())
    }

    /// What is derived from the parameters follows them.
    fn follow(&mut self) {
        self.params.refresh_bias();
        self.work.follow(&self.params, &self.objective);
    }

    /// Losses of the encoded batch, and gradients where the model learns.
    fn backward(&mut self, batch: &Batch<T>, learning: bool) {
        let model = ModelView {
            params: &self.params,
            objective: &self.objective,
            hierarchy: &self.hierarchy,
        };
        let concepts = ConceptTerms {
            weights: &self.weights,
            groups: &self.groups,
            // what is only measured is selected by other losses
            implications: self.implications.as_ref().filter(|_| learning),
        };
        self.work.backward(model, concepts, batch, learning);
    }

    /// One step of Adam on a batch.
    ///
    /// `lr_never_grows` promises that the learning rate will not grow in later steps.
    pub fn step(&mut self, batch: &Batch<T>, lr: f64, lr_never_grows: bool) -> StepLosses {
        let losses = match self.clip {
            None => self.prepare(batch),
            Some(_) => self.hold_gradients(batch),
        };
        self.state.step += 1;
        let rates = Rates::new(self.state.step, lr, lr_never_grows);
        self.history.push(rates);
        if let Some(limit) = self.clip {
            self.shorten(limit);
            self.learn_held();
        } else {
            self.learn_latents();
            self.small_gradients();
        }
        self.learn_zero();
        self.learn_small(rates);
        if self.history.len() >= MAX_HISTORY {
            self.settle();
        }
        let dead_after = self.objective.dead_after;
        for (idle, &active) in self.state.idle.iter_mut().zip(&self.work.activity) {
            *idle = if active > 0 {
                0
            } else {
                idle.saturating_add(losses.rows as u32).min(dead_after)
            };
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

    /// Everything of a step before learning.
    fn prepare(&mut self, batch: &Batch<T>) -> StepLosses {
        self.follow();
        self.choose(batch);
        self.work.index_latents();
        self.catch_up_active();
        self.align_active();
        self.measure_rows();
        self.backward(batch, true);
        let mut forms = FormLosses::default();
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

    /// Finds the dead latents among the unknown ones; those of concepts have their labels to live by.
    fn find_dead(&mut self) {
        let (after, defined) = (self.objective.dead_after, self.params.shape.defined);
        let is_dead = |(latent, &idle): (usize, &u32)| latent >= defined && idle >= after;
        self.dead.clear();
        if self.state.idle.iter().enumerate().any(is_dead) {
            let idle = self.state.idle.iter().enumerate();
            self.dead.extend(idle.map(is_dead));
        }
    }

    /// Encodes the batch; a batch-wide choice follows its own threshold.
    fn choose(&mut self, batch: &Batch<T>) {
        self.find_dead();
        let model = ModelView {
            params: &self.params,
            objective: &self.objective,
            hierarchy: &self.hierarchy,
        };
        let selection = SelectionRule::learning(&self.objective, &self.params, &self.dead);
        let rule = self.objective.variant.rule::<T>();
        if !rule.limits_batch() {
            self.work.forward(model, selection, batch);
            return;
        }
        let k = self.objective.variant.k().unwrap_or(0);
        let keep = k.saturating_mul(batch.rows());
        let followed = rule.least(&self.params);
        // few candidates are above half of the threshold; where they do not suffice, all are taken
        let mut least = None;
        for share in [0.5, 0.0] {
            let selection = SelectionRule {
                least: followed * T::of(share),
                ..selection
            };
            self.work.forward(model, selection, batch);
            least = self.work.limit(keep);
            if least.is_some() || followed == T::ZERO {
                break;
            }
        }
        self.work.force(model, selection);
        if let Some(least) = least {
            let next = if followed == T::ZERO {
                least
            } else {
                followed + T::of(THRESHOLD_RATE) * (least - followed)
            };
            for tensor in &mut self.params.own {
                tensor.values.fill(next);
            }
        }
    }

    /// Lengths of the decoder rows that the batch needs, where the variant does.
    fn measure_rows(&mut self) {
        if !self.objective.variant.rule::<T>().penalises() {
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
                    *norm = wide!(|| crate::math::vector::dot(row, row)).sqrt();
                }
            });
        self.work.norms = norms;
    }
}
