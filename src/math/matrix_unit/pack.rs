//! Factors of products, split into bf16 numbers and laid out as the units read them.

use super::{BLOCK, BlockProduct, Line, PAIRS, PART_LINES, STEP, Split};
use crate::{math::simd::LANES, wide};
use rayon::prelude::*;
use std::ops::Range;

/// Bits of the nearest bf16 number, ties to even; what is not a number stays so.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn round(value: f32) -> u32 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if value.is_nan() { 0x7fc0 } else { nearest }
}

/// The number that these bits of a bf16 number stand for.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
pub(super) fn widen(bits: u32) -> f32 {
    f32::from_bits(bits << 16)
}

/// A part of each of two numbers, which are left without it.
#[expect(
    clippy::inline_always,
    reason = "a kernel, inlined into callers that `wide!` compiles"
)]
#[inline(always)]
fn take_part(first: &mut f32, second: &mut f32) -> u32 {
    let (low, high) = (round(*first), round(*second));
    *first -= widen(low);
    *second -= widen(high);
    low | high << 16
}

/// Lines that hold so many rows of a left factor.
#[must_use]
pub fn row_lines(rows: usize, inner: usize, split: Split) -> usize {
    rows.div_ceil(BLOCK) * inner.div_ceil(STEP) * split.parts() * PART_LINES
}

/// Lines that hold a panel of a right factor.
#[must_use]
pub fn panel_lines(inner: usize, split: Split) -> usize {
    inner.div_ceil(STEP) * split.parts() * PART_LINES
}

/// Packs rows, `stride` apart and `inner` long, of a left factor.
///
/// # Panics
/// Where there are not so many numbers or lines: a bug of the caller.
pub fn pack_rows(split: Split, rows: &[f32], stride: usize, inner: usize, out: &mut [Line]) {
    let block = row_lines(BLOCK, inner, split);
    for (rows, out) in rows.chunks(BLOCK * stride).zip(out.chunks_exact_mut(block)) {
        pack_block(split, rows, stride, inner, out);
    }
}

/// Packs a block of rows, `stride` apart and `inner` long; rows that are not there are zeros.
///
/// # Panics
/// Where there are not so many lines: a bug of the caller.
pub fn pack_block(split: Split, rows: &[f32], stride: usize, inner: usize, out: &mut [Line]) {
    let parts = split.parts();
    wide!(|| {
        for (step, out) in out.chunks_exact_mut(parts * PART_LINES).enumerate() {
            for row in 0..BLOCK {
                let mut left = [0f32; STEP];
                let begin = row * stride + step * STEP;
                let end = (row * stride + inner).min(begin + STEP);
                if let Some(numbers) = rows.get(begin..end) {
                    left[..numbers.len()].copy_from_slice(numbers);
                }
                for part in 0..parts {
                    let mut bits = [0u32; STEP];
                    for (bits, left) in bits.iter_mut().zip(&mut left) {
                        *bits = round(*left);
                        *left -= widen(*bits);
                    }
                    let line = &mut out[part * PART_LINES + row].0;
                    for (pair, bits) in line.iter_mut().zip(bits.as_chunks::<2>().0) {
                        *pair = bits[0] | bits[1] << 16;
                    }
                }
            }
        }
    });
}

/// Packs the first `count` columns of a matrix `[inner, stride]` as rows of a left factor.
///
/// # Panics
/// Where there are not so many numbers or lines: a bug of the caller.
pub fn pack_columns(split: Split, matrix: &[f32], stride: usize, count: usize, out: &mut [Line]) {
    let parts = split.parts();
    let inner = matrix.len() / stride;
    let steps = inner.div_ceil(STEP);
    out.fill(Line::default());
    wide!(|| {
        for (number, pair) in matrix.chunks(2 * stride).enumerate() {
            let (step, place) = (number / PAIRS, number % PAIRS);
            let (first, second) = pair.split_at(stride.min(pair.len()));
            for from in (0..count).step_by(BLOCK) {
                let to = BLOCK.min(count - from);
                let block = (from / BLOCK * steps + step) * parts * PART_LINES;
                for row in 0..to {
                    let mut a = first[from + row];
                    let mut b = second.get(from + row).copied().unwrap_or(0.0);
                    for part in 0..parts {
                        let line = &mut out[block + part * PART_LINES + row];
                        line.0[place] = take_part(&mut a, &mut b);
                    }
                }
            }
        }
    });
}

