//! Elementary functions in single precision, without branches: plain arithmetic that the compiler
//! vectorises where they are inlined into a loop over many numbers.

#![expect(
    clippy::inline_always,
    reason = "a body takes on the instruction set of the function that it is inlined into"
)]

/// `a * b + c`; with `FUSED`, rounded once, by an instruction that the caller is compiled for.
#[inline(always)]
pub(crate) fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `exp(x)` for x <= 88; below -87 the smallest normal number. Error below 1.5 ulp.
#[inline(always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    // 1.5 * 2^23: adding it rounds to an integer, which its low bits then hold
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // what is not a number stays so
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = fma::<FUSED>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<FUSED>(n, -LN2_LOW, fma::<FUSED>(n, -LN2_HIGH, x));
    // minimax polynomial on |r| <= ln(2)/2, relative error 2e-9
    let mut p = 1.395_606_2e-3;
    p = fma::<FUSED>(p, r, 8.375_135e-3);
    p = fma::<FUSED>(p, r, 4.166_608_3e-2);
    p = fma::<FUSED>(p, r, 1.666_641_5e-1);
    p = fma::<FUSED>(p, r, 0.5);
    p = fma::<FUSED>(p, r, 1.0);
    p = fma::<FUSED>(p, r, 1.0);
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    p * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_as_exact_as_single_precision_needs() {
        for i in -8700..=8800 {
            let x = i as f32 / 100.0;
            let want = f64::from(x).exp();
            for got in [exp::<true>(x), exp::<false>(x)] {
                let error = (f64::from(got) - want).abs() / want;
                assert!(error < 1.8e-7, "exp({x}): {error}");
            }
        }
        assert!(exp::<true>(f32::NAN).is_nan() && exp::<false>(f32::NAN).is_nan());
        assert!(exp::<true>(-1e30) < 1e-37 && exp::<true>(f32::NEG_INFINITY) >= 0.0);
    }
}
