//! What a step holds of its batch, and the gradients of latents drawn from it.

mod latent;

use crate::wide;
use rayon::prelude::*;

use super::block::{Block, ConceptTerms, Factors, Reconstruction, Sums};
use crate::{
    math::{pool::PerThread, real::Real, vector::add},
    sae::{
        config::{Objective, Shape, Variant},
        forward::{BlockEncoder, CachedParams, Scratch, SelectionRule, block_rows},
        hierarchy::Hierarchy,
        params::Params,
    },
    train::{
        data::batch::{ALL_GROUPS, Batch},
        loss::axioms::{FORMS, FormLosses},
    },
};
use latent::ByLatent;
pub(crate) use latent::{BiasParams, LatentContext, PANEL, PanelScratch, Scalars};

/// The losses of a step and what happened in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepLosses {
    /// Rows.
    pub rows: usize,
    /// Rows that took part in the annotation loss.
    pub annotated: usize,
    /// Mean squared error per row.
    pub rec: f64,
    /// Mean of the variant's own loss per row.
    pub penalty: f64,
    /// Mean weighted cross-entropy per row and concept.
    pub annot: f64,
    /// What children exceed their parents by, summed over edges: mean per row and concept.
    pub implication: f64,
    /// Mean hinge of each form.
    pub forms: [f64; FORMS],
    /// Share of the hinges of each form that are active.
    pub active_hinges: [f64; FORMS],
    /// Sum of the forms.
    pub axiom: f64,
    /// The weighted sum that is minimised.
    pub total: f64,
    /// Sums over the rows.
    pub sums: Sums,
}

/// What losses are means over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Rows of the batch.
    pub(crate) rows: usize,
    /// Rows that take part in the annotation loss.
    pub(crate) annotated: usize,
    /// Pairs of row and concept that take part.
    pub(crate) pairs: usize,
}

impl Counts {
    /// Of a batch; `groups` are those of the concepts.
    pub(crate) fn of<T: Real>(batch: &Batch<T>, groups: &[u8]) -> Self {
        Self {
            rows: batch.rows(),
            annotated: batch.groups.iter().filter(|&&g| g != 0).count(),
            pairs: pairs(batch, groups),
        }
    }
}

impl StepLosses {
    /// From sums over a batch, and what each form of axioms adds.
    pub(crate) fn new(
        objective: &Objective,
        counts: Counts,
        sums: Sums,
        forms: FormLosses,
    ) -> Self {
        let count = counts.rows.max(1) as f64;
        let pairs = counts.pairs.max(1) as f64;
        let (nested, penalty) = (sums.nested / count, sums.penalty / count);
        let (annot, implication) = (sums.annot / pairs, sums.implication / pairs);
        let axiom = forms.losses.iter().sum();
        Self {
            rows: counts.rows,
            annotated: counts.annotated,
            rec: sums.rec / count,
            penalty,
            annot,
            implication,
            forms: forms.losses,
            active_hinges: forms.active,
            axiom,
            total: nested
                + penalty
                + objective.lambda_annot * (annot + objective.lambda_implication * implication)
                + objective.lambda_axiom * axiom,
            sums,
        }
    }
}

/// A model in training, as a batch sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelView<'a, T> {
    pub(crate) params: &'a Params<T>,
    pub(crate) objective: &'a Objective,
    pub(crate) hierarchy: &'a Hierarchy,
}

impl<'a, T: Real> ModelView<'a, T> {
    fn encoder(
        self,
        cached: &'a CachedParams<T>,
        selection: SelectionRule<'a, T>,
    ) -> BlockEncoder<'a, T> {
        BlockEncoder {
            params: self.params,
            cached,
            objective: self.objective,
            hierarchy: self.hierarchy,
            selection,
        }
    }
}