/// Packs a panel, `inner` rows of [`LANES`] numbers that are `stride` apart, as a right factor.
///
/// # Panics
/// Where there are not so many numbers or lines: a bug of the caller.
pub fn pack_panel(split: Split, panel: &[f32], stride: usize, inner: usize, out: &mut [Line]) {
    let parts = split.parts();
    let step_lines = parts * PART_LINES;
    let out = &mut out[..inner.div_ceil(STEP) * step_lines];
    #[cfg(target_arch = "x86_64")]
    if split == Split::Bf16 && super::dot::is_detected() {
        super::rounding::pack_panel(panel, stride, inner, out);
        return;
    }
    let row = |i: usize| -> [f32; LANES] {
        let numbers = panel[i * stride..].first_chunk();
        *numbers.expect("a row has a number for each lane")
    };
    wide!(|| {
        for (step, out) in out.chunks_exact_mut(step_lines).enumerate() {
            let end = (step * STEP + STEP).min(inner);
            if end < step * STEP + STEP {
                out.fill(Line::default());
            }
            for (pair, i) in (step * STEP..end).step_by(2).enumerate() {
                let mut first = row(i);
                let mut second = if i + 1 < end {
                    row(i + 1)
                } else {
                    [0.0; LANES]
                };
                for part in 0..parts {
                    let mut bits = [0u32; LANES];
                    for ((bits, a), b) in bits.iter_mut().zip(&mut first).zip(&mut second) {
                        *bits = take_part(a, b);
                    }
                    let (low, high) = bits.split_at(PAIRS);
                    let at = part * PART_LINES + pair;
                    out[at].0.copy_from_slice(low);
                    out[at + PAIRS].0.copy_from_slice(high);
                }
            }
        }
    });
}

/// A left factor that is packed once and used many times, such as weights.
#[derive(Clone, Debug)]
pub struct PackedRows {
    lines: Vec<Line>,
    rows: usize,
    inner: usize,
    split: Split,
}

impl PackedRows {
    /// Packs rows `[count, inner]`, on the threads of the current pool.
    #[must_use]
    pub fn new(split: Split, rows: &[f32], inner: usize) -> Self {
        let mut packed = Self {
            lines: Vec::new(),
            rows: 0,
            inner,
            split,
        };
        packed.replace(rows);
        packed
    }

