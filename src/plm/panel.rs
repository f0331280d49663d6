//! Panels: activations of [`LANES`] tokens, feature by feature, and products with weights on them.

use super::weights::Matrix;
use crate::math::simd::{self, TILE_ROWS, Tile};
use std::{cell::RefCell, ops::Range};

/// Tokens of a panel: one lane each. Element (feature, lane) is at `feature * LANES + lane`.
pub use crate::math::simd::LANES;

/// Steps of a product that are done before the next rows of weights: as many as keep a block's
/// activations in a core's second-level cache. Sums run in order, so it changes no bit.
const STEPS: usize = 1024;

/// Number of panels that hold so many tokens.
#[must_use]
pub fn panels(tokens: usize) -> usize {
    tokens.div_ceil(LANES)
}

/// Which part of a weight matrix takes part in a product.
pub struct Part {
    /// Output features (rows of the matrix).
    pub outputs: Range<usize>,
    /// Input features (columns of the matrix).
    pub inputs: Range<usize>,
}

/// Panels next to each other: panel i begins at `i * stride`.
pub struct View<'a> {
    /// The numbers.
    pub data: &'a [f32],
    /// Distance of panels.
    pub stride: usize,
}

/// Panels next to each other, to be written: panel i begins at `i * stride`.
pub struct ViewMut<'a> {
    /// The numbers.
    pub data: &'a mut [f32],
    /// Distance of panels.
    pub stride: usize,
}

/// `y[o] += sum over i of w[o][i] * x[i]` for each token of `count` panels, where `x` holds the
/// inputs of `part` from its first and `y` its outputs; with `bias`, `y` starts there instead of
/// being added to.
pub fn product(
    w: &Matrix,
    part: &Part,
    bias: Option<&[f32]>,
    x: &View,
    y: &mut ViewMut,
    count: usize,
) {
    let width = part.inputs.len();
    if let Some(bias) = bias {
        for panel in 0..count {
            let rows = &mut y.data[panel * y.stride..][..part.outputs.len() * LANES];
            for (row, &b) in rows
                .chunks_exact_mut(LANES)
                .zip(&bias[part.outputs.clone()])
            {
                row.fill(b);
            }
        }
    }
    for begin in (0..width).step_by(STEPS) {
        let steps = STEPS.min(width - begin);
        for from in part.outputs.clone().step_by(TILE_ROWS) {
            let rows = TILE_ROWS.min(part.outputs.end - from);
            w.with_rows(from, rows, part.inputs.start + begin, steps, |a, a_row| {
                for panel in 0..count {
                    simd::tile(Tile {
                        a,
                        a_row,
                        a_step: 1,
                        b: &x.data[panel * x.stride + begin * LANES..],
                        b_step: LANES,
                        c: &mut y.data[panel * y.stride + (from - part.outputs.start) * LANES..],
                        c_row: LANES,
                        rows,
                        steps,
                        add: true,
                    });
                }
            });
        }
    }
}

/// The whole of a matrix: `y = w x + b`.
pub fn linear(w: &Matrix, bias: &[f32], x: &View, y: &mut ViewMut, count: usize) {
    let all = Part {
        outputs: 0..w.outputs(),
        inputs: 0..w.inputs(),
    };
    product(w, &all, Some(bias), x, y, count);
}

/// Adds `y` to `x`.
pub fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// Copies one token's features out of a panel.
pub fn column(panel: &[f32], lane: usize, row: &mut [f32]) {
    for (out, features) in row.iter_mut().zip(panel.chunks_exact(LANES)) {
        *out = features[lane];
    }
}

/// Copies one token's features into a panel.
pub fn set_column(panel: &mut [f32], lane: usize, row: &[f32]) {
    for (value, features) in row.iter().zip(panel.chunks_exact_mut(LANES)) {
        features[lane] = *value;
    }
}

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends this thread's scratch memory: `length` numbers of any value. It grows and is kept.
pub fn with_scratch<R>(length: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    // taken out while lent, so that a nested loan gets its own
    let mut buffer = SCRATCH.take();
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    let result = f(&mut buffer[..length]);
    SCRATCH.replace(buffer);
    result
}
