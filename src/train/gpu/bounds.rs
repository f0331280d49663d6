//! What lies outside of a memory, found before the machine is asked for it.

use super::{GpuError, Product, View};

impl<M> Product<'_, M> {
    /// That all three views lie within their memories, whose sizes `bytes` tells.
    ///
    /// # Errors
    /// [`GpuError::Failed`] with the view that does not.
    pub fn check(&self, bytes: impl Fn(&M) -> usize) -> Result<(), GpuError> {
        let turn = |turned: bool, rows, columns| {
            if turned {
                (columns, rows)
            } else {
                (rows, columns)
            }
        };
        let (rows, columns, inner) = (self.rows, self.columns, self.inner);
        let size = self.operand.bytes();
        let views = [
            ("a", &self.a, turn(self.a_turned, rows, inner), size),
            ("b", &self.b, turn(self.b_turned, inner, columns), size),
            ("c", &self.c, (rows, columns), 4),
        ];
        for (name, view, shape, size) in views {
            let end = end_of(view, shape).and_then(|end| end.checked_mul(size));
            let held = bytes(view.memory);
            if end.is_none_or(|end| end > held) {
                return Err(GpuError::Failed(format!(
                    "factor or result {name} of a product, {} x {} numbers from {} on, a row every {}, \
                     does not fit into {held} bytes",
                    shape.0, shape.1, view.from, view.stride
                )));
            }
        }
        Ok(())
    }
}

/// The number after the last of a view; nothing where rows overlap or it is beyond what a number can say.
fn end_of<M>(view: &View<'_, M>, (rows, columns): (usize, usize)) -> Option<usize> {
    if rows == 0 || columns == 0 {
        return Some(view.from);
    }
    if view.stride < columns && rows > 1 {
        return None;
    }
    (rows - 1)
        .checked_mul(view.stride)?
        .checked_add(columns)?
        .checked_add(view.from)
}

/// That bytes lie within a memory.
///
/// # Errors
/// [`GpuError::Failed`] where they do not.
pub fn check_range(from: usize, bytes: usize, held: usize) -> Result<(), GpuError> {
    match from.checked_add(bytes) {
        Some(end) if end <= held => Ok(()),
        _ => Err(GpuError::Failed(format!(
            "{bytes} bytes from byte {from} on, of a memory of {held}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::gpu::Operand;

    fn product(sizes: &[usize; 3]) -> Product<'_, usize> {
        let view = |memory, from, stride| View {
            memory,
            from,
            stride,
        };
        Product {
            operand: Operand::Bf16,
            a: view(&sizes[0], 1, 4),
            a_turned: false,
            b: view(&sizes[1], 0, 3),
            b_turned: true,
            c: view(&sizes[2], 2, 10),
            rows: 2,
            columns: 5,
            inner: 3,
        }
    }

    #[test]
    fn products_stay_within_their_memories() {
        // a ends with number 1 + 4 + 3, b with 4 * 3 + 3, c with 2 + 10 + 5
        let (a, b, c) = (8 * 2, 15 * 2, 17 * 4);
        let ask = |sizes: [usize; 3]| product(&sizes).check(|bytes| *bytes).is_ok();
        assert!(ask([a, b, c]));
        assert!(!ask([a - 1, b, c]));
        assert!(!ask([a, b - 1, c]));
        assert!(!ask([a, b, c - 1]));
    }

    #[test]
    fn rows_do_not_overlap_and_sizes_do_not_overflow() {
        let sizes = [1000; 3];
        let mut narrow = product(&sizes);
        narrow.c.stride = 4;
        assert!(narrow.check(|bytes| *bytes).is_err());
        let mut vast = product(&sizes);
        vast.a.stride = usize::MAX;
        assert!(vast.check(|bytes| *bytes).is_err());
        assert!(check_range(usize::MAX, 2, 1000).is_err());
        assert!(check_range(998, 2, 1000).is_ok());
    }
}