    /// Packs other rows in the same memory.
    pub fn replace(&mut self, rows: &[f32]) {
        let (inner, split) = (self.inner, self.split);
        self.rows = rows.len() / inner;
        self.lines
            .resize(row_lines(self.rows, inner, split), Line::default());
        let block = row_lines(BLOCK, inner, split);
        self.lines
            .par_chunks_exact_mut(block)
            .zip(rows.par_chunks(BLOCK * inner))
            .for_each(|(out, rows)| pack_block(split, rows, inner, inner, out));
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers of a row.
    #[must_use]
    pub fn inner(&self) -> usize {
        self.inner
    }

    /// How the numbers are split.
    #[must_use]
    pub fn split(&self) -> Split {
        self.split
    }

    /// Products of some rows, the first of which begins a block, with panels that are packed one behind the other: `out`
    /// `[rows, panels * LANES]`.
    ///
    /// # Panics
    /// Where the sizes do not fit: a bug of the caller.
    pub fn by_panels(&self, rows: Range<usize>, panels: &[Line], out: &mut [f32]) {
        assert!(
            rows.start.is_multiple_of(BLOCK),
            "rows begin within a block"
        );
        let size = panel_lines(self.inner, self.split);
        let stride = panels.len() / size * LANES;
        let blocks = rows.clone().step_by(BLOCK);
        for (from, out) in blocks.zip(out.chunks_mut(BLOCK * stride)) {
            for (number, right) in panels.chunks_exact(size).enumerate() {
                let product = BlockProduct {
                    split: self.split,
                    left: self.block(from / BLOCK, 0),
                    right,
                    inner: self.inner,
                    out: &mut out[number * LANES..],
                    out_row: stride,
                    rows: BLOCK.min(rows.end - from),
                    add: false,
                };
                product.compute();
            }
        }
    }

    /// A block of rows, from a step on.
    ///
    /// # Panics
    /// Where there is no such block: a bug of the caller.
    #[must_use]
    pub fn block(&self, number: usize, step: usize) -> &[Line] {
        let size = row_lines(BLOCK, self.inner, self.split);
        let begin = step * self.split.parts() * PART_LINES;
        &self.lines[number * size..(number + 1) * size][begin..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_the_nearest_bf16() {
        for (value, bits) in [
            (1.0, 0x3f80),
            (-2.5, 0xc020),
            (1.0 + 1.0 / 256.0, 0x3f80),
            (1.0 + 3.0 / 256.0, 0x3f82),
            (f32::INFINITY, 0x7f80),
            (f32::NAN, 0x7fc0),
            (f32::from_bits(0x7fff_ffff), 0x7fc0),
            (0.0, 0),
        ] {
            assert_eq!(round(value), bits, "{value}");
            if value.is_finite() {
                assert_eq!(
                    round(value),
                    u32::from(half::bf16::from_f32(value).to_bits())
                );
            }
        }
    }

    #[test]
    fn parts_add_up_to_the_number() {
        for i in 0..2000 {
            let value = (i as f32 - 999.0) * 1.234_567;
            let (mut a, mut b) = (value, -value);
            let mut sum = 0.0;
            for _ in 0..3 {
                let part = take_part(&mut a, &mut b);
                sum += widen(part & 0xffff);
            }
            assert_eq!(sum.to_bits(), value.to_bits());
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_processor_rounds_as_the_program_does() {
        if !super::super::dot::is_detected() {
            println!("skipped: this CPU has no AVX512-BF16");
            return;
        }
        let (stride, inner) = (LANES + 3, 45);
        let panel: Vec<f32> = (0..stride * inner)
            .map(|i| (i as f32 - 700.0) * 0.123_456)
            .collect();
        let lines = panel_lines(inner, Split::Bf16);
        let (mut by_cpu, mut by_rows) = (vec![Line([9; 16]); lines], vec![Line::default(); lines]);
        pack_panel(Split::Bf16, &panel, stride, inner, &mut by_cpu);
        // the first part of a finer split is the same number
        let mut finer = vec![Line::default(); panel_lines(inner, Split::Bf16x3)];
        pack_panel(Split::Bf16x3, &panel, stride, inner, &mut finer);
        for (to, from) in (by_rows.chunks_exact_mut(PART_LINES)).zip(finer.chunks(2 * PART_LINES)) {
            to.copy_from_slice(&from[..PART_LINES]);
        }
        assert!(by_cpu == by_rows);
    }

    #[test]
    fn columns_are_packed_as_the_rows_of_the_transpose() {
        let (inner, stride, count) = (37, 50, 45);
        let matrix: Vec<f32> = (0..inner * stride)
            .map(|i| i as f32 * 0.37 - 90.0)
            .collect();
        let mut rows = Vec::new();
        for column in 0..count {
            rows.extend((0..inner).map(|i| matrix[i * stride + column]));
        }
        for split in Split::ALL {
            let lines = row_lines(count, inner, split);
            let (mut a, mut b) = (vec![Line([9; 16]); lines], vec![Line([9; 16]); lines]);
            pack_columns(split, &matrix, stride, count, &mut a);
            pack_rows(split, &rows, inner, inner, &mut b);
            assert!(a == b && PackedRows::new(split, &rows, inner).lines == a);
        }
    }
}
