//! What a step holds of its batch.

use super::{GpuBackend, GpuError, Operand, memory::Buffer};
use crate::{
    sae::config::{Objective, Shape},
    train::data::batch::Batch,
};

/// Rows that a thread sums; as in `learn.cuh`.
pub(crate) const PART: usize = 64;
/// Columns of the counts of a row; as in `common.cuh`.
pub(crate) const COUNTS: usize = 5;
/// Most rows of a grid's second dimension.
const MOST_PARTS: usize = 65_535;
/// Bytes of the piece of a gradient that is made at once: it stays in the GPU's cache until Adam has read it.
const PIECE: usize = 24 << 20;
/// Latents per active latent from which on it is faster to read the active ones' decoder rows than to multiply
/// with all of them: bf16 products are that much faster than f32 ones.
const SPARSE_FROM: [usize; 2] = [24, 128];

/// Sizes of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) shape: Shape,
    pub(crate) operand: Operand,
    /// Entries that a row has room for.
    pub(crate) room: usize,
    /// Whether the reconstruction is made from active latents' rows, not by products of matrices.
    pub(crate) sparse: bool,
    /// Concepts whose gradients are made at once.
    pub(crate) piece: usize,
    /// Whether implications are learned.
    pub(crate) implies: bool,
}

impl Sizes {
    pub(crate) fn new(shape: Shape, objective: &Objective, operand: Operand) -> Self {
        let forced = if objective.forced_activation {
            shape.defined
        } else {
            0
        };
        let [of_f32, of_bf16] = SPARSE_FROM;
        let from = match operand {
            Operand::F32 => of_f32,
            Operand::Bf16 => of_bf16,
        };
        let k = objective.variant.k().unwrap_or(shape.latents);
        Self {
            shape,
            operand,
            implies: objective.lambda_implication > 0.0,
            room: shape.latents.min(k + forced),
            sparse: shape.latents >= from * k,
            piece: (PIECE / (shape.width * size_of::<f32>())).clamp(1, shape.defined.max(1)),
        }
    }

    /// Demands that a batch of so many rows can be counted by kernels.
    pub(crate) fn check(&self, rows: usize) -> Result<(), GpuError> {
        let parts = rows.max(self.shape.latents).div_ceil(PART);
        let most = u32::MAX as usize;
        if parts > MOST_PARTS || rows.saturating_mul(self.room) > most {
            return Err(GpuError::CpuOnly(format!(
                "a batch of {rows} rows of {} latents",
                self.shape.latents
            )));
        }
        Ok(())
    }
}

/// Bytes that a model and its step need for batches of so many rows; those of axioms and labels are little beside them.
#[must_use]
pub fn bytes(shape: Shape, objective: &Objective, operand: Operand, rows: usize) -> usize {
    let sizes = Sizes::new(shape, objective, operand);
    let (d, n, m) = (shape.width, shape.latents, shape.defined);
    let copies = match operand {
        Operand::F32 => 0,
        Operand::Bf16 => 2 * operand.bytes(),
    };
    let small = 3 * m + n + d + shape.zero_classes * (d + 1) + shape.relations * d;
    let model = n * d * (2 * 3 * 4 + copies) + 4 * 4 * small;
    let by_row = d * (5 * 4 + 2 * operand.bytes())
        + 2 * 4 * n
        + 5 * 4 * sizes.room
        + operand.bytes() * m
        + if sizes.implies { 4 * m } else { 0 }
        + if sizes.sparse {
            0
        } else {
            n * (4 + operand.bytes())
        };
    model + rows * by_row + n.div_ceil(PART) * d * 4 + sizes.piece * d * 4
}