/// A batch in work; all memory is reused from step to step.
#[derive(Debug, Default)]
pub(crate) struct StepBuffers<T: Real> {
    shape: Shape,
    /// Rows of the batch, and per block.
    rows: usize,
    block: usize,
    pub(crate) derived: CachedParams<T>,
    /// `b_dec` less the predictor's centre, `[d]`; empty where they are one.
    offset: Vec<T>,
    /// Centred input, `[rows, d]`.
    xc: Vec<T>,
    /// d loss / d `x_hat`, `[rows, slots, d]`.
    gradient: Vec<T>,
    /// Groups of latents between prefixes, and one more where dead latents reconstruct the rest.
    slots: usize,
    /// Lengths of decoder rows, `[n]`, where the variant needs them.
    pub(crate) norms: Vec<T>,
    /// Logits, then their gradients, `[rows, m]`.
    logits: Vec<T>,
    blocks: Vec<Block<T>>,
    by_latent: ByLatent,
    /// Values of the whole batch, while the largest are sought.
    all: Vec<T>,
    /// Rows in which each latent is active, `[n]`.
    pub(crate) activity: Vec<u32>,
    scratch: PerThread<Scratch<T>>,
    pub(crate) panels: PerThread<PanelScratch<T>>,
}

impl<T: Real> StepBuffers<T> {
    fn blocks(&self) -> &[Block<T>] {
        &self.blocks[..self.rows.div_ceil(self.block.max(1))]
    }

    /// Prepares for parameters.
    pub(crate) fn follow(&mut self, params: &Params<T>, objective: &Objective) {
        self.shape = params.shape;
        self.derived.refresh(params, objective);
        self.offset = params.center_offset();
    }

    /// Centres and encodes a batch, after [`StepBuffers::follow`].
    pub(crate) fn forward(
        &mut self,
        model: ModelView<'_, T>,
        selection: SelectionRule<'_, T>,
        batch: &Batch<T>,
    ) {
        let params = model.params;
        let (d, m) = (self.shape.width, self.shape.defined);
        self.rows = batch.rows();
        assert_eq!(batch.x.len(), self.rows * d, "rows of the model's width");
        self.block = block_rows(self.rows);
        let block = self.block;
        let blocks = self.rows.div_ceil(block);
        self.xc.resize(self.rows * d, T::ZERO);
        let groups = model.objective.prefixes.len() + 1;
        self.slots = groups + usize::from(!selection.dead.is_empty());
        self.gradient.resize(self.rows * self.slots * d, T::ZERO);
        self.logits.resize(self.rows * m, T::ZERO);
        self.blocks
            .resize_with(blocks.max(self.blocks.len()), Block::default);
        let encoder = model.encoder(&self.derived, selection);
        let scratch = &self.scratch;
        let encode = |x: &[T], xc: &mut [T], logits: &mut [T], block: &mut Block<T>| {
            wide!(|| {
                for (xc, x) in xc.chunks_exact_mut(d).zip(x.chunks_exact(d)) {
                    for ((xc, &x), &b) in xc.iter_mut().zip(x).zip(&params.b_dec) {
                        *xc = x - b;
                    }
                }
            });
            scratch.with(|scratch| {
                encoder.encode(xc, logits, &mut block.z, scratch);
                std::mem::swap(&mut block.dead, &mut scratch.dead);
            });
            block.count(logits, m);
        };
        let pieces = batch
            .x
            .par_chunks(block * d)
            .zip(self.xc.par_chunks_mut(block * d))
            .zip(&mut self.blocks[..blocks]);
        if m == 0 {
            pieces.for_each(|((x, xc), out)| encode(x, xc, &mut [], out));
        } else {
            pieces
                .zip(self.logits.par_chunks_mut(block * m))
                .for_each(|(((x, xc), out), logits)| encode(x, xc, logits, out));
        }
    }

    /// Forces concepts once the whole batch has decided which entries stay, and counts anew.
    pub(crate) fn force(&mut self, model: ModelView<'_, T>, selection: SelectionRule<'_, T>) {
        let (block, m) = (self.block, self.shape.defined);
        if m == 0 {
            return;
        }
        let encoder = model.encoder(&self.derived, selection);
        let (scratch, used) = (&self.scratch, self.rows.div_ceil(block));
        self.blocks[..used]
            .par_iter_mut()
            .zip(self.logits.par_chunks(block * m))
            .for_each(|(block, logits)| {
                scratch.with(|scratch| encoder.force(logits, &mut block.z, scratch));
                block.count(logits, m);
            });
    }

