//! Rows of the decoder, weighted and summed.

#![expect(
    clippy::inline_always,
    reason = "kernels, inlined into callers that `wide!` compiles"
)]

use super::params::Params;
use crate::math::{
    real::Real,
    vector::{TOGETHER, axpy, combine},
};

/// `out = b_dec + sum of values times decoder rows` for one row.
#[inline(always)]
pub(crate) fn decode_row<T: Real>(
    params: &Params<T>,
    latents: &[u32],
    values: &[T],
    out: &mut [T],
) {
    let d = params.shape.width;
    out.copy_from_slice(&params.b_dec);
    for (&latent, &value) in latents.iter().zip(values) {
        let row = &params.dec[latent as usize * d..][..d];
        axpy(value, row, out);
    }
}

/// `out += values times decoder rows`.
#[inline(always)]
pub(crate) fn add_decoder_rows<T: Real>(
    params: &Params<T>,
    latents: &[u32],
    values: &[T],
    out: &mut [T],
) {
    let d = params.shape.width;
    let row = |latent: u32| &params.dec[latent as usize * d..][..d];
    let (latent_groups, latents) = latents.as_chunks::<TOGETHER>();
    let (value_groups, values) = values.as_chunks::<TOGETHER>();
    for (latents, &values) in latent_groups.iter().zip(value_groups) {
        combine(values, latents.map(row), out);
    }
    for (&latent, &value) in latents.iter().zip(values) {
        axpy(value, row(latent), out);
    }
}
