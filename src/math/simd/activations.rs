//! Activation functions of neural networks, in place.

use super::{BASELINE_FUSES, Isa, isa};
use crate::math::elementary::{exp, fma};

/// `erf(x)`, absolute error below 1.5e-7.
#[inline(always)]
fn erf<const FUSED: bool>(x: f32) -> f32 {
    let t = x.abs();
    // erf(x) / x as a polynomial in x^2 on |x| <= 1
    let s = x * x;
    let mut p = 7.889_12e-5;
    p = fma::<FUSED>(p, s, -8.020_841e-4);
    p = fma::<FUSED>(p, s, 5.189_535e-3);
    p = fma::<FUSED>(p, s, -2.685_444_4e-2);
    p = fma::<FUSED>(p, s, 1.128_36e-1);
    p = fma::<FUSED>(p, s, -3.761_262_7e-1);
    p = fma::<FUSED>(p, s, std::f32::consts::FRAC_2_SQRT_PI);
    let near = p * x;
    // -ln(erfc(t)) as a polynomial in t - 2.5 on 1..4; erf is 1 beyond in single precision
    let v = (if t < 4.0 { t } else { 4.0 }) - 2.5;
    let mut q = -1.855_749e-4;
    q = fma::<FUSED>(q, v, 1.559_923_4e-4);
    q = fma::<FUSED>(q, v, -2.457_800_8e-3);
    q = fma::<FUSED>(q, v, 1.071_775_3e-2);
    q = fma::<FUSED>(q, v, 9.438_854e-1);
    q = fma::<FUSED>(q, v, 5.352_694);
    q = fma::<FUSED>(q, v, 7.806_818);
    let far = (1.0 - exp::<FUSED>(-q)).copysign(x);
    if t < 1.0 { near } else { far }
}

#[inline(always)]
fn gelu_body<const FUSED: bool>(values: &mut [f32]) {
    for x in values {
        let half = 0.5 * *x;
        *x = fma::<FUSED>(
            half,
            erf::<FUSED>(*x * std::f32::consts::FRAC_1_SQRT_2),
            half,
        );
    }
}

kernel! {
    /// GELU with the exact error function, in place: x/2 (1 + erf(x/√2)).
    pub fn gelu(values: &mut [f32]) = gelu_body
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    // beyond it is 0 or 1 in single precision, and `exp` ends at 88
    let x = if x < -87.0 { -87.0 } else { x };
    1.0 / (1.0 + exp::<FUSED>(-x))
}

#[inline(always)]
fn silu_body<const FUSED: bool>(values: &mut [f32]) {
    for x in values {
        *x *= sigmoid::<FUSED>(*x);
    }
}

kernel! {
    /// Sigmoid linear unit, in place: x / (1 + exp(-x)).
    pub fn silu(values: &mut [f32]) = silu_body
}

#[inline(always)]
fn gelu_tanh_body<const FUSED: bool>(values: &mut [f32]) {
    /// `2 √(2/π)`: tanh(u) is 2 sigmoid(2 u) - 1.
    const FACTOR: f32 = 1.595_769;
    for x in values {
        let cubic = fma::<FUSED>(0.044_715 * *x * *x, *x, *x);
        *x *= sigmoid::<FUSED>(FACTOR * cubic);
    }
}

kernel! {
    /// GELU by its approximation with the hyperbolic tangent, in place: x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))).
    pub fn gelu_tanh(values: &mut [f32]) = gelu_tanh_body
}

/// Rectified linear unit, in place; what is not a number stays so.
pub fn relu(values: &mut [f32]) {
    for x in values {
        *x = if *x < 0.0 { 0.0 } else { *x };
    }
}

/// Products of numbers in pairs, in place of the first.
pub fn multiply(values: &mut [f32], factors: &[f32]) {
    for (x, factor) in values.iter_mut().zip(factors) {
        *x *= factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// exp and erf in double precision, by series that need no library.
    fn erf64(x: f64) -> f64 {
        if x.abs() < 3.0 {
            let (mut term, mut sum, mut n) = (x, x, 0.0);
            while term.abs() > 1e-18 * sum.abs().max(1e-300) {
                n += 1.0;
                term *= -x * x / n;
                sum += term / (2.0 * n + 1.0);
            }
            return sum * 2.0 / std::f64::consts::PI.sqrt();
        }
        // Lentz's continued fraction of erfc
        let t = x.abs();
        let mut f = t;
        for k in (1..200).rev() {
            f = t + f64::from(k) / 2.0 / f;
        }
        (1.0 - (-t * t).exp() / (f * std::f64::consts::PI.sqrt())).copysign(x)
    }

    #[test]
    fn exp_and_erf_are_as_exact_as_single_precision_needs() {
        for i in -8700..=8800 {
            let x = i as f32 / 100.0;
            let want = f64::from(x).exp();
            let error = (f64::from(exp::<true>(x)) - want).abs() / want;
            assert!(error < 1.5e-7, "exp({x}): {error}");
        }
        for i in -6000..=6000 {
            let x = i as f32 / 1000.0;
            let error = (f64::from(erf::<true>(x)) - erf64(f64::from(x))).abs();
            assert!(error < 1.5e-7, "erf({x}): {error}");
        }
        assert!(exp::<true>(-1e30) < 1e-37 && exp::<true>(f32::NEG_INFINITY) >= 0.0);
    }

    #[test]
    fn activations_are_as_exact_as_single_precision_needs() {
        for i in -20_000..=20_000 {
            let x = i as f32 / 100.0;
            let wide = f64::from(x);
            let (mut sigmoid, mut tangent, mut rectified) = ([x], [x], [x]);
            silu(&mut sigmoid);
            gelu_tanh(&mut tangent);
            relu(&mut rectified);
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044_715 * wide.powi(3));
            for (got, want) in [
                (sigmoid[0], wide / (1.0 + (-wide).exp())),
                (tangent[0], 0.5 * wide * (1.0 + inner.tanh())),
                (rectified[0], wide.max(0.0)),
            ] {
                let error = (f64::from(got) - want).abs();
                assert!(error < 4e-7 * wide.abs().max(1.0), "{x}: {got} for {want}");
            }
        }
        let mut odd = [f32::NAN];
        relu(&mut odd);
        assert!(odd[0].is_nan());
    }

    #[test]
    fn every_build_of_a_kernel_gives_the_same_bits() {
        let values: Vec<f32> = (0..999).map(|i| (i as f32 - 500.0) / 60.0).collect();
        let mut detected = values.clone();
        gelu(&mut detected);
        let mut body = values;
        gelu_body::<true>(&mut body);
        if isa() == Isa::Portable && !BASELINE_FUSES {
            return;
        }
        assert!(
            detected
                .iter()
                .zip(&body)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
    }
}
