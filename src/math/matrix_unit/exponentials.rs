//! Softmax on its way into a packed factor.

use super::{Line, Split, pack_panel};
use crate::math::simd::{self, LANES};

/// Packs the exponentials of a panel's scores (rows of [`LANES`]) less each lane's largest, as a right factor; returns the
/// reciprocal of each lane's sum. The scores may be overwritten. For numbers of one part the exponentials are exact to
/// 1e-4, a twentieth of what is rounded away.
///
/// # Panics
/// Where there are not so many lines: a bug of the caller.
pub fn pack_softmax(split: Split, scores: &mut [f32], out: &mut [Line]) -> [f32; LANES] {
    #[cfg(target_arch = "x86_64")]
    if split == Split::Bf16 && super::dot::is_detected() {
        return x86::pack(scores, out);
    }
    let mut reciprocals = [0f32; LANES];
    simd::softmax(scores, &mut reciprocals);
    pack_panel(split, scores, LANES, scores.len() / LANES, out);
    reciprocals
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::{Line, PAIRS, PART_LINES, STEP, dot, rounding};
    use crate::math::simd::LANES;
    use std::arch::x86_64::{
        __m512, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT, _mm512_add_ps, _mm512_fmadd_ps,
        _mm512_fmsub_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_roundscale_ps, _mm512_scalef_ps,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_sub_ps,
    };

    /// Coefficients of 2^f for f within half of 0, from the constant one on: relative error below 7.5e-5.
    const POWERS: [f32; 4] = [0.999_928_1, 0.693_260_97, 0.242_610_28, 0.055_171_207];

    pub(super) fn pack(scores: &[f32], out: &mut [Line]) -> [f32; LANES] {
        assert!(dot::is_detected(), "instructions that are not there");
        #[expect(unsafe_code, reason = "instructions that not every machine has")]
        // SAFETY: the machine has them.
        unsafe {
            pack_rows(scores.as_chunks::<LANES>().0, out)
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
    fn pack_rows(rows: &[[f32; LANES]], out: &mut [Line]) -> [f32; LANES] {
        let log2_e = _mm512_set1_ps(std::f32::consts::LOG2_E);
        let order = rounding::pair_order();
        let mut largest = [_mm512_set1_ps(f32::NEG_INFINITY); 2];
        for row in rows {
            for (half, largest) in largest.iter_mut().enumerate() {
                *largest = _mm512_max_ps(*largest, rounding::half_of_row(row, half));
            }
        }
        let largest = largest.map(|scores| _mm512_mul_ps(scores, log2_e));
        let mut sums = [[_mm512_setzero_ps(); 2]; 2];
        let out = &mut out[..rows.len().div_ceil(STEP) * PART_LINES];
        for (rows, out) in rows.chunks(STEP).zip(out.chunks_exact_mut(PART_LINES)) {
            for pair in 0..PAIRS {
                for half in 0..LANES / PAIRS {
                    let mut both = [_mm512_setzero_ps(); 2];
                    for (place, both) in both.iter_mut().enumerate() {
                        if let Some(row) = rows.get(2 * pair + place) {
                            let scores = rounding::half_of_row(row, half);
                            *both = power_of_two(_mm512_fmsub_ps(scores, log2_e, largest[half]));
                            sums[half][place] = _mm512_add_ps(sums[half][place], *both);
                        }
                    }
                    out[half * PAIRS + pair] = rounding::line_of_pairs(both[0], both[1], order);
                }
            }
        }
        let mut reciprocals = [0f32; LANES];
        for (half, [first, second]) in sums.into_iter().enumerate() {
            let sum = rounding::numbers(_mm512_add_ps(first, second));
            for (to, sum) in reciprocals[half * PAIRS..].iter_mut().zip(sum) {
                *to = 1.0 / sum;
            }
        }
        reciprocals
    }

    /// 2 to the power of x.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn power_of_two(x: __m512) -> __m512 {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        let whole = _mm512_roundscale_ps::<NEAREST>(x);
        let rest = _mm512_sub_ps(x, whole);
        let mut power = _mm512_set1_ps(POWERS[3]);
        for coefficient in [POWERS[2], POWERS[1], POWERS[0]] {
            power = _mm512_fmadd_ps(power, rest, _mm512_set1_ps(coefficient));
        }
        _mm512_scalef_ps(power, whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::matrix_unit::{PART_LINES, STEP, pack::widen, panel_lines};

    #[test]
    fn packed_exponentials_are_those_of_softmax() {
        for rows in [1, 2, 31, 32, 77] {
            let number = |i: usize| ((i * 37 % 101) as f32 - 50.0) / 7.0;
            let mut scores: Vec<f32> = (0..rows * LANES).map(number).collect();
            // far below the largest
            scores[0] = -200.0;
            let mut want = scores.clone();
            let mut scale = [0f32; LANES];
            simd::softmax(&mut want, &mut scale);
            for (split, most) in Split::ALL.into_iter().zip([5e-3, 3e-5, 1e-6]) {
                let mut lines = vec![Line([9; 16]); panel_lines(rows, split)];
                let got = pack_softmax(split, &mut scores.clone(), &mut lines);
                for (lane, (got, want)) in got.iter().zip(scale).enumerate() {
                    assert!((got / want - 1.0).abs() < 2e-4, "{split:?} {lane}");
                }
                let parts = lines.len() / rows.div_ceil(STEP);
                for row in 0..rows.next_multiple_of(STEP) {
                    for lane in 0..LANES {
                        let at = row / STEP * parts + lane / 16 * 16 + row % STEP / 2;
                        let sum: f32 = (0..split.parts())
                            .map(|part| lines[at + part * PART_LINES].0[lane % 16])
                            .map(|pair| widen(pair >> (16 * (row % 2)) & 0xffff))
                            .sum();
                        let want = want.get(row * LANES + lane).copied().unwrap_or(0.0);
                        let error = (sum - want).abs();
                        assert!(error <= most * want + 1e-30, "{split:?} {row} {lane}");
                    }
                }
            }
        }
    }
}
