//! Vector kernels. They are written for the compiler's vectoriser and inlined into callers that
//! [`wide!`](crate::wide) compiles for the widest instructions of the machine.
//!
//! Sums run over a fixed number of lanes in a fixed order, so they do not depend on the
//! instructions that are chosen.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]

use super::real::Real;
#[cfg(target_arch = "x86_64")]
use super::simd::{Isa, isa};

/// Independent partial sums of a reduction.
const LANES: usize = 32;

/// Calls a closure, compiled for AVX-512: where [`isa`] has found it. Use [`wide!`](crate::wide).
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn on_avx512<R>(f: impl FnOnce() -> R) -> R {
    // in its caller's unit of compilation, where the closure is
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2")]
    fn call<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
    assert!(isa() == Isa::Avx512, "instructions that are not there");
    #[expect(unsafe_code, reason = "instructions that not every machine has")]
    // SAFETY: `isa` found these features on this machine, as was asserted.
    unsafe {
        call(f)
    }
}

/// Calls a closure, compiled for AVX2: where [`isa`] has found it. Use [`wide!`](crate::wide).
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn on_avx2<R>(f: impl FnOnce() -> R) -> R {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2")]
    fn call<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
    assert!(isa() == Isa::Avx2, "instructions that are not there");
    #[expect(unsafe_code, reason = "instructions that not every machine has")]
    // SAFETY: `isa` found these features on this machine, as was asserted.
    unsafe {
        call(f)
    }
}

/// Runs a closure, compiled for the widest vectors that the machine has.
///
/// Each instruction set has a closure of its own, since only one that is called in a single place is
/// sure to be inlined there, and only what is inlined is compiled so. Nothing is fused or
/// reordered: the numbers are those of any other build.
#[macro_export]
macro_rules! wide {
    ($f:expr) => {
        match $crate::math::simd::isa() {
            #[cfg(target_arch = "x86_64")]
            $crate::math::simd::Isa::Avx512 => $crate::math::vector::on_avx512($f),
            #[cfg(target_arch = "x86_64")]
            $crate::math::simd::Isa::Avx2 => $crate::math::vector::on_avx2($f),
            $crate::math::simd::Isa::Portable => ($f)(),
        }
    };
}

/// Sum of `a[i] * b[i]`.
#[inline(always)]
pub(crate) fn dot<T: Real>(a: &[T], b: &[T]) -> T {
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
pub(crate) fn squared_distance<T: Real>(a: &[T], b: &[T]) -> T {
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
pub(crate) fn axpy<T: Real>(scale: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += scale * x;
    }
}

/// Vectors that [`combine`] adds at a time.
pub(crate) const TOGETHER: usize = 4;

/// `y += scales[0] * x[0]`, then `y += scales[1] * x[1]`, and so on: the same bits as [`axpy`] one after
/// the other, with less traffic.
#[inline(always)]
pub(crate) fn combine<T: Real>(scales: [T; TOGETHER], x: [&[T]; TOGETHER], y: &mut [T]) {
    let [s0, s1, s2, s3] = scales;
    let [x0, x1, x2, x3] = x;
    for ((((y, &x0), &x1), &x2), &x3) in y.iter_mut().zip(x0).zip(x1).zip(x2).zip(x3) {
        *y = *y + s0 * x0 + s1 * x1 + s2 * x2 + s3 * x3;
    }
}

/// `y += x`.
#[inline(always)]
pub(crate) fn add<T: Real>(x: &[T], y: &mut [T]) {
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
    fn combined_vectors_are_added_in_order() {
        let x: Vec<f32> = (0..400).map(|i| (i as f32).sin() * 1e3).collect();
        let rows = [&x[..77], &x[77..154], &x[154..231], &x[231..308]];
        let scales = [0.1f32, -7.0, 1e-4, 33.3];
        let mut one = x[308..385].to_vec();
        let mut together = one.clone();
        for (scale, row) in scales.into_iter().zip(rows) {
            wide!(|| axpy(scale, row, &mut one));
        }
        wide!(|| combine(scales, rows, &mut together));
        assert_eq!(one, together);
    }

    #[test]
    fn sums_cover_blocks_and_rest() {
        for length in [0, 1, 31, 32, 33, 100] {
            let a: Vec<f64> = (0..length).map(f64::from).collect();
            let b: Vec<f64> = a.iter().map(|x| x + 2.0).collect();
            let want: f64 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            assert_eq!(wide!(|| dot(&a, &b)), want);
            assert_eq!(wide!(|| squared_distance(&a, &b)), 4.0 * f64::from(length));
        }
    }
}
