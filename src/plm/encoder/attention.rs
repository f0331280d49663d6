//! Self-attention of packed sequences on a CPU: one sequence and head at a time, 32 queries
//! against all keys, so that no more than one such tile of scores exists.

use super::{positions::PositionTable, rotary::AngleTable};
use crate::math::{
    matrix_unit::{self, BLOCK, BlockProduct, Line, Split},
    simd::{self, TILE_ROWS, Tile},
};
use crate::plm::{
    architecture::Architecture,
    batch::Batch,
    panel::{self, LANES},
};
use rayon::prelude::*;

/// Queries, keys and values of a batch: panels of the features of all heads (queries, then keys, then values).
pub(super) struct Projections<'a> {
    /// The sequences.
    pub(super) batch: &'a Batch,
    /// The panels.
    pub(super) qkv: &'a [f32],
    /// What the attention is told of positions.
    pub(super) positions: &'a PositionTable,
}

/// Attends within each sequence. `out` (the width of all heads a token) becomes, for each sequence in turn,
/// `heads x head_width x tokens of the sequence`.
pub(super) fn attend(
    config: &Architecture,
    split: Option<Split>,
    inputs: &Projections,
    out: &mut [f32],
) {
    let head_width = config.head_width;
    let mut tasks = Vec::with_capacity(inputs.batch.sequences() * config.heads);
    let mut rest = out;
    for sequence in 0..inputs.batch.sequences() {
        let tokens = inputs.batch.range(sequence);
        for head in 0..config.heads {
            let (out, others) = rest.split_at_mut(head_width * tokens.len());
            tasks.push(Task {
                start: tokens.start,
                length: tokens.len(),
                head,
                out,
            });
            rest = others;
        }
    }
    // long sequences first, so that no thread is left with one at the end
    tasks.sort_by_key(|task| std::cmp::Reverse(task.length));
    tasks
        .into_par_iter()
        .with_max_len(1)
        .for_each(|mut task| one_head(config, split, inputs, &mut task));
}

/// One head of one sequence.
struct Task<'a> {
    /// The sequence's first token.
    start: usize,
    /// Its tokens.
    length: usize,
    head: usize,
    /// Its result, `head_width x length`.
    out: &'a mut [f32],
}

/// Memory of one head: rows of features, or of keys, in lanes of tokens.
struct Scratch<'a> {
    /// Queries, keys and values, `head_width x stride` each.
    queries: &'a mut [f32],
    keys: &'a mut [f32],
    values: &'a mut [f32],
    /// Of each key and [`LANES`] queries.
    scores: &'a mut [f32],
    /// Of [`LANES`] queries.
    result: &'a mut [f32],
    stride: usize,
    length: usize,
    head_width: usize,
    packed: Option<PackedHead<'a>>,
}

/// A head's factors, split for the machine's matrix unit.
struct PackedHead<'a> {
    split: Split,
    /// Rows of keys, and of values.
    keys: &'a mut [Line],
    values: &'a mut [Line],
    /// Panels of [`LANES`] queries, and of their scores' exponentials.
    queries: &'a mut [Line],
    scores: &'a mut [Line],
}

impl<'a> PackedHead<'a> {
    /// Lines of its parts, in their order.
    fn sizes(split: Split, length: usize, head_width: usize) -> [usize; 4] {
        [
            matrix_unit::row_lines(length, head_width, split),
            matrix_unit::row_lines(head_width, length, split),
            matrix_unit::panel_lines(head_width, split),
            matrix_unit::panel_lines(length, split),
        ]
    }

    fn new(split: Split, sizes: [usize; 4], lines: &'a mut [Line]) -> Self {
        let (keys, rest) = lines.split_at_mut(sizes[0]);
        let (values, rest) = rest.split_at_mut(sizes[1]);
        let (queries, scores) = rest.split_at_mut(sizes[2]);
        Self {
            split,
            keys,
            values,
            queries,
            scores,
        }
    }
}

