//! Norms over the features of a panel.

use super::{BASELINE_FUSES, Isa, LANES, isa};
use crate::math::elementary::fma;

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
fn rms_norm_body<const FUSED: bool>(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    let n = weight.len() as f32;
    let mut squares = [[0f32; LANES]; 4];
    for (k, row) in x.chunks_exact(LANES).enumerate() {
        for (total, &v) in squares[k % 4].iter_mut().zip(row) {
            *total = fma::<FUSED>(v, v, *total);
        }
    }
    let mut scale = [0f32; LANES];
    for (lane, s) in scale.iter_mut().enumerate() {
        let square = (squares[0][lane] + squares[1][lane]) + (squares[2][lane] + squares[3][lane]);
        *s = 1.0 / (square / n + epsilon).sqrt();
    }
    let rows = x.chunks_exact(LANES).zip(out.chunks_exact_mut(LANES));
    for ((row, to), &w) in rows.zip(weight) {
        for ((o, &v), s) in to.iter_mut().zip(row).zip(&scale) {
            *o = v * s * w;
        }
    }
}

kernel! {
    /// Root-mean-square norm over the features of a panel (`weight.len()` rows of [`LANES`]): x / √(mean(x²) + ε) w.
    pub fn rms_norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) = rms_norm_body
}
