//! The rows that a GPU encodes together.

use super::weights::EncoderWeights;
use crate::{
    sae::{
        config::{ForcedMean, Shape, Variant},
        folder::ModelConfig,
    },
    train::gpu::{
        Arg, GpuBackend, GpuError, Operand, Product,
        engine::ROW_THREADS,
        memory::{Buffer, count, or_null},
        step_buffers::COUNTS,
    },
};

/// Rows of a matrix product: always as many, whatever rows there are, since the order in which a product is summed depends
/// on its size, and a row's numbers must not depend on its neighbours.
pub(super) const PRODUCT_ROWS: usize = 2048;

/// What a piece is, whatever its rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct PieceSizes {
    shape: Shape,
    /// What products multiply.
    pub(super) operand: Operand,
    /// Most latents of a row that are chosen by their activations.
    chosen: usize,
    /// Entries that a row has room for.
    room: usize,
    /// Whether predicted concepts are lifted to a mean.
    forced: bool,
    /// Whether that is the mean of the active latents.
    among_active: bool,
}

impl PieceSizes {
    pub(super) fn new(config: &ModelConfig, operand: Operand) -> Self {
        let (shape, objective) = (config.shape, &config.objective);
        let variant = objective.variant;
        let forced = variant.ties_latents() && shape.defined > 0 && objective.forced_activation;
        let chosen = match variant {
            Variant::Topk(rule) | Variant::Protsae(rule) => rule.k,
            // a probe predicts, and has no activations
            Variant::LinearProbe(_) => 0,
            _ => shape.latents,
        };
        Self {
            shape,
            operand,
            chosen,
            room: (shape.latents).min(chosen + if forced { shape.defined } else { 0 }),
            forced,
            among_active: objective.forced_mean == ForcedMean::Active,
        }
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(&self) -> usize {
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = self.shape;
        // entries twice: with the room between them, and packed
        self.operand.bytes() * d + 4 * (2 * n + m + 4 * self.room + COUNTS + 1)
    }
}

/// Memory of a piece.
#[derive(Debug)]
pub(super) struct PieceBuffers<M: GpuBackend> {
    sizes: PieceSizes,
    /// Rows that there is room for.
    pub(super) rows: usize,
    /// Centred activations, `[rows, d]`, as products take them.
    pub(super) centred: Buffer<M>,
    /// Products with encoder rows, `[rows, n]`.
    product: Buffer<M>,
    /// Entries, `[rows, room]`.
    latents: Buffer<M>,
    values: Buffer<M>,
    /// Where each latent stands in its row's list, `[rows, n]`.
    places: Buffer<M>,
    /// `[rows, COUNTS]`.
    counts: Buffer<M>,
    /// Where each row's packed entries begin, `[rows]`.
    starts: Buffer<M>,
    /// Entries of all rows, without the room between them.
    pub(super) packed_latents: Buffer<M>,
    pub(super) packed_values: Buffer<M>,
    /// Logits, `[rows, m]`.
    pub(super) logits: Buffer<M>,
}

impl<M: GpuBackend> PieceBuffers<M> {
    /// For so many rows: a multiple of [`PRODUCT_ROWS`], or less than that.
    pub(super) fn new(machine: &M, sizes: PieceSizes, rows: usize) -> Result<Self, GpuError> {
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = sizes.shape;
        let numbers = |of_row: usize| Buffer::zeros(machine, rows * of_row * size_of::<f32>());
        Ok(Self {
            sizes,
            rows,
            centred: Buffer::zeros(machine, rows * d * sizes.operand.bytes())?,
            product: numbers(n)?,
            latents: numbers(sizes.room)?,
            values: numbers(sizes.room)?,
            places: numbers(n)?,
            counts: numbers(COUNTS)?,
            starts: numbers(1)?,
            packed_latents: numbers(0)?,
            packed_values: numbers(0)?,
            logits: numbers(m)?,
        })
    }

    /// Multiplies the first rows, and those that fill the last product up, by all encoder rows; writes the logits.
    pub(super) fn multiply(
        &self,
        machine: &M,
        weights: &EncoderWeights<M>,
        rows: usize,
    ) -> Result<(), GpuError> {
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = self.sizes.shape;
        let together = PRODUCT_ROWS.min(self.rows);
        for first in (0..rows).step_by(together) {
            machine.multiply(&Product {
                operand: self.sizes.operand,
                a: self.centred.view(first * d, d),
                a_turned: false,
                b: weights.enc.view(0, d),
                b_turned: true,
                c: self.product.view(first * n, n),
                rows: together,
                columns: n,
                inner: d,
            })?;
        }
        if m == 0 {
            return Ok(());
        }
        let arguments = [
            self.product.arg(),
            count(n),
            count(m),
            weights.b_pred.arg(),
            self.logits.arg(),
        ];
        launch!(machine, "write_logits", [rows, 1], ROW_THREADS, &arguments)
    }

    /// Finds the active latents of the first rows.
    pub(super) fn select(
        &self,
        machine: &M,
        weights: &EncoderWeights<M>,
        rows: usize,
    ) -> Result<(), GpuError> {
        let sizes = &self.sizes;
        let [r_mag, b_mag] = match &weights.magnitudes {
            Some(both) => both.each_ref().map(Buffer::arg),
            None => [Arg::Null; 2],
        };
        let ancestors = weights.ancestors.as_ref();
        let arguments = [
            self.product.arg(),
            count(sizes.shape.latents),
            count(sizes.shape.defined),
            count(sizes.chosen),
            weights.r_pred.arg(),
            weights.b_enc.arg(),
            or_null(weights.thresholds.as_ref()),
            r_mag,
            b_mag,
            weights.b_pred.arg(),
            count(usize::from(sizes.forced)),
            count(usize::from(sizes.among_active)),
            or_null(ancestors.map(|lists| &lists.starts)),
            or_null(ancestors.map(|lists| &lists.values)),
            count(sizes.room),
            self.latents.arg(),
            self.values.arg(),
            self.places.arg(),
            self.counts.arg(),
        ];
        launch!(
            machine,
            "select_latents",
            [rows, 1],
            ROW_THREADS,
            &arguments
        )
    }

    /// Moves the entries of the first rows together; where each row's begin, and the end of the last.
    pub(super) fn pack(&mut self, machine: &M, rows: usize) -> Result<Vec<u32>, GpuError> {
        let mut counts = vec![[0u32; COUNTS]; rows];
        self.counts.fetch(machine, 0, counts.as_flattened_mut())?;
        let mut starts = Vec::with_capacity(rows + 1);
        let mut end = 0u32;
        starts.push(end);
        for [active, ..] in counts {
            // with fewer rows it is below
            let bytes = self.rows.saturating_mul(self.sizes.room) * size_of::<u64>();
            end = end.checked_add(active).ok_or(GpuError::Memory { bytes })?;
            starts.push(end);
        }
        let bytes = end as usize * size_of::<u32>();
        self.packed_latents.reserve(machine, bytes)?;
        self.packed_values.reserve(machine, bytes)?;
        self.starts.put_at(machine, 0, &starts[..rows])?;
        let arguments = [
            self.latents.arg(),
            self.values.arg(),
            self.counts.arg(),
            count(self.sizes.room),
            self.starts.arg(),
            self.packed_latents.arg(),
            self.packed_values.arg(),
        ];
        launch!(machine, "pack_entries", [rows, 1], ROW_THREADS, &arguments)?;
        Ok(starts)
    }
}