/// Memory of a step, reused from step to step.
#[derive(Debug)]
pub(crate) struct StepBuffers<M: GpuBackend> {
    /// Rows that there is room for.
    pub(crate) rows: usize,
    /// Activations of this batch and the next, `[B, d]`.
    pub(crate) x: [Buffer<M>; 2],
    /// Numbers of rows that the GPU holds.
    pub(crate) numbers: Buffer<M>,
    /// Centred, as operands.
    pub(crate) xc: Buffer<M>,
    /// Products with encoder rows, `[B, n]`; of concepts, then gradients of logits.
    pub(crate) product: Buffer<M>,
    /// Entries, `[B, room]`.
    pub(crate) latents: Buffer<M>,
    pub(crate) values: Buffer<M>,
    pub(crate) slopes: Buffer<M>,
    /// Where each latent stands in its row's list, `[B, n]`.
    pub(crate) places: Buffer<M>,
    pub(crate) counts: Buffer<M>,
    /// Parts of the reconstruction, `[B, d]`.
    pub(crate) of_concepts: Buffer<M>,
    pub(crate) of_others: Buffer<M>,
    /// d loss / d `x_hat`, `[B, d]`, and as operands.
    pub(crate) gradient: Buffer<M>,
    pub(crate) pull: Buffer<M>,
    /// Squared error, share of concepts and annotation loss of each row, f64.
    pub(crate) errors: Buffer<M>,
    pub(crate) shares: Buffer<M>,
    pub(crate) losses: Buffer<M>,
    /// Implication loss of each row, f64, and its gradients by logits, `[B, m]`, where it is learned.
    pub(crate) implications: Buffer<M>,
    pub(crate) implied: Buffer<M>,
    /// Gradients of logits, summed over rows, `[m]`.
    pub(crate) logit_sums: Buffer<M>,
    /// Gradients of the predictor's products, as operands, `[B, m]`.
    pub(crate) logits: Buffer<M>,
    /// Labels.
    pub(crate) starts: Buffer<M>,
    pub(crate) labels: Buffer<M>,
    pub(crate) spoken: Buffer<M>,
    /// Rows of each latent, `[n]`, and its entries.
    pub(crate) active: Buffer<M>,
    pub(crate) lists: Buffer<M>,
    pub(crate) list_rows: Buffer<M>,
    pub(crate) list_places: Buffer<M>,
    /// Factors of encoder rows in `b_dec`'s gradient, `[n]`; or largest activations.
    pub(crate) inputs: Buffer<M>,
    /// Sums over parts of the rows.
    pub(crate) parts: Buffer<M>,
    /// Active latents as a matrix of operands, and products of gradients with decoder rows, `[B, n]`.
    pub(crate) matrix: Buffer<M>,
    pub(crate) products: Buffer<M>,
    /// A piece of the predictor's gradient, `[piece, d]`.
    pub(crate) piece: Buffer<M>,
}

impl<M: GpuBackend> StepBuffers<M> {
    /// For batches of so many rows.
    pub(crate) fn new(machine: &M, sizes: &Sizes, rows: usize) -> Result<Self, GpuError> {
        sizes.check(rows)?;
        let (d, n, m) = (sizes.shape.width, sizes.shape.latents, sizes.shape.defined);
        let of = |count: usize, bytes: usize| Buffer::zeros(machine, count * bytes);
        let (four, operand) = (size_of::<f32>(), sizes.operand.bytes());
        let entries = rows * sizes.room;
        let dense = if sizes.sparse { 0 } else { rows * n };
        let parts = (n.div_ceil(PART) * d).max(rows.div_ceil(PART) * d.max(m));
        Ok(Self {
            rows,
            x: [of(rows * d, four)?, of(rows * d, four)?],
            numbers: of(rows, four)?,
            xc: of(rows * d, operand)?,
            product: of(rows * n, four)?,
            latents: of(entries, four)?,
            values: of(entries, four)?,
            slopes: of(entries, four)?,
            places: of(rows * n, four)?,
            counts: of(rows * COUNTS, four)?,
            of_concepts: of(rows * d, four)?,
            of_others: of(rows * d, four)?,
            gradient: of(rows * d, four)?,
            pull: of(rows * d, operand)?,
            errors: of(rows, size_of::<f64>())?,
            shares: of(rows, size_of::<f64>())?,
            losses: of(rows, size_of::<f64>())?,
            implications: of(rows, size_of::<f64>())?,
            implied: of(if sizes.implies { rows * m } else { 0 }, four)?,
            logit_sums: of(m, four)?,
            logits: of(rows * m, operand)?,
            starts: of(rows + 1, four)?,
            labels: of(0, four)?,
            spoken: of(2 * rows, four)?,
            active: of(n, four)?,
            lists: of(n + 1, four)?,
            list_rows: of(entries, four)?,
            list_places: of(entries, four)?,
            inputs: of(n, four)?,
            parts: of(parts, four)?,
            matrix: of(dense, operand)?,
            products: of(dense, four)?,
            piece: of(if m == 0 { 0 } else { sizes.piece * d }, four)?,
        })
    }

    /// Labels of a batch.
    pub(crate) fn put_labels(&mut self, machine: &M, batch: &Batch<f32>) -> Result<(), GpuError> {
        let starts: Vec<u32> = batch.offsets.iter().map(|&start| start as u32).collect();
        let spoken: Vec<[u32; 2]> = batch
            .groups
            .iter()
            .map(|&groups| [groups as u32, (groups >> 32) as u32])
            .collect();
        self.starts.put(machine, &starts)?;
        self.labels.put(machine, &batch.labels)?;
        self.spoken.put(machine, &spoken)
    }
}
