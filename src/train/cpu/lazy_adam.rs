//! Rows of the large matrices, with their moments and their place in time: a row that nothing needs
//! waits, and makes the steps that it missed when something does.

use crate::wide;
use rayon::prelude::*;

use super::step_buffers::{BiasParams, PANEL};
use super::{Engine, OptimizerState};
use crate::{
    math::{
        real::Real,
        vector::{axpy, dot},
    },
    sae::params::Params,
    train::adam::{self, Clock, Rates},
};

/// Where the rows of each matrix are in time.
#[derive(Debug)]
pub(crate) struct Clocks {
    pub(crate) enc: Vec<Clock>,
    pub(crate) dec: Vec<Clock>,
    pub(crate) zero: Vec<Clock>,
}

impl Clocks {
    /// All level, for matrices of so many latents and zero classes.
    pub(crate) fn new(latents: usize, zero_classes: usize) -> Self {
        Self {
            enc: vec![Clock::default(); latents],
            dec: vec![Clock::default(); latents],
            zero: vec![Clock::default(); zero_classes],
        }
    }
}

/// Rows of a matrix next to each other, `[rows, d]`.
pub(crate) struct Matrix<'a, T> {
    w: &'a mut [T],
    first: &'a mut [T],
    second: &'a mut [T],
    clocks: &'a mut [Clock],
}

/// A row of a matrix, `[d]`.
pub(crate) struct Row<'a, T> {
    w: &'a mut [T],
    first: &'a mut [T],
    second: &'a mut [T],
    clock: &'a mut Clock,
}

/// What a step moves row by row, and what it reads beside.
pub(crate) struct Parts<'a, T> {
    pub(crate) enc: Matrix<'a, T>,
    pub(crate) dec: Matrix<'a, T>,
    /// Centres of the zero classes.
    pub(crate) zero: Matrix<'a, T>,
    pub(crate) small: BiasParams<'a, T>,
}

impl<'a, T: Real> Parts<'a, T> {
    pub(crate) fn of(
        params: &'a mut Params<T>,
        state: &'a mut OptimizerState<T>,
        clocks: &'a mut Clocks,
    ) -> Self {
        let (first, second) = (&mut state.first, &mut state.second);
        Self {
            enc: Matrix {
                w: &mut params.enc,
                first: &mut first.enc,
                second: &mut second.enc,
                clocks: &mut clocks.enc,
            },
            dec: Matrix {
                w: &mut params.dec,
                first: &mut first.dec,
                second: &mut second.dec,
                clocks: &mut clocks.dec,
            },
            zero: Matrix {
                w: &mut params.w_zero,
                first: &mut first.w_zero,
                second: &mut second.w_zero,
                clocks: &mut clocks.zero,
            },
            small: BiasParams {
                b_enc: &params.b_enc,
                own: &params.own,
            },
        }
    }
}

impl<'a, T: Real> Matrix<'a, T> {
    /// All rows, each `width` long.
    pub(crate) fn rows(self, width: usize) -> impl IndexedParallelIterator<Item = Row<'a, T>> {
        self.w
            .par_chunks_mut(width)
            .zip(self.first.par_chunks_mut(width))
            .zip(self.second.par_chunks_mut(width))
            .zip(self.clocks)
            .map(|(((w, first), second), clock)| Row {
                w,
                first,
                second,
                clock,
            })
    }

    /// Panels of rows.
    pub(crate) fn panels(self, width: usize) -> impl IndexedParallelIterator<Item = Self> {
        self.w
            .par_chunks_mut(PANEL * width)
            .zip(self.first.par_chunks_mut(PANEL * width))
            .zip(self.second.par_chunks_mut(PANEL * width))
            .zip(self.clocks.par_chunks_mut(PANEL))
            .map(|(((w, first), second), clocks)| Self {
                w,
                first,
                second,
                clocks,
            })
    }

    /// A row, each `width` long.
    #[expect(clippy::inline_always, reason = "asked once a latent and step")]
    #[inline(always)]
    pub(crate) fn row(&mut self, row: usize, width: usize) -> Row<'_, T> {
        let range = row * width..(row + 1) * width;
        Row {
            w: &mut self.w[range.clone()],
            first: &mut self.first[range.clone()],
            second: &mut self.second[range],
            clock: &mut self.clocks[row],
        }
    }

    /// The weights of a row.
    #[expect(clippy::inline_always, reason = "asked once a latent and step")]
    #[inline(always)]
    pub(crate) fn weights(&self, row: usize, width: usize) -> &[T] {
        &self.w[row * width..(row + 1) * width]
    }
}

