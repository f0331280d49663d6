//! The annotation loss of a block's rows, and that of implications.

use super::{Block, Factors};
use crate::{
    math::{real::Real, vector::add},
    train::{
        data::batch::{ALL_GROUPS, Batch},
        loss::{
            annotation,
            implication::{self, Implications, Spoken},
        },
    },
    wide,
};

/// What the annotation loss knows of concepts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConceptTerms<'a, T> {
    /// Weights of positives, `[m]`.
    pub(crate) weights: &'a [T],
    /// Groups, of which rows' labels speak or not, `[m]`.
    pub(crate) groups: &'a [u8],
    /// What follows from what, if that is learned.
    pub(crate) implications: Option<&'a Implications<T>>,
}

impl<T: Real> Block<T> {
    /// Adds the annotation loss of the block's rows (`first` is the first one's number in the
    /// batch), and replaces their logits by gradients.
    pub(crate) fn annotate(
        &mut self,
        logits: &mut [T],
        batch: &Batch<T>,
        first: usize,
        concepts: ConceptTerms<'_, T>,
        factors: Factors<T>,
    ) {
        let m = concepts.weights.len();
        if m == 0 {
            return;
        }
        self.logit_gradient.clear();
        self.logit_gradient.resize(m, T::ZERO);
        wide!(|| {
            let rows = (first..).step_by(implication::ROWS);
            for (first, logits) in rows.zip(logits.chunks_mut(m * implication::ROWS)) {
                self.annotate_rows(logits, batch, first, concepts, factors.annot);
            }
        });
    }

    /// Some rows that are compared side by side.
    #[expect(
        clippy::inline_always,
        reason = "a kernel, inlined into callers that `wide!` compiles"
    )]
    #[inline(always)]
    fn annotate_rows(
        &mut self,
        logits: &mut [T],
        batch: &Batch<T>,
        first: usize,
        concepts: ConceptTerms<'_, T>,
        factor: T,
    ) {
        let (m, groups) = (concepts.weights.len(), concepts.groups);
        let rows = &batch.groups[first..first + logits.len() / m];
        if let Some(edges) = concepts.implications {
            let spoken = Spoken { rows, groups };
            self.sums.implication += edges.rows(logits, spoken, &mut self.implied);
        }
        for ((row, &spoken), logits) in (first..).zip(rows).zip(logits.chunks_exact_mut(m)) {
            let labels = batch.labels_of(row);
            self.sums.annot += match spoken {
                ALL_GROUPS => annotation::row(logits, labels, concepts.weights, factor),
                0 => {
                    logits.fill(T::ZERO);
                    0.0
                }
                _ => {
                    let spoken = (groups, spoken);
                    annotation::partial_row(logits, labels, concepts.weights, factor, spoken)
                }
            };
        }
        if let Some(edges) = concepts.implications {
            edges.add(&self.implied, factor, logits, m);
        }
        for logits in logits.chunks_exact(m) {
            add(logits, &mut self.logit_gradient);
        }
    }
}
