//! What a step holds of its batch, and the gradients of latents drawn from it.

use rayon::prelude::*;

use super::{
    axioms::{AxiomLoss, FORMS},
    batch::{ALL_GROUPS, Batch},
    block::{Block, Factors, Sums},
    config::{Objective, Shape, Variant},
    forward::{Choice, Scratch, block_rows, encode_block},
    params::Params,
    pool::PerThread,
    product::{Matrix, multiply},
    real::Real,
    vector::{add, axpy, wide},
};

/// Latents per task of the backward pass.
pub(crate) const PANEL: usize = 32;

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
    /// Mean hinge of each form.
    pub forms: [f64; FORMS],
    /// Sum of the forms.
    pub axiom: f64,
    /// The weighted sum that is minimised.
    pub total: f64,
    /// Sums over the rows.
    pub sums: Sums,
}

/// Entries of a batch by latent.
#[derive(Debug, Default)]
struct ByLatent {
    /// Start of each latent's entries, `[n + 1]` (and one more, which filling needs).
    starts: Vec<u32>,
    /// Row of each entry.
    rows: Vec<u32>,
    /// Place of each entry in its block.
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
    pub(crate) b_enc: T,
    pub(crate) r: T,
    /// Of the annotation loss alone.
    pub(crate) b_pred: T,
    /// Of the product of encoder row and input; a defined row's, without its scale.
    input: T,
    /// Gated: of the magnitude's bias; jumprelu: of the threshold.
    pub(crate) extra: T,
    /// Gated: of the magnitude's scale.
    pub(crate) r_mag: T,
    /// Whether the encoder row has a gradient.
    pub(crate) touched: bool,
}

/// Parameters that gradients of latents are made from, beside the matrices.
pub(crate) struct Small<'a, T> {
    pub(crate) b_mag: &'a [T],
    pub(crate) r_mag: &'a [T],
}

/// A batch in work; all memory is reused from step to step.
#[derive(Debug, Default)]
pub(crate) struct Work<T: Real> {
    shape: Shape,
    /// Rows of the batch, and per block.
    rows: usize,
    block: usize,
    /// exp(r), `[m]`.
    pub(crate) scale: Vec<T>,
    /// Centred input, `[rows, d]`.
    xc: Vec<T>,
    /// d loss / d `x_hat`, `[rows, groups, d]`.
    gradient: Vec<T>,
    /// Groups of latents between prefixes.
    groups: usize,
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

impl<T: Real> Work<T> {
    fn blocks(&self) -> &[Block<T>] {
        &self.blocks[..self.rows.div_ceil(self.block.max(1))]
    }

