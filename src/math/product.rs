//! Matrix products. Each runs on one thread: callers split the work into pieces.
//!
//! The two of a training step read the weights where they lie: rows of the batch stand side by
//! side in the lanes of *panels*, or columns of its activations do. Each of their numbers is a sum in
//! order, so it does not depend on its neighbours, on blocks, or on threads. Others go through the
//! `gemm` crate, on views whose bounds are checked here.

use super::real::Real;
use super::simd::{LANES, TILE_ROWS, Tile};

/// Steps of a product that are done before the next rows of weights: a panel's part of them stays
/// in the first-level cache. Sums run in order, so it changes no bit.
const STEPS: usize = 256;

/// Turns rows `[rows, width]` into panels: element (row, i) of panel row / 32 at
/// `i * LANES + row % LANES`; lanes without a row hold 0.
pub fn panels<T: Real>(rows: &[T], width: usize, out: &mut Vec<T>) {
    let count = (rows.len() / width).div_ceil(LANES);
    out.clear();
    out.resize(count * width * LANES, T::ZERO);
    let of_panels = rows.chunks(LANES * width);
    for (rows, panel) in of_panels.zip(out.chunks_exact_mut(width * LANES)) {
        for (lane, row) in rows.chunks_exact(width).enumerate() {
            for (to, &value) in panel[lane..].iter_mut().step_by(LANES).zip(row) {
                *to = value;
            }
        }
    }
}

/// Product of weights `[count, width]` with the rows of panels: `out` `[count, rows]`, where the
/// rows are those of whole panels.
///
/// # Panics
/// If the sizes do not fit: a bug of the caller.
pub fn weights_by_panels<T: Real>(weights: &[T], width: usize, panels: &[T], out: &mut [T]) {
    let count = weights.len() / width;
    let stride = panels.len() / width;
    assert_eq!(out.len(), count * stride, "size of the product");
    for begin in (0..width).step_by(STEPS) {
        let steps = STEPS.min(width - begin);
        for (number, panel) in panels.chunks_exact(width * LANES).enumerate() {
            for from in (0..count).step_by(TILE_ROWS) {
                T::tile(Tile {
                    a: &weights[from * width + begin..],
                    a_row: width,
                    a_step: 1,
                    b: &panel[begin * LANES..],
                    b_step: LANES,
                    c: &mut out[from * stride + number * LANES..],
                    c_row: stride,
                    rows: TILE_ROWS.min(count - from),
                    steps,
                    add: begin > 0,
                });
            }
        }
    }
}

/// Product of the first `count` columns of `a` (rows `stride` apart), transposed, with rows `x`
/// `[rows, width]`: `out` `[count, width]`.
///
/// # Panics
/// If the sizes do not fit: a bug of the caller.
pub fn columns_by_rows<T: Real>(
    a: &[T],
    stride: usize,
    count: usize,
    x: &[T],
    width: usize,
    out: &mut [T],
) {
    let rows = x.len() / width;
    let out = &mut out[..count * width];
    if rows == 0 {
        out.fill(T::ZERO);
        return;
    }
    let whole = width / LANES * LANES;
    for column in (0..whole).step_by(LANES) {
        for from in (0..count).step_by(TILE_ROWS) {
            T::tile(Tile {
                a: &a[from..],
                a_row: 1,
                a_step: stride,
                b: &x[column..],
                b_step: width,
                c: &mut out[from * width + column..],
                c_row: width,
                rows: TILE_ROWS.min(count - from),
                steps: rows,
                add: false,
            });
        }
    }
    if whole < width {
        for (from, out) in out.chunks_exact_mut(width).enumerate() {
            let rest = &mut out[whole..];
            rest.fill(T::ZERO);
            for (row, x) in x.chunks_exact(width).enumerate() {
                super::vector::axpy(a[row * stride + from], &x[whole..], rest);
            }
        }
    }
}

