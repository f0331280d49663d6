//! Codes of SpLiCE (Bhalla et al., arXiv 2402.10376): z >= 0 that minimises `‖x - b_dec - W_dec^T z‖² + lambda sum z`
//! over a fixed dictionary `W_dec`, by coordinate descent.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RowLoss, Rule, SelectedRow, relu};
use crate::{
    math::{
        product::{Matrix, multiply},
        real::Real,
        vector::axpy,
    },
    sae::{forward::SparseRows, params::Params},
    wide,
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
        code.append(row, T::of(self.lambda_sparsity / 2.0), out);
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
/// A code is found once no entry moves the reconstruction by more than this share of its largest
/// entry.
const TOLERANCE: f64 = 1e-6;
/// Passes over a code's entries, at most.
const PASSES: usize = 1000;

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

/// Memory that a thread reuses from row to row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code<T> {
    /// Product of each direction with what is left of the row.
    left: Vec<T>,
    z: Vec<T>,
}

impl<T: Real> Code<T> {
    /// Finds the code of a row by coordinate descent, and appends it; `half` is half the weight of its
    /// sum.
    fn append(&mut self, row: &SelectedRow<'_, T>, half: T, out: &mut SparseRows<T>) {
        let (n, gram) = (row.logits.len(), row.gram);
        let pairs = row.logits.iter().zip(&row.params.b_pred);
        self.left.clear();
        self.left.extend(pairs.map(|(&logit, &b)| logit - b));
        self.z.clear();
        self.z.resize(n, T::ZERO);
        let (left, z) = (&mut self.left[..], &mut self.z[..]);
        for _ in 0..PASSES {
            let (mut most, mut largest) = (T::ZERO, T::ZERO);
            wide!(|| {
                for j in 0..n {
                    let row = &gram[j * n..(j + 1) * n];
                    if row[j] > T::ZERO {
                        let next = (z[j] + (left[j] - half) / row[j]).larger(T::ZERO);
                        let moved = next - z[j];
                        if moved != T::ZERO {
                            axpy(-moved, row, left);
                            z[j] = next;
                            most = most.larger(moved.abs());
                        }
                        largest = largest.larger(next);
                    }
                }
            });
            if most <= T::of(TOLERANCE) * largest {
                break;
            }
        }
        for (latent, &value) in (0..).zip(&*z) {
            if value > T::ZERO {
                out.push(latent, value, false);
            }
        }
    }
}
