//! Panels: activations of [`LANES`] tokens, feature by feature, and products with weights on them.

use super::weights::Matrix;
use crate::math::{
    matrix_unit::{self, BLOCK, BlockProduct, Line, PackedRows, STEP, Split},
    simd::{self, TILE_ROWS, Tile},
};
use std::{cell::RefCell, ops::Range, thread::LocalKey};

/// Tokens of a panel: one lane each. Element (feature, lane) is at `feature * LANES + lane`.
pub use crate::math::simd::LANES;

/// Steps of a product that are done before the next rows of weights: as many as keep a block's
/// activations in a core's second-level cache. Sums run in order, so it changes no bit.
const STEPS: usize = 1024;
/// The same where weights are split a block at a time, which takes several times their memory.
const SPLIT_STEPS: usize = 512;

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
#[derive(Clone, Copy)]
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

/// Weights as products take them.
pub enum Weights {
    /// As they are stored; where products split their numbers, a block at a time.
    Stored(Matrix),
    /// Split for the machine's matrix unit.
    Packed(PackedRows),
}

impl Weights {
    /// Packs weights where products split their numbers, unless that took more memory than they do.
    #[must_use]
    pub fn new(matrix: Matrix, split: Option<Split>) -> Self {
        match split {
            None | Some(Split::Bf16x6) => Self::Stored(matrix),
            Some(split) => Self::Packed(matrix.packed(split)),
        }
    }

    /// Features that come out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match self {
            Self::Stored(matrix) => matrix.outputs(),
            Self::Packed(rows) => rows.rows(),
        }
    }

    /// Features that go in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        match self {
            Self::Stored(matrix) => matrix.inputs(),
            Self::Packed(rows) => rows.inner(),
        }
    }
}

/// Inputs of products, in the form in which the products are made.
pub enum Inputs<'a> {
    /// Single precision.
    Single(View<'a>),
    /// Split for the machine's matrix unit.
    Split(SplitView<'a>),
}

/// Panels next to each other, packed.
pub struct SplitView<'a> {
    split: Split,
    lines: &'a [Line],
    /// Lines of a panel.
    size: usize,
}

impl<'a> Inputs<'a> {
    /// Numbers of [`Line`]s that so many panels of `features` need.
    #[must_use]
    pub fn lines(split: Option<Split>, features: usize, count: usize) -> usize {
        split.map_or(0, |split| count * matrix_unit::panel_lines(features, split))
    }

    /// The first `features` of `count` panels; where products split their numbers, packed into `lines`, of which
    /// [`Self::lines`] tells how many are needed.
    pub fn new(
        split: Option<Split>,
        x: View<'a>,
        features: usize,
        count: usize,
        lines: &'a mut [Line],
    ) -> Self {
        let Some(split) = split else {
            return Self::Single(x);
        };
        let size = matrix_unit::panel_lines(features, split);
        let lines = &mut lines[..count * size];
        for (x, lines) in x.data.chunks(x.stride).zip(lines.chunks_exact_mut(size)) {
            matrix_unit::pack_panel(split, x, LANES, features, lines);
        }
        Self::Split(SplitView { split, lines, size })
    }
}

/// `y[o] += sum over i of w[o][i] * x[i]` for each token of `count` panels, where `x` holds the
/// inputs of `part` from its first and `y` its outputs; with `bias`, `y` starts there instead of
/// being added to.
///
/// # Panics
/// Where weights and inputs are not of one form, or part of a packed step is asked for: a bug of the caller.
pub fn product(
    w: &Weights,
    part: &Part,
    bias: Option<&[f32]>,
    x: &Inputs,
    y: &mut ViewMut,
    count: usize,
) {
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
    match (w, x) {
        (Weights::Stored(w), Inputs::Single(x)) => by_tiles(w, part, x, y, count),
        (Weights::Stored(w), Inputs::Split(x)) => by_stored_blocks(w, part, x, y),
        (Weights::Packed(w), Inputs::Split(x)) => by_packed_blocks(w, part, x, y),
        (Weights::Packed(_), Inputs::Single(_)) => panic!("inputs that are not packed"),
    }
}

