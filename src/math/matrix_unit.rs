//! Products of bf16 numbers with f32 sums, on whatever the CPU has for them: AMX tiles, the dot products of AVX512-BF16,
//! or plain arithmetic; and f32 products made of them, each number split into bf16 parts.
//!
//! One format serves all three units, so packing and blocking are the same everywhere. The left factor is packed in
//! blocks of [`BLOCK`] rows, the right one in panels of [`LANES`] columns; both are cut into steps of [`STEP`] inner
//! numbers, of which pairs lie side by side. Sums run in the order of the steps, and a sum's bits depend on its own row
//! and column alone. Between units they differ, since each adds within a step in an order of its own.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod dot;
mod exponentials;
mod pack;
mod plain;
#[cfg(target_arch = "x86_64")]
mod rounding;
mod tiles;

pub use exponentials::pack_softmax;
pub use pack::{
    PackedRows, pack_block, pack_columns, pack_panel, pack_rows, panel_lines, row_lines,
};

use super::simd::LANES;
use std::{fmt, sync::OnceLock};

/// Rows of a block of the left factor: two tiles.
pub const BLOCK: usize = 32;
/// Inner numbers of a step: a row of a tile.
pub const STEP: usize = 32;
/// Pairs of inner numbers in a [`Line`], and rows of a tile.
const PAIRS: usize = 16;
/// Lines of one part of a step: of the left factor its rows, of the right one its pairs in two halves of a panel.
const PART_LINES: usize = 32;

/// 64 bytes that a unit loads at once: sixteen pairs of bf16 numbers, the first of each pair in the low half. Of the left
/// factor it holds 32 inner numbers of a row, of the right one a pair of inner numbers of each of 16 columns.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line([u32; PAIRS]);

/// Into which bf16 numbers an f32 number is split, and which of their products are summed. With x = x1 + x2 + x3, each
/// the bf16 of what is left, the relative error of a product of normal matrices is as said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// x1 y1: 2.4e-3.
    Bf16,
    /// x1 y1 + x1 y2 + x2 y1: 4.4e-6.
    Bf16x3,
    /// All products of parts whose numbers add up to four at most: 1.5e-7, as f32 itself.
    Bf16x6,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 3] = [Self::Bf16, Self::Bf16x3, Self::Bf16x6];

    /// Parts of a number.
    #[must_use]
    pub fn parts(self) -> usize {
        match self {
            Self::Bf16 => 1,
            Self::Bf16x3 => 2,
            Self::Bf16x6 => 3,
        }
    }

    /// Products of a step, as parts of the left and the right factor: in an order in which most share a factor with the
    /// one before.
    fn products(self) -> &'static [(usize, usize)] {
        match self {
            Self::Bf16 => &[(0, 0)],
            Self::Bf16x3 => &[(1, 0), (0, 0), (0, 1)],
            Self::Bf16x6 => &[(2, 0), (1, 0), (1, 1), (0, 1), (0, 0), (0, 2)],
        }
    }
}

/// What multiplies bf16 numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Arithmetic in f32 by the widest vectors: right everywhere, and nowhere faster than products of f32 numbers.
    Plain,
    /// `vdpbf16ps` of AVX512-BF16.
    #[cfg(target_arch = "x86_64")]
    Dot,
    /// `tdpbf16ps` of AMX.
    #[cfg(target_arch = "x86_64")]
    Amx,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "vectors",
            #[cfg(target_arch = "x86_64")]
            Self::Dot => "avx512_bf16",
            #[cfg(target_arch = "x86_64")]
            Self::Amx => "amx_bf16",
        })
    }
}

/// The fastest unit of this machine.
#[must_use]
pub fn unit() -> Unit {
    static FOUND: OnceLock<Unit> = OnceLock::new();
    *FOUND.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            if amx::is_permitted() {
                return Unit::Amx;
            }
            if dot::is_detected() {
                return Unit::Dot;
            }
        }
        Unit::Plain
    })
}

/// Whether this machine multiplies bf16 numbers faster than f32 numbers.
#[must_use]
pub fn is_fast() -> bool {
    unit() != Unit::Plain
}

/// Whether this machine has tiles, on which products of f32 numbers are faster split than by vectors.
#[must_use]
pub fn has_tiles() -> bool {
    #[cfg(target_arch = "x86_64")]
    return unit() == Unit::Amx;
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// A block of rows by a panel of columns: `out[r * out_row + lane]`, for each row r and lane, is the sum over the inner
/// numbers.
pub struct BlockProduct<'a> {
    /// How both factors are split.
    pub split: Split,
    /// The block, from the first step on.
    pub left: &'a [Line],
    /// The panel, from the first step on.
    pub right: &'a [Line],
    /// Inner numbers of the sum.
    pub inner: usize,
    /// The sums.
    pub out: &'a mut [f32],
    /// Distance of rows in `out`.
    pub out_row: usize,
    /// Rows of the block that are wanted, 1 to [`BLOCK`].
    pub rows: usize,
    /// Adds to `out`; otherwise replaces it.
    pub add: bool,
}

