//! Vector kernels. They are written for the compiler's vectoriser and inlined into callers that
//! [`wide`] compiles for the widest instructions of the machine.
//!
//! Sums run over a fixed number of lanes in a fixed order, so they do not depend on the
//! instructions that are chosen.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide` compiles"
)]

use super::real::Real;

/// Independent partial sums of a reduction.
const LANES: usize = 32;

/// Runs `f`, compiled for AVX2 where the machine has it.
///
/// Only what is inlined into `f` is compiled so.
#[inline]
pub fn wide<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2")]
        fn avx2<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        if std::arch::is_x86_feature_detected!("avx2")
            && std::arch::is_x86_feature_detected!("fma")
            && std::arch::is_x86_feature_detected!("f16c")
            && std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
        {
            #[expect(unsafe_code, reason = "the features were detected just before")]
            return unsafe { avx2(f) };
        }
    }
    f()
}

/// Sum of `a[i] * b[i]`.
#[inline(always)]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    for (lane, (&x, &y)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += x * y;
    }
    fold(sums)
}

/// Sum of `(a[i] - b[i])²`.
#[inline(always)]
pub fn squared_distance<T: Real>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            let difference = x[lane] - y[lane];
            sums[lane] += difference * difference;
        }
    }
    for (lane, (&x, &y)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += (x - y) * (x - y);
    }
    fold(sums)
}

/// `y += scale * x`.
#[inline(always)]
pub fn axpy<T: Real>(scale: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += scale * x;
    }
}

/// `y += x`.
#[inline(always)]
pub fn add<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

/// Sums of the lanes, pairwise.
#[inline(always)]
fn fold<T: Real>(mut sums: [T; LANES]) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "sums of small integers are exact")]

    use super::*;

    #[test]
    fn sums_cover_blocks_and_rest() {
        for length in [0, 1, 31, 32, 33, 100] {
            let a: Vec<f64> = (0..length).map(f64::from).collect();
            let b: Vec<f64> = a.iter().map(|x| x + 2.0).collect();
            let want: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            assert_eq!(wide(|| dot(&a, &b)), want);
            assert_eq!(wide(|| squared_distance(&a, &b)), 4.0 * f64::from(length));
        }
    }
}