/// A matrix in row-major order, or (transposed) in column-major order.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// `rows` x `columns` in row-major order, rows `stride` apart.
    #[must_use]
    pub fn new(data: &'a [T], rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            row_stride: row_stride(rows, columns, stride, data.len()),
            column_stride: 1,
        }
    }

    /// The transpose, without copying.
    #[must_use]
    pub fn transpose(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// The distance of rows that lie, without overlapping, within so many numbers; a single row, or none, has no distance
/// that matters.
///
/// # Panics
/// If they do not: a bug of the caller.
fn row_stride(rows: usize, columns: usize, stride: usize, numbers: usize) -> usize {
    if rows == 0 || columns == 0 {
        return columns;
    }
    let stride = if rows == 1 { columns } else { stride };
    assert!(columns <= stride, "rows overlap");
    let end = (rows - 1)
        .checked_mul(stride)
        .and_then(|at| at.checked_add(columns));
    assert!(
        end.is_some_and(|end| end <= numbers),
        "matrix past the end of its data"
    );
    stride
}

/// `out = a b`, `out` in row-major order with rows `stride` apart.
///
/// # Panics
/// If the shapes do not fit: a bug of the caller.
pub fn multiply<T: Real>(a: Matrix<'_, T>, b: Matrix<'_, T>, out: &mut [T], stride: usize) {
    let (rows, inner, columns) = (a.rows, a.columns, b.columns);
    assert_eq!(inner, b.rows, "inner sizes differ");
    if rows == 0 || columns == 0 {
        return;
    }
    let stride = row_stride(rows, columns, stride, out.len());
    #[expect(unsafe_code, reason = "the library takes pointers")]
    // SAFETY: `row_stride` has found, by arithmetic that does not overflow, that every element (i, j) of the three lies
    // within its slice: of `out` here, of the factors in `Matrix::new`, which `transpose` does not change. So no stride is
    // beyond an `isize` either. `out` is borrowed alone, so it overlaps no factor, and its rows do not overlap.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            stride.cast_signed(),
            false,
            a.data.as_ptr(),
            a.column_stride.cast_signed(),
            a.row_stride.cast_signed(),
            b.data.as_ptr(),
            b.column_stride.cast_signed(),
            b.row_stride.cast_signed(),
            T::ZERO,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "products of small integers are exact")]

    use super::*;

    #[test]
    fn products_by_panels_and_by_columns() {
        let number = |i: usize| ((i * 7 + i / 5) % 11) as f32 - 5.0;
        for (rows, width, count) in [(1, 5, 3), (32, 40, 8), (70, 300, 19)] {
            let x: Vec<f32> = (0..rows * width).map(number).collect();
            let weights: Vec<f32> = (0..count * width).map(|i| number(i + 3)).collect();
            let mut of_panels = Vec::new();
            panels(&x, width, &mut of_panels);
            let stride = of_panels.len() / width;
            assert_eq!(stride, rows.next_multiple_of(LANES));
            let mut out = vec![9.0; count * stride];
            weights_by_panels(&weights, width, &of_panels, &mut out);
            let mut back = vec![9.0; count * width];
            let a: Vec<f32> = (0..rows * 20).map(|i| number(i + 1)).collect();
            columns_by_rows(&a, 20, count, &x, width, &mut back);
            for o in 0..count {
                for row in 0..stride {
                    let want = if row < rows {
                        let pairs = weights[o * width..][..width].iter();
                        pairs.zip(&x[row * width..]).map(|(w, x)| w * x).sum()
                    } else {
                        0.0
                    };
                    assert_eq!(out[o * stride + row], want);
                }
                for i in 0..width {
                    let want = (0..rows).map(|row| a[row * 20 + o] * x[row * width + i]);
                    assert_eq!(back[o * width + i], want.sum::<f32>());
                }
            }
        }
    }

    #[test]
    fn strides_whose_products_overflow_are_refused() {
        use std::panic::catch_unwind;
        let half = 1_usize << (usize::BITS - 1);
        // 2 * half is 0 in the arithmetic of usize
        for (rows, columns, stride) in [
            (3, 1, half),
            (2, 2, usize::MAX),
            (usize::MAX, 1, 2),
            (2, 3, 2),
            (3, 2, 2),
        ] {
            let made = catch_unwind(|| Matrix::new(&[0.0f32; 5], rows, columns, stride));
            assert!(made.is_err(), "{rows} x {columns}, rows {stride} apart");
            let product = catch_unwind(|| {
                let (a, b) = (vec![0.0f32; rows.min(9)], vec![0.0f32; columns]);
                let (a, b) = (
                    Matrix::new(&a, rows.min(9), 1, 1),
                    Matrix::new(&b, 1, columns, columns),
                );
                multiply(a, b, &mut [0.0; 5], stride);
            });
            assert!(product.is_err(), "{rows} x {columns}, rows {stride} apart");
        }
        // of one row the distance of rows says nothing
        let one = Matrix::new(&[2.0f32, 3.0], 1, 2, usize::MAX).transpose();
        let mut out = [0.0; 4];
        multiply(one, Matrix::new(&[1.0, 10.0], 1, 2, 0), &mut out, 2);
        assert_eq!(out, [2.0, 20.0, 3.0, 30.0]);
    }

    #[test]
    fn products_of_nothing_are_zeros() {
        let (none, mut out) = ([0.0f32; 0], [7.0; 6]);
        multiply(
            Matrix::new(&none, 2, 0, 0),
            Matrix::new(&none, 0, 3, 3),
            &mut out,
            3,
        );
        assert_eq!(out, [0.0; 6]);
    }

    #[test]
    fn products_of_transposes() {
        // [1 2; 3 4; 5 6] [1 0 2; 0 1 3]
        let a = [1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b_transposed = [1.0f64, 0.0, 0.0, 1.0, 2.0, 3.0];
        let mut out = [0.0; 12];
        multiply(
            Matrix::new(&a, 3, 2, 2),
            Matrix::new(&b_transposed, 3, 2, 2).transpose(),
            &mut out,
            4,
        );
        assert_eq!(
            out,
            [1.0, 2.0, 8.0, 0.0, 3.0, 4.0, 18.0, 0.0, 5.0, 6.0, 28.0, 0.0]
        );
    }
}