    /// Centres and encodes a batch.
    pub(crate) fn forward(
        &mut self,
        params: &Params<T>,
        objective: &Objective,
        choice: Choice<T>,
        batch: &Batch<T>,
    ) {
        self.shape = params.shape;
        let (d, m) = (self.shape.width, self.shape.defined);
        self.rows = batch.rows();
        assert_eq!(batch.x.len(), self.rows * d, "rows of the model's width");
        self.block = block_rows(self.rows);
        let block = self.block;
        let blocks = self.rows.div_ceil(block);
        self.xc.resize(self.rows * d, T::ZERO);
        self.groups = objective.prefixes.len() + 1;
        self.gradient.resize(self.rows * self.groups * d, T::ZERO);
        self.logits.resize(self.rows * m, T::ZERO);
        self.blocks
            .resize_with(blocks.max(self.blocks.len()), Block::default);
        self.scale.clear();
        self.scale.extend(params.r_pred.iter().map(|r| r.exp()));
        let (scale, scratch) = (&self.scale, &self.scratch);
        let encode = |x: &[T], xc: &mut [T], logits: &mut [T], block: &mut Block<T>| {
            wide(|| {
                for (xc, x) in xc.chunks_exact_mut(d).zip(x.chunks_exact(d)) {
                    for ((xc, &x), &b) in xc.iter_mut().zip(x).zip(&params.b_dec) {
                        *xc = x - b;
                    }
                }
            });
            scratch.with(|scratch| {
                let out = &mut block.z;
                encode_block(params, scale, objective, choice, xc, logits, out, scratch);
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
        for block in blocks {
            for i in 0..block.z.rows() {
                for place in block.z.range(i) {
                    let slot = &mut starts[block.z.latents[place] as usize + 1];
                    rows[*slot as usize] = row;
                    places[*slot as usize] = place as u32;
                    *slot += 1;
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

    /// Losses of the blocks, and their gradients down to pre-activations and logits.
    pub(crate) fn backward(
        &mut self,
        params: &Params<T>,
        objective: &Objective,
        concepts: (&[T], &[u8]),
        batch: &Batch<T>,
    ) {
        let (d, m) = (self.shape.width, self.shape.defined);
        let (block, groups, norms) = (self.block, self.groups, &self.norms);
        let blocks = self.rows.div_ceil(block);
        if objective.variant == Variant::LinearProbe {
            self.gradient.fill(T::ZERO);
        }
        let pairs = pairs(batch, concepts.1).max(1) as f64;
        let factors = Factors {
            rec: T::of(1.0 / self.rows.max(1) as f64),
            annot: T::of(objective.lambda_annot / pairs),
        };
        let pieces = batch
            .x
            .par_chunks(block * d)
            .zip(self.gradient.par_chunks_mut(block * groups * d))
            .zip(&mut self.blocks[..blocks]);
        if m == 0 {
            pieces.for_each(|((x, gradient), out)| {
                out.reconstruct(params, objective, norms, x, gradient, factors);
            });
        } else {
            pieces
                .zip(self.logits.par_chunks_mut(block * m))
                .enumerate()
                .for_each(|(number, (((x, gradient), out), logits))| {
                    out.annotate(logits, batch, number * block, concepts, factors);
                    out.reconstruct(params, objective, norms, x, gradient, factors);
                });
        }
    }

    /// The losses, once [`Work::backward`] has run.
    pub(crate) fn losses(
        &self,
        objective: &Objective,
        groups: &[u8],
        batch: &Batch<T>,
        forms: [f64; FORMS],
    ) -> StepLosses {
        let mut sums = Sums::default();
        for block in self.blocks() {
            sums.add(&block.sums);
        }
        let annotated = annotated(batch);
        let rows = self.rows.max(1) as f64;
        let (rec, nested, penalty) = (sums.rec / rows, sums.nested / rows, sums.penalty / rows);
        let annot = sums.annot / pairs(batch, groups).max(1) as f64;
        let axiom = forms.iter().sum();
        StepLosses {
            rows: self.rows,
            annotated,
            rec,
            penalty,
            annot,
            forms,
            axiom,
            total: nested
                + penalty
                + objective.lambda_annot * annot
                + objective.lambda_axiom * axiom,
            sums,
        }
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
        multiply(
            Matrix::new(logits, self.rows, PANEL.min(m - first), m).transpose(),
            Matrix::new(&self.xc, self.rows, d, d),
            &mut scratch.predictor,
            d,
        );
    }

    /// The gradient of a latent, number `i` of its panel; its rows are left in `scratch`.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide` compiles"
    )]
    #[inline(always)]
    pub(crate) fn latent(
        &self,
        latent: usize,
        i: usize,
        (params, b_enc): (&Small<'_, T>, T),
        objective: &Objective,
        axioms: Option<&AxiomLoss<T>>,
        scratch: &mut PanelScratch<T>,
    ) -> Scalars<T> {
        let (d, m) = (self.shape.width, self.shape.defined);
        let range =
            self.by_latent.starts[latent] as usize..self.by_latent.starts[latent + 1] as usize;
        let defined = latent < m;
        let mut scalars = Scalars {
            touched: defined || !range.is_empty(),
            ..Scalars::default()
        };
        scratch.enc.fill(T::ZERO);
        scratch.dec.fill(T::ZERO);
        let into_encoder = !defined || !objective.detach;
        let group = objective.prefixes.partition_point(|&end| end <= latent);
        let gated = objective.variant == Variant::Gated;
        let scale = if gated {
            params.r_mag[latent].exp()
        } else {
            T::ONE
        };
        let bias = if gated { params.b_mag[latent] } else { b_enc };
        let rows = &self.by_latent.rows[range.clone()];
        for (&row, &place) in rows.iter().zip(&self.by_latent.places[range]) {
            let row = row as usize;
            let place = place as usize;
            let block = &self.blocks[row / self.block];
            let value = block.z.values[place];
            let slope = block.slopes[place];
            let gradient = &self.gradient[(row * self.groups + group) * d..][..d];
            if value != T::ZERO {
                axpy(value, gradient, &mut scratch.dec);
            }
            let second = block.second.get(place).copied().unwrap_or(T::ZERO);
            let pull = if gated {
                scalars.b_enc += second;
                scalars.extra += slope;
                scalars.r_mag += slope * (value - bias);
                second + scale * slope
            } else {
                scalars.b_enc += slope;
                scalars.extra += second;
                // the pre-activation without its bias is exp(r) W_pred xc
                scalars.r += slope * (value - bias);
                slope
            };
            scalars.input += pull;
            if into_encoder && pull != T::ZERO {
                axpy(pull, &self.xc[row * d..][..d], &mut scratch.enc);
            }
        }
        if defined {
            let scale = self.scale[latent];
            for (enc, &predictor) in scratch.enc.iter_mut().zip(&scratch.predictor[i * d..]) {
                *enc = *enc * scale + predictor;
            }
            if let Some(axioms) = axioms.filter(|a| a.names(latent)) {
                add(&axioms.centres[latent * d..][..d], &mut scratch.enc);
            }
            for logit in self.logits[latent..].iter().step_by(m) {
                scalars.b_pred += *logit;
            }
        }
        scalars
    }

    /// Adds to `out` what a latent's gradient means for `b_dec` through the centred input; `row`
    /// is the latent's encoder row.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide` compiles"
    )]
    #[inline(always)]
    pub(crate) fn add_input_gradient(
        &self,
        latent: usize,
        row: &[T],
        scalars: Scalars<T>,
        out: &mut [T],
    ) {
        let factor = match self.scale.get(latent) {
            Some(&scale) => scalars.input * scale + scalars.b_pred,
            None => scalars.input,
        };
        if factor != T::ZERO {
            axpy(-factor, row, out);
        }
    }
}

/// Rows that take part in the annotation loss.
fn annotated<T>(batch: &Batch<T>) -> usize {
    batch.groups.iter().filter(|&&g| g != 0).count()
}

/// Pairs of row and concept that take part; `groups` are those of the concepts.
fn pairs<T>(batch: &Batch<T>, groups: &[u8]) -> usize {
    let of_row = |&spoken: &u64| match spoken {
        ALL_GROUPS => groups.len(),
        0 => 0,
        spoken => groups.iter().filter(|&&g| spoken >> g & 1 == 1).count(),
    };
    batch.groups.iter().map(of_row).sum()
}
