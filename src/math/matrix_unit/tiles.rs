//! Products by tiles of 16 rows of 64 bytes, whether they are the CPU's or emulated: blocks of two by two tiles of sums,
//! so that each tile that is loaded takes part in two products, and four sums take turns.

use super::{BLOCK, BlockProduct, Line, PAIRS, PART_LINES, Split};
use crate::math::simd::LANES;

/// Steps by which lines of the left factor are asked for before they are loaded.
const AHEAD: usize = 2;

/// Eight tiles: 0 to 3 hold sums (16 x 16 numbers), 4 and 5 rows of the left factor, 6 and 7 pairs of the right one.
pub(super) trait Tiles {
    /// Sets a tile of sums to zero.
    fn zero<const T: usize>(&mut self);
    /// Loads a tile of a factor.
    fn load<const T: usize>(&mut self, lines: &[Line; PAIRS]);
    /// Loads a tile of sums, rows `stride` apart.
    fn load_sums<const T: usize>(&mut self, sums: &[f32], stride: usize);
    /// Stores a tile of sums, rows `stride` apart.
    fn store_sums<const T: usize>(&mut self, sums: &mut [f32], stride: usize);
    /// Asks for lines that are about to be loaded.
    fn prefetch(&self, lines: &[Line]);
    /// Adds the products of the pairs of a tile `A` with those of a tile `B` to the sums in a tile `C` (`tdpbf16ps`).
    fn dot<const C: usize, const A: usize, const B: usize>(&mut self);
}

/// Computes a product, whose sizes are checked.
pub(super) fn multiply(tiles: &mut impl Tiles, product: &mut BlockProduct) {
    let factors = Factors {
        split: product.split,
        left: product.left,
        right: product.right,
        steps: product.pairs_of_steps().len(),
    };
    if product.rows == BLOCK {
        return factors.multiply(tiles, product.out, product.out_row, product.add);
    }
    // a tile is stored whole: where rows are missing, in memory of its own
    let mut sums = [0f32; BLOCK * LANES];
    let rows = product.out.chunks_mut(product.out_row).take(product.rows);
    if product.add {
        for (sums, out) in sums.chunks_exact_mut(LANES).zip(rows) {
            sums.copy_from_slice(&out[..LANES]);
        }
    }
    factors.multiply(tiles, &mut sums, LANES, product.add);
    let rows = product.out.chunks_mut(product.out_row).take(product.rows);
    for (sums, out) in sums.chunks_exact(LANES).zip(rows) {
        out[..LANES].copy_from_slice(sums);
    }
}

/// A block and a panel.
struct Factors<'a> {
    split: Split,
    left: &'a [Line],
    right: &'a [Line],
    steps: usize,
}

impl Factors<'_> {
    /// Their product, whole, in rows `stride` apart; added to what is there, or in its place.
    fn multiply(&self, tiles: &mut impl Tiles, out: &mut [f32], stride: usize, add: bool) {
        let below = BLOCK / 2 * stride;
        if add {
            tiles.load_sums::<0>(out, stride);
            tiles.load_sums::<1>(&out[PAIRS..], stride);
            tiles.load_sums::<2>(&out[below..], stride);
            tiles.load_sums::<3>(&out[below + PAIRS..], stride);
        } else {
            tiles.zero::<0>();
            tiles.zero::<1>();
            tiles.zero::<2>();
            tiles.zero::<3>();
        }
        let size = self.split.parts() * PART_LINES;
        let (mut left, mut right) = (self.left, self.right);
        for _ in 0..self.steps {
            if let Some(lines) = left.get(AHEAD * size..(AHEAD + 1) * size) {
                tiles.prefetch(lines);
            }
            let (of_left, left_rest) = left.split_at(size);
            let (of_right, right_rest) = right.split_at(size);
            self.add_step(tiles, of_left, of_right);
            (left, right) = (left_rest, right_rest);
        }
        tiles.store_sums::<0>(out, stride);
        tiles.store_sums::<1>(&mut out[PAIRS..], stride);
        tiles.store_sums::<2>(&mut out[below..], stride);
        tiles.store_sums::<3>(&mut out[below + PAIRS..], stride);
    }

    /// Adds the products of one step.
    fn add_step(&self, tiles: &mut impl Tiles, left: &[Line], right: &[Line]) {
        let (left, right) = (left.as_chunks::<PAIRS>().0, right.as_chunks::<PAIRS>().0);
        let mut loaded = (usize::MAX, usize::MAX);
        for &(a, b) in self.split.products() {
            if a != loaded.0 {
                tiles.load::<4>(&left[2 * a]);
                tiles.load::<5>(&left[2 * a + 1]);
            }
            if b != loaded.1 {
                tiles.load::<6>(&right[2 * b]);
                tiles.load::<7>(&right[2 * b + 1]);
            }
            loaded = (a, b);
            tiles.dot::<0, 4, 6>();
            tiles.dot::<1, 4, 7>();
            tiles.dot::<2, 5, 6>();
            tiles.dot::<3, 5, 7>();
        }
    }
}

/// Tiles in memory, for machines without: the arithmetic is that of the instructions (Intel's Software Developer's
/// Manual, volume 2, TDPBF16PS), which take numbers too small to be normal for zeros.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Emulated([[Line; PAIRS]; 8]);

#[cfg(test)]
mod emulated {
    use super::{super::pack::widen, Emulated, Line, PAIRS, Tiles};

    /// Zero instead of what is too small to be normal.
    fn flush(value: f32) -> f32 {
        if value.is_subnormal() {
            0.0f32.copysign(value)
        } else {
            value
        }
    }

    impl Tiles for Emulated {
        fn zero<const T: usize>(&mut self) {
            self.0[T] = [Line::default(); PAIRS];
        }

        fn load<const T: usize>(&mut self, lines: &[Line; PAIRS]) {
            self.0[T] = *lines;
        }

        fn load_sums<const T: usize>(&mut self, sums: &[f32], stride: usize) {
            for (row, line) in self.0[T].iter_mut().enumerate() {
                for (column, bits) in line.0.iter_mut().enumerate() {
                    *bits = sums[row * stride + column].to_bits();
                }
            }
        }

        fn store_sums<const T: usize>(&mut self, sums: &mut [f32], stride: usize) {
            for (row, line) in self.0[T].iter().enumerate() {
                for (column, bits) in line.0.iter().enumerate() {
                    sums[row * stride + column] = f32::from_bits(*bits);
                }
            }
        }

        fn prefetch(&self, _: &[Line]) {}

        fn dot<const C: usize, const A: usize, const B: usize>(&mut self) {
            for row in 0..PAIRS {
                for column in 0..PAIRS {
                    let mut sums = [0f32; 2];
                    for pair in 0..PAIRS {
                        let (a, b) = (self.0[A][row].0[pair], self.0[B][pair].0[column]);
                        let factors = [(a & 0xffff, b & 0xffff), (a >> 16, b >> 16)];
                        for (sum, (a, b)) in sums.iter_mut().zip(factors) {
                            *sum = flush(flush(widen(a)).mul_add(flush(widen(b)), *sum));
                        }
                    }
                    let out = &mut self.0[C][row].0[column];
                    let sum = flush(f32::from_bits(*out)) + flush(sums[0] + sums[1]);
                    *out = flush(sum).to_bits();
                }
            }
        }
    }
}
