//! What a variant is to the encoder and to training.

use std::fmt::Debug;

use super::code::Code;
use crate::{
    math::real::Real,
    sae::{
        params::{LatentTensor, Params},
        sparse::SparseRows,
    },
};

/// Most tensors that a variant has of its own.
pub(crate) const MOST_TENSORS: usize = 2;

/// A row whose pre-activations have been compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SelectedRow<'a, T> {
    /// The model.
    pub(crate) params: &'a Params<T>,
    /// What exceeded the least value, and the latent, ascending: pre-activations with [`Rule::bias`].
    pub(crate) chosen: &'a [(T, u32)],
    /// Logits of the concepts, `[m]`.
    pub(crate) logits: &'a [T],
    /// Products of all pairs of decoder rows, where [`Rule::needs_gram`].
    pub(crate) gram: &'a [T],
    /// Whether entries without activation are kept, for the sake of gradients.
    pub(crate) learning: bool,
}

/// A reconstructed row, whose variant adds to the loss.
pub(crate) struct RowLoss<'a, T> {
    /// The model.
    pub(crate) params: &'a Params<T>,
    /// The row, `[d]`.
    pub(crate) x: &'a [T],
    /// Active latents, ascending.
    pub(crate) latents: &'a [u32],
    /// Their activations.
    pub(crate) values: &'a [T],
    /// Whether each is forced: its slope belongs to the mean that it was lifted to.
    pub(crate) forced: &'a [bool],
    /// The second number of each, of rules that keep one.
    pub(crate) second: &'a [T],
    /// Lengths of decoder rows, `[n]`.
    pub(crate) lengths: &'a [T],
    /// d loss / d (the row's part of it).
    pub(crate) factor: T,
    /// d loss / d activation of each.
    pub(crate) slopes: &'a mut [T],
    /// d loss / d second number of each.
    pub(crate) second_slopes: &'a mut [T],
    /// Memory for a row, `[d]`.
    pub(crate) scratch: &'a mut Vec<T>,
}

/// An entry of a batch, traced back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<T> {
    /// Its activation.
    pub(crate) value: T,
    /// d loss / d activation.
    pub(crate) slope: T,
    /// Its second number.
    pub(crate) second: T,
    /// d loss / d second number.
    pub(crate) second_slope: T,
}

/// The gradient of a latent's parameters beside its rows of the two matrices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LatentGradient<T> {
    /// Of its encoder bias.
    pub(crate) b_enc: T,
    /// Of the log-scale of its encoder row.
    pub(crate) r: T,
    /// Of its value in each tensor of the variant's own.
    pub(crate) own: [T; MOST_TENSORS],
}

/// How a variant chooses the active latents of a row, and what that means for its loss.
pub(crate) trait Rule<T: Real>: Debug + Send + Sync {
    /// Most latents of a row, the largest.
    fn most(&self) -> usize {
        usize::MAX
    }

    /// What a pre-activation with [`Rule::bias`] is above, where it is chosen by a trained model.
    fn least(&self, _: &Params<T>) -> T {
        T::ZERO
    }

    /// Whether latents are chosen by their pre-activations at all.
    fn compares(&self) -> bool {
        true
    }

    /// Whether [`Rule::append`] needs the products of all pairs of decoder rows.
    fn needs_gram(&self) -> bool {
        false
    }

    /// Whether the whole batch decides, while training, which entries stay.
    fn limits_batch(&self) -> bool {
        false
    }

    /// Whether entries have a second number.
    fn has_second(&self) -> bool {
        false
    }

    /// The second number of an entry that was not chosen: one without a gradient.
    fn absent_second(&self) -> T {
        T::ZERO
    }

    /// What is added to the product of a latent's encoder row and the input.
    fn bias(&self, params: &Params<T>, latent: usize, _learning: bool) -> T {
        params.b_enc[latent]
    }

    /// Appends a row's active latents.
    fn append(&self, row: &SelectedRow<'_, T>, _: &mut Code<T>, out: &mut SparseRows<T>) {
        for &(value, latent) in row.chosen {
            out.push(latent, value, false);
        }
    }

    /// Tensors of its own with their initial values, at most [`MOST_TENSORS`].
    fn tensors(&self) -> &'static [(&'static str, f64)] {
        &[]
    }

    /// Keeps its own tensors where they have a meaning, after a step.
    fn constrain(&self, _: &mut [LatentTensor<T>]) {}

    /// Whether [`Rule::penalise`] has anything to add.
    fn penalises(&self) -> bool {
        false
    }

    /// Adds the slopes of the variant's own loss of a row, and returns it. Decoder rows' lengths are
    /// taken as constants.
    fn penalise(&self, _: RowLoss<'_, T>) -> f64 {
        0.0
    }

    /// What [`Rule::pull`] needs of a latent, made once for all its entries.
    fn prepare(&self, _: &[LatentTensor<T>], _latent: usize) -> [T; MOST_TENSORS] {
        [T::ZERO; MOST_TENSORS]
    }

    /// Adds an entry's part to its latent's gradient; d loss / d (product of its encoder row,
    /// scaled, and the input).
    fn pull(
        &self,
        entry: Entry<T>,
        b_enc: T,
        _prepared: [T; MOST_TENSORS],
        gradient: &mut LatentGradient<T>,
    ) -> T {
        gradient.b_enc += entry.slope;
        // the pre-activation without its bias is exp(r) W xc
        gradient.r += entry.slope * (entry.value - b_enc);
        entry.slope
    }
}
