//! Lines of pairs, rounded by the processor: `vcvtne2ps2bf16` of AVX512-BF16, which takes numbers too small to be normal
//! for zeros, as the products do.

use super::{Line, PAIRS, PART_LINES, STEP, dot};
use crate::math::simd::LANES;
use std::{
    arch::x86_64::{
        __m512, __m512bh, __m512i, _mm512_cvtne2ps_pbh, _mm512_loadu_ps, _mm512_permutexvar_epi16,
    },
    mem::transmute,
};

/// Packs a panel of numbers that have one part each, as [`super::pack_panel`] does.
///
/// # Panics
/// Where the machine does not have the instructions, or there are not so many numbers or lines.
pub(super) fn pack_panel(panel: &[f32], stride: usize, inner: usize, out: &mut [Line]) {
    assert!(dot::is_detected(), "instructions that are not there");
    #[expect(unsafe_code, reason = "instructions that not every machine has")]
    // SAFETY: the machine has them.
    unsafe {
        pack_pairs(panel, stride, inner, out);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
fn pack_pairs(panel: &[f32], stride: usize, inner: usize, out: &mut [Line]) {
    let order = pair_order();
    let row = |i: usize| -> &[f32; LANES] {
        if i >= inner {
            return &[0.0; LANES];
        }
        let numbers = panel[i * stride..].first_chunk();
        numbers.expect("a row has a number for each lane")
    };
    for (step, out) in out.chunks_exact_mut(PART_LINES).enumerate() {
        for pair in 0..PAIRS {
            let i = step * STEP + 2 * pair;
            let (first, second) = (row(i), row(i + 1));
            for half in 0..LANES / PAIRS {
                let (first, second) = (half_of_row(first, half), half_of_row(second, half));
                out[half * PAIRS + pair] = line_of_pairs(first, second, order);
            }
        }
    }
}

/// Where each number of a line comes from: of sixteen numbers and then sixteen others, pairs.
#[target_feature(enable = "avx512f")]
pub(super) fn pair_order() -> __m512i {
    let order: [u16; STEP] = std::array::from_fn(|i| (i / 2 + i % 2 * PAIRS) as u16);
    #[expect(unsafe_code, reason = "numbers as a vector")]
    // SAFETY: both are 64 bytes, of which every pattern is valid.
    unsafe {
        transmute(order)
    }
}

/// Sixteen numbers of a row.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn half_of_row(row: &[f32; LANES], half: usize) -> __m512 {
    let numbers: &[f32; PAIRS] = &row.as_chunks().0[half];
    #[expect(unsafe_code, reason = "numbers as a vector")]
    // SAFETY: there are sixteen.
    unsafe {
        _mm512_loadu_ps(numbers.as_ptr())
    }
}

/// A vector as numbers.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn numbers(vector: __m512) -> [f32; PAIRS] {
    #[expect(unsafe_code, reason = "a vector as numbers")]
    // SAFETY: both are 64 bytes, of which every pattern is valid.
    unsafe {
        transmute(vector)
    }
}

/// A line of the pairs of sixteen numbers and sixteen others, by [`pair_order`].
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
pub(super) fn line_of_pairs(first: __m512, second: __m512, order: __m512i) -> Line {
    let both = _mm512_cvtne2ps_pbh(second, first);
    #[expect(unsafe_code, reason = "vectors as numbers")]
    // SAFETY: all are 64 bytes, of which every pattern is valid.
    unsafe {
        let both = transmute::<__m512bh, __m512i>(both);
        Line(transmute::<__m512i, [u32; PAIRS]>(
            _mm512_permutexvar_epi16(order, both),
        ))
    }
}
