//! The unit of machines that have none: bf16 numbers widened to f32, multiplied and added by vectors.

use super::{BlockProduct, Line, PAIRS, PART_LINES, pack::widen};
#[cfg(target_arch = "x86_64")]
use crate::math::simd::{Isa, isa};
use crate::math::{
    elementary::fma,
    simd::{BASELINE_FUSES, LANES},
};

/// Rows whose sums are kept in registers together.
const ROWS: usize = 4;

/// Computes a product.
#[expect(
    unsafe_code,
    reason = "calls the build for an instruction set that was detected"
)]
pub(super) fn multiply(product: &mut BlockProduct) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn avx512(product: &mut BlockProduct) {
            body::<true>(product);
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(product: &mut BlockProduct) {
            body::<true>(product);
        }
        match isa() {
            // SAFETY: `isa` found these instructions on this machine.
            Isa::Avx512 => return unsafe { avx512(product) },
            // SAFETY: as above.
            Isa::Avx2 => return unsafe { avx2(product) },
            Isa::Portable => {}
        }
    }
    body::<BASELINE_FUSES>(product);
}

#[expect(
    clippy::inline_always,
    reason = "takes on the instruction set of its caller"
)]
#[inline(always)]
fn body<const FUSED: bool>(product: &mut BlockProduct) {
    for from in (0..product.rows).step_by(ROWS) {
        for half in 0..LANES / PAIRS {
            rows::<FUSED>(product, from, half);
        }
    }
}

/// The sums of [`ROWS`] rows and half of a panel.
#[expect(
    clippy::inline_always,
    reason = "takes on the instruction set of its caller"
)]
#[inline(always)]
fn rows<const FUSED: bool>(product: &mut BlockProduct, from: usize, half: usize) {
    let count = ROWS.min(product.rows - from);
    let place = |row: usize| (from + row) * product.out_row + half * PAIRS;
    let mut sums = [[0f32; PAIRS]; ROWS];
    if product.add {
        for (row, sum) in sums.iter_mut().enumerate().take(count) {
            sum.copy_from_slice(&product.out[place(row)..][..PAIRS]);
        }
    }
    let size = product.split.parts() * PART_LINES;
    let factors = product.left.chunks_exact(size);
    let factors = factors.zip(product.right.chunks_exact(size));
    for ((left, right), pairs) in factors.zip(product.pairs_of_steps()) {
        for &(a, b) in product.split.products() {
            let left: &[Line; ROWS] = left[a * PART_LINES + from..]
                .first_chunk()
                .expect("a block has whole groups of rows");
            let right: &[Line; PAIRS] = right[b * PART_LINES + half * PAIRS..]
                .first_chunk()
                .expect("a part has two halves");
            for (pair, right) in right.iter().enumerate().take(pairs) {
                for (left, sum) in left.iter().zip(&mut sums) {
                    let (even, odd) = (left.0[pair] & 0xffff, left.0[pair] >> 16);
                    let (even, odd) = (widen(even), widen(odd));
                    for (sum, &bits) in sum.iter_mut().zip(&right.0) {
                        let first = fma::<FUSED>(even, widen(bits), *sum);
                        let second = f32::from_bits(bits & 0xffff_0000);
                        *sum = fma::<FUSED>(odd, second, first);
                    }
                }
            }
        }
    }
    for (row, sum) in sums.iter().enumerate().take(count) {
        product.out[place(row)..][..PAIRS].copy_from_slice(sum);
    }
}