#[expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]
impl<T: Real> Row<'_, T> {
    /// Makes the steps of `history` that it has missed.
    #[inline(always)]
    pub(crate) fn catch_up(&mut self, history: &[Rates<T>]) {
        if (self.clock.steps_applied as usize) < history.len() {
            adam::catch_up(self.w, self.first, self.second, self.clock, history);
        }
    }

    /// The last step of `history` without a gradient, unless it would change nothing.
    #[inline(always)]
    pub(crate) fn step_without_gradient(&mut self, history: &[Rates<T>]) {
        let lr_never_grows = history.last().is_some_and(|rates| rates.lr_never_grows);
        if !(self.clock.converged && lr_never_grows) {
            self.catch_up(history);
        }
    }

    /// The last step of `history`, with its gradient, after those that it has missed.
    #[inline(always)]
    pub(crate) fn learn(&mut self, gradient: &[T], history: &[Rates<T>]) {
        let Some((&rates, past)) = history.split_last() else {
            return;
        };
        self.catch_up(past);
        adam::update(self.w, self.first, self.second, gradient, rates);
        *self.clock = Clock {
            steps_applied: history.len() as u32,
            converged: false,
        };
    }

    /// Makes the steps that it has missed, before its history is forgotten.
    fn settle(&mut self, history: &[Rates<T>]) {
        wide!(|| self.catch_up(history));
        self.clock.steps_applied = 0;
    }
}

impl<T: Real> Engine<T> {
    /// All rows catch up with the steps that they missed.
    pub fn settle(&mut self) {
        if self.history.is_empty() {
            return;
        }
        let (d, history) = (self.params.shape.width, &self.history);
        let parts = Parts::of(&mut self.params, &mut self.state, &mut self.clocks);
        for matrix in [parts.enc, parts.dec, parts.zero] {
            let rows = matrix.rows(d).with_min_len(PANEL);
            rows.for_each(|mut row| row.settle(history));
        }
        self.history.clear();
    }

    /// Brings the decoder rows that the batch needs to an inner product of 1 with their encoder rows, by
    /// the shortest way, if the objective asks for that.
    pub(crate) fn align_active(&mut self) {
        if self.objective.aligned {
            let work = &self.work;
            align(&mut self.params, |latent| work.enters(latent));
        }
    }

    /// Decoder rows that the batch needs catch up.
    pub(crate) fn catch_up_active(&mut self) {
        let (d, history, work) = (self.params.shape.width, &self.history, &self.work);
        let parts = Parts::of(&mut self.params, &mut self.state, &mut self.clocks);
        let rows = parts.dec.rows(d).enumerate().with_min_len(PANEL);
        rows.for_each(|(latent, mut row)| {
            if work.enters(latent) {
                wide!(|| row.catch_up(history));
            }
        });
    }

    /// Zero classes that the step's axioms name catch up.
    pub(crate) fn catch_up_named(&mut self) {
        self.visit_named(|mut row, _, history| row.catch_up(history));
    }

    /// Zero classes that the step's axioms name move; the others wait.
    pub(crate) fn learn_zero(&mut self) {
        self.visit_named(|mut row, gradient, history| row.learn(gradient, history));
    }

    /// Does something to each zero class that the step's axioms name: its row, its centre's gradient, the steps so far.
    fn visit_named(&mut self, visit: impl Fn(Row<'_, T>, &[T], &[Rates<T>]) + Sync) {
        let Some(axioms) = &self.axioms else {
            return;
        };
        let (d, m) = (self.params.shape.width, self.params.shape.defined);
        let history = &self.history;
        let parts = Parts::of(&mut self.params, &mut self.state, &mut self.clocks);
        let rows = parts.zero.rows(d).enumerate().with_min_len(PANEL);
        rows.for_each(|(class, row)| {
            if axioms.names(m + class) {
                let gradient = &axioms.centres[(m + class) * d..][..d];
                wide!(|| visit(row, gradient, history));
            }
        });
    }
}

/// Moves decoder rows of some latents along their encoder rows, as these are applied, until the inner product
/// of the two is 1.
pub(crate) fn align<T: Real>(params: &mut Params<T>, of: impl Fn(usize) -> bool + Sync) {
    let d = params.shape.width;
    let scales = &params.r_pred;
    params
        .dec
        .par_chunks_mut(d)
        .zip(params.enc.par_chunks(d))
        .enumerate()
        .with_min_len(PANEL)
        .filter(|(latent, _)| of(*latent))
        .for_each(|(latent, (dec, enc))| {
            wide!(|| {
                let scale = scales.get(latent).map_or(T::ONE, |r| r.exp());
                let squares = scale * scale * dot(enc, enc);
                if squares > T::ZERO {
                    let lack = T::ONE - scale * dot(enc, dec);
                    axpy(lack * scale / squares, enc, dec);
                }
            });
        });
}
