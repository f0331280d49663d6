//! The unit of AVX512-BF16: `vdpbf16ps` adds the products of a pair of numbers to each of sixteen sums. It takes numbers
//! too small to be normal for zeros.

use super::{BlockProduct, Line, PAIRS, PART_LINES};
use crate::math::simd::LANES;
use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _MM_HINT_T0, _mm_prefetch, _mm512_dpbf16_ps, _mm512_load_si512,
    _mm512_loadu_ps, _mm512_set1_epi32, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Rows whose sums are kept in registers together: 8 x 32 sums fill half of the registers.
const ROWS: usize = 8;
/// Steps by which rows are asked for before they are read: weights come from memory, too slowly for a processor that
/// finds out by itself which lines of a block are next.
const AHEAD: usize = 4;

/// Whether this machine has the instruction.
pub(super) fn is_detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512bf16")
}

/// Computes a product, whose sizes are checked.
///
/// # Panics
/// Where the machine does not have the instruction.
pub(super) fn multiply(product: &mut BlockProduct) {
    assert!(is_detected(), "instructions that are not there");
    for from in (0..product.rows).step_by(ROWS) {
        let count = ROWS.min(product.rows - from);
        #[expect(unsafe_code, reason = "instructions that not every machine has")]
        // SAFETY: the machine has them. `BlockProduct::compute_on` found both factors to have the lines of all steps, and
        // `out` to have LANES numbers in each of the wanted rows, of which `from + count` is none beyond the last.
        unsafe {
            match count {
                8 => rows::<8>(product, from),
                7 => rows::<7>(product, from),
                6 => rows::<6>(product, from),
                5 => rows::<5>(product, from),
                4 => rows::<4>(product, from),
                3 => rows::<3>(product, from),
                2 => rows::<2>(product, from),
                _ => rows::<1>(product, from),
            }
        }
    }
}

/// The sums of `COUNT` rows.
///
/// # Safety
/// Both factors have the lines of all steps; `out` has [`LANES`] numbers in each of the rows.
#[expect(
    unsafe_code,
    reason = "pointers in the innermost loop, checked once before it"
)]
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn rows<const COUNT: usize>(product: &mut BlockProduct, from: usize) {
    const { assert!(size_of::<Line>() == size_of::<__m512bh>() && LANES == 2 * PAIRS) };
    let size = product.split.parts() * PART_LINES;
    let out = product.out.as_mut_ptr();
    let place = |row: usize| (from + row) * product.out_row;
    let mut sums = [[_mm512_setzero_ps(); 2]; COUNT];
    if product.add {
        for (row, sum) in sums.iter_mut().enumerate() {
            // SAFETY: `out` has LANES numbers from the row's place on.
            *sum = unsafe {
                [
                    _mm512_loadu_ps(out.add(place(row))),
                    _mm512_loadu_ps(out.add(place(row) + PAIRS)),
                ]
            };
        }
    }
    for (step, pairs) in product.pairs_of_steps().enumerate() {
        for &(a, b) in product.split.products() {
            // SAFETY: a part of a step has PART_LINES lines, of which the left factor's are rows and the right one's the
            // pairs of one half and then of the other; part, step, row and pair are within their numbers.
            unsafe {
                let left = product
                    .left
                    .as_ptr()
                    .add(step * size + a * PART_LINES + from);
                let right = product.right.as_ptr().add(step * size + b * PART_LINES);
                for row in 0..COUNT {
                    let ahead = left.wrapping_add(AHEAD * size + row);
                    _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                }
                for pair in 0..pairs {
                    let columns = [load(right.add(pair)), load(right.add(PAIRS + pair))];
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let pair = (*left.add(row)).0.get_unchecked(pair).cast_signed();
                        let pair =
                            std::mem::transmute::<__m512i, __m512bh>(_mm512_set1_epi32(pair));
                        sum[0] = _mm512_dpbf16_ps(sum[0], pair, columns[0]);
                        sum[1] = _mm512_dpbf16_ps(sum[1], pair, columns[1]);
                    }
                }
            }
        }
    }
    for (row, sum) in sums.iter().enumerate() {
        let store = |at: usize, sum: __m512| {
            // SAFETY: as where they were read.
            unsafe { _mm512_storeu_ps(out.add(at), sum) };
        };
        store(place(row), sum[0]);
        store(place(row) + PAIRS, sum[1]);
    }
}

/// A line as the instruction takes it.
///
/// # Safety
/// The pointer is to a line.
#[expect(unsafe_code, reason = "a pointer in the innermost loop")]
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
unsafe fn load(line: *const Line) -> __m512bh {
    // SAFETY: a line has 64 bytes, aligned to 64, and all patterns of bits are bf16 numbers.
    unsafe { std::mem::transmute(_mm512_load_si512(line.cast())) }
}