    /// Keeps the `keep` largest entries of the whole batch, ties in order of row and latent, and
    /// returns the smallest of them; none where there are not so many.
    pub(crate) fn limit(&mut self, keep: usize) -> Option<T> {
        let used = self.rows.div_ceil(self.block);
        let blocks = &mut self.blocks[..used];
        self.all.clear();
        for block in &*blocks {
            self.all.extend_from_slice(&block.z.values);
        }
        if keep == 0 || self.all.len() < keep {
            return None;
        }
        let descending = |a: &T, b: &T| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal);
        let (_, &mut least, _) = self.all.select_nth_unstable_by(keep - 1, descending);
        let above = self.all[..keep].iter().filter(|&&v| v > least).count();
        let ties = std::cell::Cell::new(keep - above);
        for block in blocks {
            block.z.retain(|_, _, &value| {
                value > least
                    || (value == least && ties.get() > 0 && {
                        ties.set(ties.get() - 1);
                        true
                    })
            });
            block.sums.active = block.z.latents.len() as u64;
        }
        Some(least)
    }

    /// Losses of the blocks and, where the model learns, their gradients down to pre-activations and
    /// logits.
    pub(crate) fn backward(
        &mut self,
        model: ModelView<'_, T>,
        concepts: ConceptTerms<'_, T>,
        batch: &Batch<T>,
        learning: bool,
    ) {
        let (params, objective) = (model.params, model.objective);
        let (d, m) = (self.shape.width, self.shape.defined);
        let (block, slots) = (self.block, self.slots);
        let blocks = self.rows.div_ceil(block);
        if matches!(objective.variant, Variant::LinearProbe(_)) {
            self.gradient.fill(T::ZERO);
        }
        let pairs = pairs(batch, concepts.groups).max(1) as f64;
        let factors = Factors {
            rec: T::of(1.0 / self.rows.max(1) as f64),
            annot: T::of(objective.lambda_annot / pairs),
        };
        let model = Reconstruction {
            params,
            objective,
            norms: &self.norms,
            factors,
        };
        let pieces = batch
            .x
            .par_chunks(block * d)
            .zip(self.gradient.par_chunks_mut(block * slots * d))
            .zip(&mut self.blocks[..blocks]);
        if m == 0 {
            pieces.for_each(|((x, gradient), out)| {
                out.reconstruct(&model, x, gradient, learning);
            });
        } else {
            pieces
                .zip(self.logits.par_chunks_mut(block * m))
                .enumerate()
                .for_each(|(number, (((x, gradient), out), logits))| {
                    out.annotate(logits, batch, number * block, concepts, factors);
                    out.reconstruct(&model, x, gradient, learning);
                });
        }
    }

    /// The losses, once [`StepBuffers::backward`] has run.
    pub(crate) fn losses(
        &self,
        objective: &Objective,
        groups: &[u8],
        batch: &Batch<T>,
        forms: FormLosses,
    ) -> StepLosses {
        let mut sums = Sums::default();
        for block in self.blocks() {
            sums.add(&block.sums);
        }
        StepLosses::new(objective, Counts::of(batch, groups), sums, forms)
    }

    /// Sum over rows of d loss / d `x_hat`, added to `out` `[d]`.
    pub(crate) fn add_bias_gradient(&self, out: &mut [T]) {
        for block in self.blocks() {
            add(&block.bias_gradient, out);
        }
    }

    /// Active latents of the batch, row by row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&[u32], &[T])> {
        self.blocks().iter().flat_map(|block| {
            let z = &block.z;
            (0..z.rows()).map(|row| (&z.latents[z.range(row)], &z.values[z.range(row)]))
        })
    }
}

/// Pairs of row and concept that take part; `groups` are those of the concepts.
pub(crate) fn pairs<T>(batch: &Batch<T>, groups: &[u8]) -> usize {
    let of_row = |&spoken: &u64| match spoken {
        ALL_GROUPS => groups.len(),
        0 => 0,
        spoken => groups.iter().filter(|&&g| spoken >> g & 1 == 1).count(),
    };
    batch.groups.iter().map(of_row).sum()
}
