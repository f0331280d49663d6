//! Vector kernels: one body each, compiled for AVX-512, for AVX2 and for the baseline, chosen at
//! run time.
//!
//! Every body is plain arithmetic over [`LANES`] independent lanes, in the same order and with the
//! same fused multiply-adds in each build, so a lane's result depends on its own numbers alone:
//! not on its neighbours, its position, the number of threads, or the width of the registers.

#![expect(
    clippy::inline_always,
    reason = "a body takes on the instruction set of the function that it is inlined into"
)]

mod tile;

pub(super) use tile::plain_tile;
pub use tile::{TILE_ROWS, Tile, tile};

use super::elementary::{exp, fma};
use std::{fmt, sync::OnceLock};

/// Numbers that a kernel works on side by side.
pub const LANES: usize = 32;

/// Instruction sets that have their own build of each kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Whatever the target guarantees.
    Portable,
    /// 256-bit vectors and fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "baseline",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
        })
    }
}

/// The instruction set of this machine.
#[must_use]
pub fn isa() -> Isa {
    static FOUND: OnceLock<Isa> = OnceLock::new();
    *FOUND.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2");
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                return Isa::Avx512;
            }
            if avx2 {
                return Isa::Avx2;
            }
        }
        Isa::Portable
    })
}

/// Whether the baseline fuses multiply and add in one instruction; where not, `mul_add` is a slow
/// library call.
pub(in crate::math) const BASELINE_FUSES: bool =
    cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// Compiles a body, generic in `FUSED`, for each instruction set behind one safe function.
macro_rules! kernel {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $body:ident) => {
        $(#[$doc])*
        #[expect(unsafe_code, reason = "calls the build for an instruction set that was detected")]
        $vis fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx2,fma")]
                fn avx512($($arg: $ty),*) {
                    $body::<true>($($arg),*);
                }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) {
                    $body::<true>($($arg),*);
                }
                match isa() {
                    // SAFETY: `isa` found these instructions on this machine.
                    Isa::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    Isa::Portable => {}
                }
            }
            $body::<BASELINE_FUSES>($($arg),*);
        }
    };
}

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

#[inline(always)]
fn softmax_body<const FUSED: bool>(scores: &mut [f32], scale: &mut [f32; LANES]) {
    let mut largest = [f32::NEG_INFINITY; LANES];
    for row in scores.chunks_exact(LANES) {
        for (m, &s) in largest.iter_mut().zip(row) {
            *m = if s > *m { s } else { *m };
        }
    }
    // four chains, so that additions need not wait for each other
    let mut sums = [[0f32; LANES]; 4];
    let mut quads = scores.chunks_exact_mut(4 * LANES);
    for quad in &mut quads {
        for (row, sum) in quad.chunks_exact_mut(LANES).zip(&mut sums) {
            for ((s, m), total) in row.iter_mut().zip(&largest).zip(sum) {
                *s = exp::<FUSED>(*s - m);
                *total += *s;
            }
        }
    }
    for (row, sum) in quads
        .into_remainder()
        .chunks_exact_mut(LANES)
        .zip(&mut sums)
    {
        for ((s, m), total) in row.iter_mut().zip(&largest).zip(sum) {
            *s = exp::<FUSED>(*s - m);
            *total += *s;
        }
    }
    for (lane, out) in scale.iter_mut().enumerate() {
        *out = 1.0 / ((sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane]));
    }
}

kernel! {
    /// Exponentials of scores (rows of [`LANES`]) less each lane's largest, in place, and in
    /// `scale` the reciprocal of each lane's sum.
    pub fn softmax(scores: &mut [f32], scale: &mut [f32; LANES]) = softmax_body
}

#[inline(always)]
fn layer_norm_body<const FUSED: bool>(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    out: &mut [f32],
) {
    let n = weight.len() as f32;
    let mut sums = [[0f32; LANES]; 4];
    for (k, row) in x.chunks_exact(LANES).enumerate() {
        for (total, &v) in sums[k % 4].iter_mut().zip(row) {
            *total += v;
        }
    }
    let mut mean = [0f32; LANES];
    for (lane, m) in mean.iter_mut().enumerate() {
        *m = ((sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane])) / n;
    }
    let mut squares = [[0f32; LANES]; 4];
    for (k, row) in x.chunks_exact(LANES).enumerate() {
        for ((total, &v), m) in squares[k % 4].iter_mut().zip(row).zip(&mean) {
            let centred = v - m;
            *total = fma::<FUSED>(centred, centred, *total);
        }
    }
    let mut scale = [0f32; LANES];
    for (lane, s) in scale.iter_mut().enumerate() {
        let square = (squares[0][lane] + squares[1][lane]) + (squares[2][lane] + squares[3][lane]);
        *s = 1.0 / (square / n + epsilon).sqrt();
    }
    for (((row, to), &w), &b) in x
        .chunks_exact(LANES)
        .zip(out.chunks_exact_mut(LANES))
        .zip(weight)
        .zip(bias)
    {
        for (((o, &v), m), s) in to.iter_mut().zip(row).zip(&mean).zip(&scale) {
            *o = fma::<FUSED>((v - m) * s, w, b);
        }
    }
}

kernel! {
    /// Layer norm over the features of a panel (`weight.len()` rows of [`LANES`]).
    pub fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) = layer_norm_body
}

#[inline(always)]
fn rotate_body<const FUSED: bool>(first: &mut [f32], second: &mut [f32], cos: &[f32], sin: &[f32]) {
    for (((a, b), &c), &s) in first.iter_mut().zip(second).zip(cos).zip(sin) {
        let (x, y) = (*a, *b);
        *a = fma::<FUSED>(x, c, -(y * s));
        *b = fma::<FUSED>(y, c, x * s);
    }
}

kernel! {
    /// Rotates pairs of features by the angle of each position.
    pub fn rotate(first: &mut [f32], second: &mut [f32], cos: &[f32], sin: &[f32]) = rotate_body
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