/// Copies `length` tokens of one feature out of the panels.
fn gather(panels: &[f32], features: usize, feature: usize, start: usize, out: &mut [f32]) {
    let mut done = 0;
    while done < out.len() {
        let token = start + done;
        let lane = token % LANES;
        let take = (LANES - lane).min(out.len() - done);
        let at = (token / LANES * features + feature) * LANES + lane;
        out[done..done + take].copy_from_slice(&panels[at..at + take]);
        done += take;
    }
}

/// Rotates the features of a head at positions from 0, in rows of `stride`.
fn rotate(rows: &mut [f32], stride: usize, length: usize, head_width: usize, table: &AngleTable) {
    let (first, second) = rows.split_at_mut(head_width / 2 * stride);
    for i in 0..head_width / 2 {
        let angles = i * table.length..i * table.length + length;
        simd::rotate(
            &mut first[i * stride..i * stride + length],
            &mut second[i * stride..i * stride + length],
            &table.cos[angles.clone()],
            &table.sin[angles],
        );
    }
}

fn one_head(config: &Architecture, split: Option<Split>, inputs: &Projections, task: &mut Task) {
    let (length, head_width) = (task.length, config.head_width);
    // an odd multiple of a cache line, lest all rows fall into the same cache set
    let stride = length.next_multiple_of(LANES) + LANES / 2;
    let matrix = head_width * stride;
    let padded = length.next_multiple_of(TILE_ROWS);
    let sizes = split.map(|split| (split, PackedHead::sizes(split, length, head_width)));
    let lines = sizes.map_or(0, |(_, sizes)| sizes.iter().sum());
    panel::with_scratch(3 * matrix + padded * LANES + head_width * LANES, |memory| {
        panel::with_lines(lines, |lines| {
            let (queries, rest) = memory.split_at_mut(matrix);
            let (keys, rest) = rest.split_at_mut(matrix);
            let (values, rest) = rest.split_at_mut(matrix);
            let (scores, result) = rest.split_at_mut(padded * LANES);
            let mut scratch = Scratch {
                queries,
                keys,
                values,
                scores,
                result,
                stride,
                length,
                head_width,
                packed: sizes.map(|(split, sizes)| PackedHead::new(split, sizes, lines)),
            };
            scratch.take(config, inputs, task);
            for first in (0..length).step_by(LANES) {
                let reciprocal = scratch.attend(inputs.positions, task.head, first);
                let lanes = LANES.min(length - first);
                let rows = scratch.result.chunks_exact(LANES);
                for (row, to) in rows.zip(task.out.chunks_exact_mut(length)) {
                    let to = &mut to[first..first + lanes];
                    for ((o, r), s) in to.iter_mut().zip(row).zip(&reciprocal) {
                        *o = r * s;
                    }
                }
            }
        });
    });
}