impl BlockProduct<'_> {
    /// Pairs of inner numbers in each step; what the last one lacks is zero in both factors.
    fn pairs_of_steps(&self) -> impl ExactSizeIterator<Item = usize> + use<> {
        let inner = self.inner;
        (0..inner.div_ceil(STEP)).map(move |step| (inner - step * STEP).div_ceil(2).min(PAIRS))
    }

    /// Computes it on this machine's fastest unit.
    ///
    /// # Panics
    /// Where a slice is too short: a bug of the caller.
    pub fn compute(self) {
        self.compute_on(unit());
    }

    /// Computes it on one of this machine's units.
    ///
    /// # Panics
    /// Where a slice is too short, or the machine has no such unit: a bug of the caller.
    pub fn compute_on(mut self, unit: Unit) {
        let lines = panel_lines(self.inner, self.split);
        assert!(
            self.left.len() >= lines && self.right.len() >= lines,
            "factors end before their product"
        );
        assert!((1..=BLOCK).contains(&self.rows), "rows of a block");
        let end = (self.rows - 1)
            .checked_mul(self.out_row)
            .and_then(|at| at.checked_add(LANES));
        assert!(
            self.out_row >= LANES && end.is_some_and(|end| end <= self.out.len()),
            "the result ends before the block"
        );
        match unit {
            Unit::Plain => plain::multiply(&mut self),
            #[cfg(target_arch = "x86_64")]
            Unit::Dot => dot::multiply(&mut self),
            #[cfg(target_arch = "x86_64")]
            Unit::Amx => amx::multiply(&mut self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::{Purpose, normal, stream};

    /// Rows `[count, inner]` of normal numbers.
    fn normals(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = stream(seed, Purpose::Weights, 0);
        (0..count).map(|_| normal(&mut rng) as f32).collect()
    }

    /// The units of this machine.
    fn units() -> Vec<Unit> {
        let mut units = vec![Unit::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if dot::is_detected() {
                units.push(Unit::Dot);
            }
            if amx::is_permitted() {
                units.push(Unit::Amx);
            }
        }
        units
    }

    /// The product of rows with panels on a unit, or on emulated tiles, `[rows, panels * LANES]`.
    fn product(unit: Option<Unit>, split: Split, left: &PackedRows, panels: &[f32]) -> Vec<f32> {
        let inner = left.inner();
        let count = panels.len() / (inner * LANES);
        let stride = count * LANES;
        let mut out = vec![7.0; left.rows() * stride];
        let mut right = vec![Line::default(); panel_lines(inner, split)];
        for (number, panel) in panels.chunks_exact(inner * LANES).enumerate() {
            pack_panel(split, panel, LANES, inner, &mut right);
            for from in (0..left.rows()).step_by(BLOCK) {
                let mut block = BlockProduct {
                    split,
                    left: left.block(from / BLOCK, 0),
                    right: &right,
                    inner,
                    out: &mut out[from * stride + number * LANES..],
                    out_row: stride,
                    rows: BLOCK.min(left.rows() - from),
                    add: false,
                };
                match unit {
                    Some(unit) => block.compute_on(unit),
                    None => tiles::multiply(&mut tiles::Emulated::default(), &mut block),
                }
            }
        }
        out
    }

    fn exact(left: &[f32], inner: usize, panels: &[f32]) -> Vec<f64> {
        let count = panels.len() / (inner * LANES);
        let mut out = Vec::new();
        for row in left.chunks_exact(inner) {
            for column in 0..count * LANES {
                let (panel, lane) = (column / LANES, column % LANES);
                let column = panels[panel * inner * LANES..].iter().skip(lane);
                let pairs = row.iter().zip(column.step_by(LANES));
                out.push(pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum());
            }
        }
        out
    }

    #[test]
    fn products_are_as_exact_as_their_split_on_every_unit() {
        for (rows, inner, panels) in [
            (1, 1, 1),
            (32, 32, 1),
            (37, 70, 2),
            (64, 640, 1),
            (5, 33, 3),
        ] {
            let (a, b) = (normals(rows * inner, 1), normals(panels * inner * LANES, 2));
            let want = exact(&a, inner, &b);
            let length = (want.iter().map(|v| v * v).sum::<f64>()).sqrt();
            for (split, most) in Split::ALL.into_iter().zip([6e-3, 1.2e-5, 2e-6]) {
                let packed = PackedRows::new(split, &a, inner);
                let mut of_units = units().into_iter().map(Some).collect::<Vec<_>>();
                of_units.push(None);
                for unit in of_units {
                    let got = product(unit, split, &packed, &b);
                    let squares = got
                        .iter()
                        .zip(&want)
                        .map(|(&g, w)| (f64::from(g) - w).powi(2));
                    let error = squares.sum::<f64>().sqrt() / length;
                    assert!(error < most, "{unit:?} {split:?} {rows} {inner}: {error}");
                    assert!(split != Split::Bf16 || inner == 1 || error > 1e-4);
                }
            }
        }
    }

    #[test]
    fn products_of_small_integers_are_exact_and_added() {
        let number = |i: usize| ((i * 7 + i / 5) % 23) as f32 - 11.0;
        for (rows, inner) in [(32, 64), (9, 50)] {
            let a: Vec<f32> = (0..rows * inner).map(number).collect();
            let b: Vec<f32> = (0..inner * LANES).map(|i| number(i + 3)).collect();
            let want = exact(&a, inner, &b);
            for split in Split::ALL {
                let packed = PackedRows::new(split, &a, inner);
                let mut right = vec![Line::default(); panel_lines(inner, split)];
                pack_panel(split, &b, LANES, inner, &mut right);
                for unit in units() {
                    let mut out = vec![0.5; rows * LANES];
                    BlockProduct {
                        split,
                        left: packed.block(0, 0),
                        right: &right,
                        inner,
                        out: &mut out,
                        out_row: LANES,
                        rows,
                        add: true,
                    }
                    .compute_on(unit);
                    let right_sums = out.iter().zip(&want).all(|(&g, w)| f64::from(g) == w + 0.5);
                    assert!(right_sums, "{unit:?} {split:?}");
                }
            }
        }
    }

    #[test]
    fn a_sum_does_not_depend_on_its_neighbours() {
        let (rows, inner) = (40, 96);
        let (a, b) = (normals(rows * inner, 3), normals(inner * LANES, 4));
        // one column, alone in another lane of another panel
        let mut alone = vec![0.0; inner * LANES];
        for (to, from) in alone.chunks_exact_mut(LANES).zip(b.chunks_exact(LANES)) {
            to[21] = from[5];
        }
        for unit in units() {
            for split in Split::ALL {
                let all = product(Some(unit), split, &PackedRows::new(split, &a, inner), &b);
                let last = PackedRows::new(split, &a[(rows - 1) * inner..], inner);
                let one = product(Some(unit), split, &last, &alone);
                assert_eq!(one[21].to_bits(), all[(rows - 1) * LANES + 5].to_bits());
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn tiles_give_the_bits_of_their_emulation() {
        if !amx::is_permitted() {
            println!("skipped: this CPU has no AMX");
            return;
        }
        let (rows, inner) = (70, 200);
        let (a, b) = (normals(rows * inner, 5), normals(2 * inner * LANES, 6));
        for split in Split::ALL {
            let packed = PackedRows::new(split, &a, inner);
            let real = product(Some(Unit::Amx), split, &packed, &b);
            let emulated = product(None, split, &packed, &b);
            assert!(
                real.iter()
                    .zip(&emulated)
                    .all(|(a, b)| a.to_bits() == b.to_bits())
            );
        }
    }

    #[test]
    fn short_slices_are_refused() {
        let lines = [Line::default(); 2 * PART_LINES];
        let try_with = |left: usize, right: usize, inner, out_row, rows, size: usize| {
            let mut out = vec![0.0; size];
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                BlockProduct {
                    split: Split::Bf16,
                    left: &lines[..left],
                    right: &lines[..right],
                    inner,
                    out: &mut out,
                    out_row,
                    rows,
                    add: false,
                }
                .compute();
            }))
        };
        assert!(try_with(32, 32, 32, LANES, 32, 32 * LANES).is_ok());
        for (left, right, inner, out_row, rows, size) in [
            (31, 32, 32, LANES, 32, 32 * LANES),
            (32, 31, 1, LANES, 32, 32 * LANES),
            (64, 32, 33, LANES, 32, 32 * LANES),
            (32, 32, 1, LANES - 1, 1, LANES),
            (32, 32, 1, LANES, 33, 33 * LANES),
            (32, 32, 1, LANES, 0, 32 * LANES),
            (32, 32, 1, LANES, 32, 32 * LANES - 1),
            (32, 32, 1, usize::MAX, 3, 32 * LANES),
        ] {
            assert!(try_with(left, right, inner, out_row, rows, size).is_err());
        }
    }
}
