//! Floating-point types that the engine computes in: f32 in use, f64 to check it.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]

use super::simd::{self, Tile};
use std::{
    fmt::Debug,
    ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign},
};

/// f32 or f64.
pub trait Real:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + 'static
{
    /// What orders positive numbers at places of a row: the larger number first in value, the
    /// lower place where they are equal.
    type Key: Copy + Default + Ord + Debug + Send + Sync;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The nearest value.
    fn of(value: f64) -> Self;
    /// Exact.
    fn f64(self) -> f64;
    /// e to the power of self.
    #[must_use]
    fn exp(self) -> Self;
    /// As [`Real::exp`], for a number that is not positive, within 2 ulp, in a way that vectorises.
    #[must_use]
    fn exp_of_negative(self) -> Self;
    /// The key of this number, which is not negative, at a place.
    fn key(self, place: u32) -> Self::Key;
    /// Number and place of a key.
    fn of_key(key: Self::Key) -> (Self, u32);
    /// Square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Absolute value.
    #[must_use]
    fn abs(self) -> Self;
    /// A register tile of a matrix product.
    fn tile(tile: Tile<'_, Self>);
    /// The same numbers, where they are of single precision: what the machine's matrix units split.
    fn singles(numbers: &[Self]) -> Option<&[f32]>;
    /// As [`Real::singles`], to be written.
    fn singles_mut(numbers: &mut [Self]) -> Option<&mut [f32]>;

    /// The larger of the two; `other` where self is not a number.
    #[inline(always)]
    #[must_use]
    fn larger(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

/// Numbers of double precision are none of single precision.
fn none<A, B>(_: A) -> Option<B> {
    None
}

macro_rules! real {
    ($type:ty, $key:ty, $exp:expr, $tile:path, $singles:path) => {
        impl Real for $type {
            type Key = $key;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn of(value: f64) -> Self {
                value as Self
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                Self::exp(self)
            }
            #[inline(always)]
            fn exp_of_negative(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn key(self, place: u32) -> $key {
                <$key>::from(self.to_bits()) << 32 | <$key>::from(!place)
            }
            #[inline(always)]
            fn of_key(key: $key) -> (Self, u32) {
                (Self::from_bits((key >> 32) as _), !(key as u32))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                Self::abs(self)
            }
            #[inline(always)]
            fn tile(tile: Tile<'_, Self>) {
                $tile(tile);
            }
            fn singles(numbers: &[Self]) -> Option<&[f32]> {
                $singles(numbers)
            }
            fn singles_mut(numbers: &mut [Self]) -> Option<&mut [f32]> {
                $singles(numbers)
            }
        }
    };
}

real!(
    f32,
    u64,
    crate::math::elementary::exp::<false>,
    simd::tile,
    Some
);
real!(f64, u128, f64::exp, simd::plain_tile, none);