impl Scratch<'_> {
    /// Copies a head's queries, keys and values out of the panels, queries scaled, and both rotated.
    fn take(&mut self, config: &Architecture, inputs: &Projections, task: &Task) {
        let (stride, length, head_width) = (self.stride, self.length, self.head_width);
        let width = config.attention_width();
        let parts = [&mut *self.queries, &mut *self.keys, &mut *self.values];
        for (part, rows) in parts.into_iter().enumerate() {
            for (i, row) in rows.chunks_exact_mut(stride).enumerate() {
                let place = match inputs.positions {
                    PositionTable::Rotary(table) if part < 2 => table.feature_at(i, head_width),
                    _ => i,
                };
                let feature = part * width + task.head * head_width + place;
                let (tokens, padding) = row.split_at_mut(length);
                gather(inputs.qkv, 3 * width, feature, task.start, tokens);
                padding.fill(0.0);
            }
        }
        // the reference scales queries before it rotates them
        for query in &mut *self.queries {
            *query *= config.attention_scale;
        }
        if let PositionTable::Rotary(table) = inputs.positions {
            rotate(self.queries, stride, length, head_width, table);
            rotate(self.keys, stride, length, head_width, table);
        }
        if let Some(packed) = &mut self.packed {
            let split = packed.split;
            matrix_unit::pack_columns(split, self.keys, stride, length, packed.keys);
            matrix_unit::pack_rows(split, self.values, stride, length, packed.values);
        }
    }

    /// Sums of values for the [`LANES`] queries from `first` on, each by its scores' exponentials; returns the
    /// reciprocals of the sums of these.
    fn attend(&mut self, positions: &PositionTable, head: usize, first: usize) -> [f32; LANES] {
        let (length, width) = (self.length, self.head_width);
        let Some(packed) = &mut self.packed else {
            let mut reciprocal = [0f32; LANES];
            self.compare(first);
            add_biases(positions, head, first, &mut self.scores[..length * LANES]);
            simd::softmax(&mut self.scores[..length * LANES], &mut reciprocal);
            self.combine();
            return reciprocal;
        };
        let split = packed.split;
        let queries = &self.queries[first..];
        matrix_unit::pack_panel(split, queries, self.stride, width, packed.queries);
        blocks(
            split,
            packed.keys,
            length,
            packed.queries,
            width,
            self.scores,
        );
        let scores = &mut self.scores[..length * LANES];
        add_biases(positions, head, first, scores);
        let reciprocal = matrix_unit::pack_softmax(split, scores, packed.scores);
        blocks(
            split,
            packed.values,
            width,
            packed.scores,
            length,
            self.result,
        );
        reciprocal
    }

    /// Scores of all keys for the queries from `first` on.
    fn compare(&mut self, first: usize) {
        let (stride, length) = (self.stride, self.length);
        for key in (0..length).step_by(TILE_ROWS) {
            simd::tile(Tile {
                a: &self.keys[key..],
                a_row: 1,
                a_step: stride,
                b: &self.queries[first..],
                b_step: stride,
                c: &mut self.scores[key * LANES..],
                c_row: LANES,
                rows: TILE_ROWS.min(length - key),
                steps: self.head_width,
                add: false,
            });
        }
    }

    /// Sums of values by scores.
    fn combine(&mut self) {
        let (stride, length) = (self.stride, self.length);
        for feature in (0..self.head_width).step_by(TILE_ROWS) {
            simd::tile(Tile {
                a: &self.values[feature * stride..],
                a_row: stride,
                a_step: 1,
                b: self.scores,
                b_step: LANES,
                c: &mut self.result[feature * LANES..],
                c_row: LANES,
                rows: TILE_ROWS.min(self.head_width - feature),
                steps: length,
                add: false,
            });
        }
    }
}

/// Adds to the scores of all keys, for [`LANES`] queries from `first` on, what a head adds by their distance.
fn add_biases(positions: &PositionTable, head: usize, first: usize, scores: &mut [f32]) {
    let PositionTable::Relative(table) = positions else {
        return;
    };
    for (key, row) in scores.chunks_exact_mut(LANES).enumerate() {
        panel::add(row, table.of_queries(head, key, first));
    }
}

/// Rows of a left factor, block by block, by a panel, into rows of [`LANES`].
fn blocks(split: Split, left: &[Line], rows: usize, right: &[Line], inner: usize, out: &mut [f32]) {
    let size = matrix_unit::row_lines(BLOCK, inner, split);
    for (number, left) in left.chunks_exact(size).enumerate() {
        let from = number * BLOCK;
        let product = BlockProduct {
            split,
            left,
            right,
            inner,
            out: &mut out[from * LANES..],
            out_row: LANES,
            rows: BLOCK.min(rows - from),
            add: false,
        };
        product.compute();
    }
}

/// Brings the result of [`attend`] for tokens `from..from + lanes` back into a panel of all heads' features.
pub(super) fn scatter(
    config: &Architecture,
    batch: &Batch,
    attended: &[f32],
    from: usize,
    out: &mut [f32],
) {
    let to = (from + LANES).min(batch.tokens().len());
    out.fill(0.0);
    let mut token = from;
    while token < to {
        let range = batch.range(batch.sequence_of(token));
        let take = range.end.min(to) - token;
        let (length, lane) = (range.len(), token - from);
        let width = config.attention_width();
        let mine = &attended[range.start * width..range.end * width];
        for (row, to) in mine.chunks_exact(length).zip(out.chunks_exact_mut(LANES)) {
            let at = token - range.start;
            to[lane..lane + take].copy_from_slice(&row[at..at + take]);
        }
        token += take;
    }
}
