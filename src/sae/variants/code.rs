//! Non-negative sparse codes by coordinate descent.

use crate::{
    math::{real::Real, vector::axpy},
    sae::sparse::SparseRows,
    wide,
};

/// A code is found once no entry moves the reconstruction by more than this share of its largest
/// entry.
const TOLERANCE: f64 = 1e-6;
/// Passes over a code's entries, at most.
const PASSES: usize = 1000;

/// Memory that a thread reuses from row to row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code<T> {
    /// Product of each direction with what is left of the row.
    left: Vec<T>,
    z: Vec<T>,
}

impl<T: Real> Code<T> {
    /// Finds the code of a row by coordinate descent, and appends it: of its `logits` `[n]` with their `biases` `[n]`, the
    /// products of all pairs of the dictionary's rows `gram` `[n, n]`, and half the weight of the code's sum.
    pub(super) fn append(
        &mut self,
        logits: &[T],
        biases: &[T],
        gram: &[T],
        half: T,
        out: &mut SparseRows<T>,
    ) {
        let n = logits.len();
        let pairs = logits.iter().zip(biases);
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
