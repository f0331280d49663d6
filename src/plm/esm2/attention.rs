//! Self-attention of packed sequences on a CPU: one sequence and head at a time, 32 queries
//! against all keys, so that no more than one such tile of scores exists.

use super::{config::Config, rotary::Table};
use crate::math::simd::{self, TILE_ROWS, Tile};
use crate::plm::{
    batch::Batch,
    panel::{self, LANES},
};
use rayon::prelude::*;

/// Queries, keys and values of a batch: panels of 3d features (queries, then keys, then values).
pub struct Inputs<'a> {
    /// The sequences.
    pub batch: &'a Batch,
    /// The panels.
    pub qkv: &'a [f32],
    /// Angles of the rotary embedding.
    pub rotary: &'a Table,
}

/// Attends within each sequence. `out` (d numbers a token) becomes, for each sequence in turn,
/// `heads x head_width x tokens of the sequence`.
pub fn attend(config: &Config, inputs: &Inputs, out: &mut [f32]) {
    let head_width = config.head_width();
    let mut tasks = Vec::with_capacity(inputs.batch.sequences() * config.heads);
    let mut rest = out;
    for sequence in 0..inputs.batch.sequences() {
        let tokens = inputs.batch.range(sequence);
        for head in 0..config.heads {
            let (mine, others) = rest.split_at_mut(head_width * tokens.len());
            tasks.push((tokens.clone(), head, mine));
            rest = others;
        }
    }
    // long sequences first, so that no thread is left with one at the end
    tasks.sort_by_key(|(tokens, _, _)| std::cmp::Reverse(tokens.len()));
    tasks
        .into_par_iter()
        .with_max_len(1)
        .for_each(|(tokens, head, out)| {
            one_head(config, inputs, tokens.start, tokens.len(), head, out);
        });
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
fn rotate(rows: &mut [f32], stride: usize, length: usize, head_width: usize, table: &Table) {
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

fn one_head(
    config: &Config,
    inputs: &Inputs,
    start: usize,
    length: usize,
    head: usize,
    out: &mut [f32],
) {
    let head_width = config.head_width();
    // an odd multiple of a cache line, lest all rows fall into the same cache set
    let stride = length.next_multiple_of(LANES) + LANES / 2;
    let matrix = head_width * stride;
    let padded = length.next_multiple_of(TILE_ROWS);
    panel::with_scratch(
        3 * matrix + padded * LANES + head_width * LANES,
        |scratch| {
            let (qkv, scratch) = scratch.split_at_mut(3 * matrix);
            let (scores, result) = scratch.split_at_mut(padded * LANES);
            for (part, rows) in qkv.chunks_exact_mut(matrix).enumerate() {
                for (i, row) in rows.chunks_exact_mut(stride).enumerate() {
                    let feature = part * config.width + head * head_width + i;
                    gather(
                        inputs.qkv,
                        3 * config.width,
                        feature,
                        start,
                        &mut row[..length],
                    );
                    row[length..].fill(0.0);
                }
            }
            let (queries, rest) = qkv.split_at_mut(matrix);
            let (keys, values) = rest.split_at_mut(matrix);
            // the reference scales queries before it rotates them
            let scale = (head_width as f32).powf(-0.5);
            for query in &mut *queries {
                *query *= scale;
            }
            rotate(queries, stride, length, head_width, inputs.rotary);
            rotate(keys, stride, length, head_width, inputs.rotary);
            for first in (0..length).step_by(LANES) {
                for key in (0..length).step_by(TILE_ROWS) {
                    simd::tile(Tile {
                        a: &keys[key..],
                        a_row: 1,
                        a_step: stride,
                        b: &queries[first..],
                        b_step: stride,
                        c: &mut scores[key * LANES..],
                        c_row: LANES,
                        rows: TILE_ROWS.min(length - key),
                        steps: head_width,
                        add: false,
                    });
                }
                let mut reciprocal = [0f32; LANES];
                simd::softmax(&mut scores[..length * LANES], &mut reciprocal);
                for feature in (0..head_width).step_by(TILE_ROWS) {
                    simd::tile(Tile {
                        a: &values[feature * stride..],
                        a_row: stride,
                        a_step: 1,
                        b: scores,
                        b_step: LANES,
                        c: &mut result[feature * LANES..],
                        c_row: LANES,
                        rows: TILE_ROWS.min(head_width - feature),
                        steps: length,
                        add: false,
                    });
                }
                let take = LANES.min(length - first);
                for (row, to) in result.chunks_exact(LANES).zip(out.chunks_exact_mut(length)) {
                    for ((o, r), s) in to[first..first + take].iter_mut().zip(row).zip(&reciprocal)
                    {
                        *o = r * s;
                    }
                }
            }
        },
    );
}

/// Brings the result of [`attend`] for tokens `from..from + lanes` back into a panel of d features.
pub fn scatter(config: &Config, batch: &Batch, attended: &[f32], from: usize, out: &mut [f32]) {
    let to = (from + LANES).min(batch.tokens().len());
    out.fill(0.0);
    let mut token = from;
    while token < to {
        let range = batch.range(batch.sequence_of(token));
        let take = range.end.min(to) - token;
        let (length, lane) = (range.len(), token - from);
        let mine = &attended[range.start * config.width..range.end * config.width];
        for (row, to) in mine.chunks_exact(length).zip(out.chunks_exact_mut(LANES)) {
            let at = token - range.start;
            to[lane..lane + take].copy_from_slice(&row[at..at + take]);
        }
        token += take;
    }
}
