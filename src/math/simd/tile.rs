//! The register tile of a matrix product.

use super::{BASELINE_FUSES, LANES, fma};
#[cfg(target_arch = "x86_64")]
use super::{Isa, isa};

/// Rows of a register tile: 8 rows of 32 lanes fill half of AVX-512's registers.
pub const TILE_ROWS: usize = 8;

/// A product of a register tile: `c[r][lane] += sum over p of a[r][p] * b[p][lane]`.
pub struct Tile<'a, T = f32> {
    /// Left factor: element (r, p) at `r * a_row + p * a_step`.
    pub a: &'a [T],
    /// Distance of rows in `a`.
    pub a_row: usize,
    /// Distance of steps in `a`.
    pub a_step: usize,
    /// Right factor: [`LANES`] numbers a step.
    pub b: &'a [T],
    /// Distance of steps in `b`.
    pub b_step: usize,
    /// Result: [`LANES`] numbers a row.
    pub c: &'a mut [T],
    /// Distance of rows in `c`.
    pub c_row: usize,
    /// Rows, 1 to [`TILE_ROWS`].
    pub rows: usize,
    /// Steps of the sum.
    pub steps: usize,
    /// Adds to `c`; otherwise replaces it.
    pub add: bool,
}

/// A register tile by plain arithmetic, in the numbers that the engine is checked in.
pub(in crate::math) fn plain_tile(t: Tile<'_, f64>) {
    let Tile { a, b, c, .. } = t;
    for r in 0..t.rows {
        for lane in 0..LANES {
            let out = &mut c[r * t.c_row + lane];
            let mut sum = if t.add { *out } else { 0.0 };
            for p in 0..t.steps {
                sum += a[r * t.a_row + p * t.a_step] * b[p * t.b_step + lane];
            }
            *out = sum;
        }
    }
}

#[inline(always)]
#[expect(
    unsafe_code,
    reason = "unchecked indices in the innermost loop, checked once before it"
)]
fn rows<const FUSED: bool, const ROWS: usize, const WIDTH: usize>(
    t: &mut Tile,
    from: usize,
    lane: usize,
) {
    let mut sums = [[0f32; WIDTH]; ROWS];
    if t.add {
        for (r, sum) in sums.iter_mut().enumerate() {
            let at = (from + r) * t.c_row + lane;
            sum.copy_from_slice(&t.c[at..at + WIDTH]);
        }
    }
    // the largest indices; where they are beyond what a number can say, every slice is too short
    let last = |row: usize, a_row: usize, step: usize| {
        let steps = t.steps.checked_sub(1)?.checked_mul(step)?;
        row.checked_mul(a_row)?.checked_add(steps)
    };
    let a_last = last(from + ROWS - 1, t.a_row, t.a_step);
    let b_end = last(0, 0, t.b_step).and_then(|at| at.checked_add(lane + WIDTH));
    assert!(
        a_last.is_some_and(|at| at < t.a.len()) && b_end.is_some_and(|end| end <= t.b.len()),
        "factors end before the tile"
    );
    for p in 0..t.steps {
        // SAFETY: p < steps, so the numbers end where or before `b_end` does, which is within `b`, and no product of the
        // largest index overflows, so none of a smaller one does; an array of f32 has the alignment of f32.
        let b = unsafe { *t.b.as_ptr().add(p * t.b_step + lane).cast::<[f32; WIDTH]>() };
        for (r, sum) in sums.iter_mut().enumerate() {
            // SAFETY: r < ROWS and p < steps, so the index is `a_last` at most, which is within `a`.
            let a = unsafe { *t.a.get_unchecked((from + r) * t.a_row + p * t.a_step) };
            for (s, b) in sum.iter_mut().zip(b) {
                *s = fma::<FUSED>(a, b, *s);
            }
        }
    }
    for (r, sum) in sums.iter().enumerate() {
        let at = (from + r) * t.c_row + lane;
        t.c[at..at + WIDTH].copy_from_slice(sum);
    }
}

/// 512-bit registers: 8 x 32 numbers in 16 of them.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn tile_wide<const FUSED: bool>(t: &mut Tile) {
    match t.rows {
        8 => rows::<FUSED, 8, LANES>(t, 0, 0),
        7 => rows::<FUSED, 7, LANES>(t, 0, 0),
        6 => rows::<FUSED, 6, LANES>(t, 0, 0),
        5 => rows::<FUSED, 5, LANES>(t, 0, 0),
        4 => rows::<FUSED, 4, LANES>(t, 0, 0),
        3 => rows::<FUSED, 3, LANES>(t, 0, 0),
        2 => rows::<FUSED, 2, LANES>(t, 0, 0),
        _ => rows::<FUSED, 1, LANES>(t, 0, 0),
    }
}