/// A product in single precision.
fn by_tiles(w: &Matrix, part: &Part, x: &View, y: &mut ViewMut, count: usize) {
    let width = part.inputs.len();
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

/// A product on the machine's matrix unit.
fn by_packed_blocks(w: &PackedRows, part: &Part, x: &SplitView, y: &mut ViewMut) {
    assert!(
        part.outputs.start.is_multiple_of(BLOCK) && part.inputs.start.is_multiple_of(STEP),
        "a part of packed weights begins within a block"
    );
    for from in part.outputs.clone().step_by(BLOCK) {
        let left = w.block(from / BLOCK, part.inputs.start / STEP);
        by_block(left, from, part, 0..part.inputs.len(), x, y);
    }
}

/// A product on the machine's matrix unit, of weights that are split a block at a time.
fn by_stored_blocks(w: &Matrix, part: &Part, x: &SplitView, y: &mut ViewMut) {
    let (width, split) = (part.inputs.len(), x.split);
    let lines = matrix_unit::row_lines(BLOCK, SPLIT_STEPS.min(width), split);
    with_lines(lines, |left| {
        for begin in (0..width).step_by(SPLIT_STEPS) {
            let inner = begin..(begin + SPLIT_STEPS).min(width);
            let left = &mut left[..matrix_unit::row_lines(BLOCK, inner.len(), split)];
            for from in part.outputs.clone().step_by(BLOCK) {
                let rows = BLOCK.min(part.outputs.end - from);
                let (first, count) = (part.inputs.start + begin, inner.len());
                w.with_rows(from, rows, first, count, |a, stride| {
                    matrix_unit::pack_block(split, a, stride, count, left);
                });
                by_block(left, from, part, inner.clone(), x, y);
            }
        }
    });
}

/// Adds the products of a block of outputs, from `from` on, with the inputs `inner` of `part`.
fn by_block(
    left: &[Line],
    from: usize,
    part: &Part,
    inner: Range<usize>,
    x: &SplitView,
    y: &mut ViewMut,
) {
    let begin = matrix_unit::panel_lines(inner.start, x.split);
    for (right, y) in x
        .lines
        .chunks_exact(x.size)
        .zip(y.data.chunks_mut(y.stride))
    {
        let product = BlockProduct {
            split: x.split,
            left,
            right: &right[begin..],
            inner: inner.len(),
            out: &mut y[(from - part.outputs.start) * LANES..],
            out_row: LANES,
            rows: BLOCK.min(part.outputs.end - from),
            add: true,
        };
        product.compute();
    }
}

/// The whole of a matrix: `y = w x + b`.
pub fn linear(w: &Weights, bias: &[f32], x: &Inputs, y: &mut ViewMut, count: usize) {
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
    static SCRATCH: Buffers<f32> = const { RefCell::new(Vec::new()) };
    static LINES: Buffers<Line> = const { RefCell::new(Vec::new()) };
}

/// Memory that a thread does not lend at present.
type Buffers<T> = RefCell<Vec<Vec<T>>>;

/// Lends this thread's scratch memory: `length` numbers of any value. It grows and is kept.
pub fn with_scratch<R>(length: usize, f: impl FnOnce(&mut [f32]) -> R) -> R {
    lend(&SCRATCH, length, f)
}

/// Lends this thread's memory for packed factors: `length` lines of any content. It grows and is kept.
pub fn with_lines<R>(length: usize, f: impl FnOnce(&mut [Line]) -> R) -> R {
    lend(&LINES, length, f)
}

fn lend<T: Clone + Default, R>(
    buffers: &'static LocalKey<Buffers<T>>,
    length: usize,
    f: impl FnOnce(&mut [T]) -> R,
) -> R {
    // taken out while lent, so that a nested loan gets another
    let mut buffer = buffers.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
    let result = f(&mut buffer[..length]);
    buffers.with_borrow_mut(|buffers| buffers.push(buffer));
    result
}
