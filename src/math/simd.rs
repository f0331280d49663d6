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

mod activations;
mod norms;

pub use activations::{gelu, gelu_tanh, multiply, relu, silu};
pub use norms::{layer_norm, rms_norm};

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
