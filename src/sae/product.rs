//! Matrix products by the `gemm` crate, on views whose bounds are checked here.
//!
//! Each product runs on one thread: callers split the work into pieces of a size that does not
//! depend on the number of threads, so results do not either.

use super::real::Real;

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
        let needed = if rows == 0 || columns == 0 {
            0
        } else {
            (rows - 1) * stride + columns
        };
        assert!(columns <= stride || rows <= 1, "rows overlap");
        assert!(needed <= data.len(), "matrix past the end of its data");
        Self {
            data,
            rows,
            columns,
            row_stride: stride,
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
    assert!(columns <= stride || rows <= 1, "rows overlap");
    assert!(
        (rows - 1) * stride + columns <= out.len(),
        "product past the end"
    );
    #[expect(
        unsafe_code,
        reason = "`Matrix::new` and the assertions above bound every element that is touched"
    )]
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
