//! Codes of SpLiCE (Bhalla et al., arXiv 2402.10376): z >= 0 that minimises `‖x - b_dec - W_dec^T z‖² + lambda sum z`
//! over a fixed dictionary `W_dec`.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Code, RowLoss, Rule, SelectedRow, relu};
use crate::{
    math::{
        product::{Matrix, multiply},
        real::Real,
    },
    sae::{params::Params, sparse::SparseRows},
};

/// Non-negative sparse codes over a fixed dictionary of unit rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Splice {
    /// Weight of the sum of a code's entries.
    pub lambda_sparsity: f64,
}

impl Splice {
    /// With the default weight.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lambda_sparsity: relu::DEFAULT_LAMBDA,
        }
    }
}

impl Default for Splice {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> Rule<T> for Splice {
    fn compares(&self) -> bool {
        false
    }

    fn needs_gram(&self) -> bool {
        true
    }

    fn append(&self, row: &SelectedRow<'_, T>, code: &mut Code<T>, out: &mut SparseRows<T>) {
        let half = T::of(self.lambda_sparsity / 2.0);
        code.append(row.logits, &row.params.b_pred, row.gram, half, out);
    }

    fn penalises(&self) -> bool {
        true
    }

    fn penalise(&self, row: RowLoss<'_, T>) -> f64 {
        relu::penalise(self.lambda_sparsity, row)
    }
}

/// Rows of the Gram matrix per task.
const ROWS: usize = 64;

/// Products of all pairs of decoder rows, `[n, n]`.
pub(crate) fn gram<T: Real>(params: &Params<T>) -> Vec<T> {
    let (n, d) = (params.shape.latents, params.shape.width);
    let mut out = vec![T::ZERO; n * n];
    let all = Matrix::new(&params.dec, n, d, d).transpose();
    params
        .dec
        .par_chunks(ROWS * d)
        .zip(out.par_chunks_mut(ROWS * n))
        .for_each(|(rows, out)| multiply(Matrix::new(rows, rows.len() / d, d, d), all, out, n));
    out
}
