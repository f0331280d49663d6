//! Activations that stay on a GPU while a model trains on them again and again.

use super::{GpuBackend, GpuError, memory::Buffer};
use half::f16;

/// Numbers that travel together.
const CHUNK: usize = 1 << 23;

/// Rows of activations on a GPU, `[rows, d]`, as the tables have them.
#[derive(Debug)]
pub struct ResidentRows<M: GpuBackend> {
    pub(crate) table: Buffer<M>,
    /// Rows that there is memory for.
    pub(crate) rows: usize,
    /// Whether numbers have two bytes.
    pub(crate) half: bool,
    /// What activations are multiplied by when a model sees them.
    pub(crate) scale: f32,
}

impl<M: GpuBackend> ResidentRows<M> {
    /// Takes so many rows of `width` numbers, which `rows` appends one after the other, false at the end. `half` says that
    /// f16 holds them exactly.
    ///
    /// # Errors
    /// Where the GPU fails, or `rows`.
    pub fn new<E: From<GpuError>>(
        machine: &M,
        (count, width): (usize, usize),
        half: bool,
        scale: f32,
        rows: &mut dyn FnMut(&mut Vec<f32>) -> Result<bool, E>,
    ) -> Result<Self, E> {
        let bytes = if half { 2 } else { 4 };
        let mut table = Buffer::zeros(machine, count * width * bytes)?;
        let (mut chunk, mut halves) = (Vec::new(), Vec::new());
        let mut from = 0;
        let mut more = true;
        while more {
            chunk.clear();
            while more && chunk.len() < CHUNK {
                more = rows(&mut chunk)?;
            }
            if half {
                halves.clear();
                halves.extend(chunk.iter().map(|&value| f16::from_f32(value).to_bits()));
                table.put_at(machine, from, &halves)?;
            } else {
                table.put_at(machine, from, &chunk)?;
            }
            from += chunk.len();
        }
        Ok(Self {
            table,
            rows: count,
            half,
            scale,
        })
    }
}