/// Smaller registers, or fewer: 4 x 16 numbers at a time.
#[inline(always)]
fn tile_narrow<const FUSED: bool>(t: &mut Tile) {
    for lane in (0..LANES).step_by(16) {
        let mut from = 0;
        while from + 4 <= t.rows {
            rows::<FUSED, 4, 16>(t, from, lane);
            from += 4;
        }
        while from < t.rows {
            rows::<FUSED, 1, 16>(t, from, lane);
            from += 1;
        }
    }
}

/// Multiplies a register tile.
///
/// # Panics
/// Where a slice is too short for its strides, or there are no rows or steps.
#[expect(
    unsafe_code,
    reason = "calls the build for an instruction set that was detected"
)]
pub fn tile(mut t: Tile) {
    assert!((1..=TILE_ROWS).contains(&t.rows) && t.steps > 0);
    let c_end = (t.rows - 1)
        .checked_mul(t.c_row)
        .and_then(|at| at.checked_add(LANES));
    assert!(
        c_end.is_some_and(|end| end <= t.c.len()),
        "the result ends before the tile"
    );
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn avx512(t: &mut Tile) {
            tile_wide::<true>(t);
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(t: &mut Tile) {
            tile_narrow::<true>(t);
        }
        match isa() {
            // SAFETY: `isa` found these instructions on this machine.
            Isa::Avx512 => return unsafe { avx512(&mut t) },
            // SAFETY: as above.
            Isa::Avx2 => return unsafe { avx2(&mut t) },
            Isa::Portable => {}
        }
    }
    tile_narrow::<BASELINE_FUSES>(&mut t);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn strides_whose_products_overflow_are_refused() {
        let numbers = [0f32; 2 * LANES];
        let half = 1_usize << (usize::BITS - 1);
        for (rows, steps, a_row, a_step, b_step, c_row) in [
            // 2 * half is 0 in the arithmetic of usize
            (3, 1, half, 0, 0, 0),
            (1, 3, 0, half, 0, 0),
            (1, 3, 0, 0, half, 0),
            (3, 1, 0, 0, 0, half),
            (2, 2, usize::MAX, 1, 0, 0),
            (1, 2, 0, 0, usize::MAX, 0),
            (2, 1, 0, 0, 0, usize::MAX),
            (1, usize::MAX, 0, 1, 0, 0),
            (1, 0, 0, 0, 0, 0),
            (0, 1, 0, 0, 0, 0),
            (TILE_ROWS + 1, 1, 0, 0, 0, 0),
        ] {
            for add in [false, true] {
                let mut c = numbers;
                let run = AssertUnwindSafe(|| {
                    tile(Tile {
                        a: &numbers,
                        a_row,
                        a_step,
                        b: &numbers,
                        b_step,
                        c: &mut c,
                        c_row,
                        rows,
                        steps,
                        add,
                    });
                });
                assert!(
                    catch_unwind(run).is_err(),
                    "{rows} {steps} {a_row} {a_step} {b_step} {c_row}"
                );
            }
        }
    }

    #[test]
    fn a_tile_is_the_plain_product_for_any_rows_and_strides() {
        let a: Vec<f32> = (0..400).map(|i| (i % 13) as f32 - 6.0).collect();
        let b: Vec<f32> = (0..40 * 48).map(|i| (i % 7) as f32 - 3.0).collect();
        for rows in 1..=TILE_ROWS {
            for (a_row, a_step) in [(40, 1), (1, 9)] {
                for add in [false, true] {
                    let mut c = vec![1f32; rows * 40];
                    let steps = 37;
                    tile(Tile {
                        a: &a,
                        a_row,
                        a_step,
                        b: &b,
                        b_step: 48,
                        c: &mut c,
                        c_row: 40,
                        rows,
                        steps,
                        add,
                    });
                    for r in 0..rows {
                        for lane in 0..LANES {
                            let sum: f32 = (0..steps)
                                .map(|p| a[r * a_row + p * a_step] * b[p * 48 + lane])
                                .sum();
                            let want = sum + f32::from(u8::from(add));
                            assert_eq!(c[r * 40 + lane].to_bits(), want.to_bits());
                        }
                        assert!(
                            c[r * 40 + LANES..(r + 1) * 40]
                                .iter()
                                .all(|&v| v.to_bits() == 1f32.to_bits())
                        );
                    }
                }
            }
        }
    }
}
