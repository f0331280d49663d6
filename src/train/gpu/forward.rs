//! The way of a batch through a model on a GPU, up to the slopes of its active latents.

use super::{
    Arg, GpuBackend, GpuEngine, GpuError, Product,
    engine::ROW_THREADS,
    memory::{count, or_null},
    model::THREADS,
    step_buffers::StepBuffers,
};
use crate::{
    sae::config::{ForcedMean, Shape},
    train::{cpu::step_buffers::pairs, data::batch::Batch},
};

/// Demands that a batch has as many of everything as its rows need, and nothing that the model or a table of `held`
/// rows does not have.
fn fits(batch: &Batch<f32>, shape: Shape, held: usize) -> Result<(), GpuError> {
    let rows = batch.rows();
    let refuse = |what: String| Err(GpuError::Batch(what));
    if batch.held.is_empty() {
        let (found, wanted) = (batch.x.len(), rows.saturating_mul(shape.width));
        if found != wanted {
            return refuse(format!(
                "{found} activations in {rows} rows, expected {wanted}"
            ));
        }
    } else if batch.held.len() != rows {
        return refuse(format!("{} places for {rows} rows", batch.held.len()));
    }
    if let Some(place) = batch.held.iter().find(|&&place| place as usize >= held) {
        return refuse(format!("row {place} of a table of {held}"));
    }
    let (offsets, labels) = (&batch.offsets, batch.labels.len());
    let ends = (offsets.first(), offsets.last()) == (Some(&0), Some(&labels));
    if offsets.len() != rows + 1 || !ends || !offsets.is_sorted() {
        return refuse(format!(
            "{} places of labels for {rows} rows",
            offsets.len()
        ));
    }
    if let Some(label) = batch
        .labels
        .iter()
        .find(|&&label| label as usize >= shape.defined)
    {
        return refuse(format!("concept {label} of {}", shape.defined));
    }
    Ok(())
}

impl<M: GpuBackend> GpuEngine<M> {
    /// Puts a batch in place: its activations may have been sent ahead.
    fn place(&mut self, batch: &Batch<f32>) -> Result<(), GpuError> {
        let held = self.held.as_ref().map_or(0, |table| table.rows);
        fits(batch, self.model.shape, held)?;
        let rows = batch.rows();
        if rows > self.work.rows {
            // the old goes first: there may not be room for both
            self.work = StepBuffers::new(&self.machine, &self.sizes, 0)?;
            self.work = StepBuffers::new(&self.machine, &self.sizes, rows)?;
            self.staged = None;
        }
        if batch.held.is_empty() && self.staged == Some(batch.x.number()) {
            self.staged = None;
            self.turn = 1 - self.turn;
            self.machine.arrived()?;
        } else if let (Some(table), false) = (&self.held, batch.held.is_empty()) {
            self.work.numbers.put(&self.machine, &batch.held)?;
            let arguments = [
                table.table.arg(),
                self.work.numbers.arg(),
                Arg::F32(table.scale),
                count(self.model.shape.width),
                self.work.x[self.turn].arg(),
            ];
            let kernel = if table.half { "take_f16" } else { "take_f32" };
            self.by_row(kernel, rows, &arguments)?;
        } else {
            self.work.x[self.turn].put(&self.machine, &batch.x)?;
        }
        self.work.put_labels(&self.machine, batch)
    }

    /// A kernel that works on rows of the batch, a block a row.
    fn by_row(
        &self,
        kernel: &'static str,
        rows: usize,
        arguments: &[Arg<'_, M::Memory>],
    ) -> Result<(), GpuError> {
        launch!(self.machine, kernel, [rows, 1], ROW_THREADS, arguments)
    }

    /// From activations to active latents, the reconstruction and its error, and (`learning`) the slopes of active latents.
    pub(crate) fn forward(&mut self, batch: &Batch<f32>, learning: bool) -> Result<(), GpuError> {
        self.place(batch)?;
        self.model.derive_bias(&self.machine)?;
        let rows = batch.rows();
        let (w, at) = (&self.work, self.model.layout);
        let small = &self.model.small.weights;
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = self.model.shape;
        let x = &w.x[self.turn];
        let arguments = [x.arg(), small.from(at.b_dec), count(d), w.xc.arg()];
        self.by_row(self.typed(["center_f32", "center_bf16"]), rows, &arguments)?;
        self.machine.multiply(&Product {
            operand: self.sizes.operand,
            a: w.xc.view(0, d),
            a_turned: false,
            b: self.model.enc.operands().view(0, d),
            b_turned: true,
            c: w.product.view(0, n),
            rows,
            columns: n,
            inner: d,
        })?;
        let forced =
            self.objective.variant.ties_latents() && m > 0 && self.objective.forced_activation;
        let among_active = self.objective.forced_mean == ForcedMean::Active;
        let arguments = [
            w.product.arg(),
            count(n),
            count(m),
            count(self.objective.variant.k().unwrap_or(n)),
            small.from(at.r_pred),
            small.from(at.b_enc),
            // neither thresholds nor magnitudes: `check` lets no other variant in
            Arg::Null,
            Arg::Null,
            Arg::Null,
            small.from(at.b_pred),
            count(usize::from(forced)),
            count(usize::from(among_active)),
            or_null(self.concepts.ancestors.as_ref().map(|a| &a.starts)),
            or_null(self.concepts.ancestors.as_ref().map(|a| &a.values)),
            count(self.sizes.room),
            w.latents.arg(),
            w.values.arg(),
            w.places.arg(),
            w.counts.arg(),
        ];
        self.by_row("select_latents", rows, &arguments)?;
        if m > 0 {
            self.annotate(batch, learning)?;
        }
        self.reconstruct(rows)?;
        if learning {
            self.trace(rows)?;
        }
        Ok(())
    }

    /// The annotation loss, and (`learning`) that of implications: logits become their gradients.
    fn annotate(&self, batch: &Batch<f32>, learning: bool) -> Result<(), GpuError> {
        let (w, rows) = (&self.work, batch.rows());
        let shape = self.model.shape;
        let b_pred = self.model.small.weights.from(self.model.layout.b_pred);
        let pairs = pairs(batch, &self.groups).max(1) as f64;
        let factor = self.objective.lambda_annot / pairs;
        let product = [w.product.arg(), count(shape.latents), count(shape.defined)];
        let spoken = [self.concepts.groups.arg(), w.spoken.arg()];
        let edges = self.concepts.edges.as_ref().filter(|_| learning);
        if let Some(edges) = edges {
            let arguments = [
                &product[..],
                &[b_pred, self.concepts.log_weights.arg()],
                &spoken,
                &[
                    edges.starts.arg(),
                    edges.values.arg(),
                    Arg::F32((factor * self.objective.lambda_implication) as f32),
                    w.implied.arg(),
                    w.implications.arg(),
                ],
            ]
            .concat();
            self.by_row("imply", rows, &arguments)?;
        }
        let arguments = [
            &product[..],
            &[b_pred, self.concepts.weights.arg()],
            &spoken,
            &[
                w.starts.arg(),
                w.labels.arg(),
                Arg::F32(factor as f32),
                or_null(edges.map(|_| &w.implied)),
                w.losses.arg(),
            ],
        ]
        .concat();
        self.by_row("annotate", rows, &arguments)
    }

    /// The reconstruction and its error.
    fn reconstruct(&mut self, rows: usize) -> Result<(), GpuError> {
        if self.sizes.sparse {
            self.decode_active(rows)?;
        } else {
            self.work.matrix.clear(&self.machine)?;
            self.decode_by_product(rows)?;
        }
        let (w, d) = (&self.work, self.model.shape.width);
        let small = &self.model.small.weights;
        let arguments = [
            w.x[self.turn].arg(),
            w.of_concepts.arg(),
            w.of_others.arg(),
            small.from(self.model.layout.b_dec),
            count(d),
            Arg::F32((2.0 / rows.max(1) as f64) as f32),
            w.counts.arg(),
            w.gradient.arg(),
            w.pull.arg(),
            w.errors.arg(),
            w.shares.arg(),
        ];
        let kernel = self.typed(["compare_f32", "compare_bf16"]);
        self.by_row(kernel, rows, &arguments)
    }

    /// Both parts of the reconstruction, from active latents' decoder rows.
    fn decode_active(&self, rows: usize) -> Result<(), GpuError> {
        let (w, d) = (&self.work, self.model.shape.width);
        let arguments = [
            w.latents.arg(),
            w.values.arg(),
            w.counts.arg(),
            count(self.sizes.room),
            self.model.dec.operands().arg(),
            count(d),
            w.of_concepts.arg(),
            w.of_others.arg(),
        ];
        let grid = [rows, d.div_ceil(THREADS)];
        let kernel = self.typed(["decode_f32", "decode_bf16"]);
        launch!(self.machine, kernel, grid, THREADS, &arguments)
    }

    /// Both parts of the reconstruction, by products with all decoder rows; the matrix of latents is clear.
    fn decode_by_product(&self, rows: usize) -> Result<(), GpuError> {
        let w = &self.work;
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = self.model.shape;
        let arguments = [
            w.latents.arg(),
            w.values.arg(),
            w.counts.arg(),
            count(self.sizes.room),
            count(n),
            w.matrix.arg(),
        ];
        let kernel = self.typed(["spread_out_f32", "spread_out_bf16"]);
        self.by_row(kernel, rows, &arguments)?;
        let dec = self.model.dec.operands();
        let product = Product {
            operand: self.sizes.operand,
            a: w.matrix.view(0, n),
            a_turned: false,
            b: dec.view(0, d),
            b_turned: false,
            c: w.of_concepts.view(0, d),
            rows,
            columns: d,
            inner: m,
        };
        if m > 0 {
            self.machine.multiply(&product)?;
        }
        self.machine.multiply(&Product {
            a: w.matrix.view(m, n),
            b: dec.view(m * d, d),
            c: w.of_others.view(0, d),
            inner: n - m,
            ..product
        })
    }

    /// The slopes of active latents.
    fn trace(&self, rows: usize) -> Result<(), GpuError> {
        let w = &self.work;
        let (d, n) = (self.model.shape.width, self.model.shape.latents);
        let room = count(self.sizes.room);
        let dec = self.model.dec.operands();
        if self.sizes.sparse {
            let arguments = [
                w.latents.arg(),
                w.counts.arg(),
                room,
                w.gradient.arg(),
                dec.arg(),
                count(d),
                w.slopes.arg(),
            ];
            self.by_row(self.typed(["trace_f32", "trace_bf16"]), rows, &arguments)?;
        } else {
            self.machine.multiply(&Product {
                operand: self.sizes.operand,
                a: w.pull.view(0, d),
                a_turned: false,
                b: dec.view(0, d),
                b_turned: true,
                c: w.products.view(0, n),
                rows,
                columns: n,
                inner: d,
            })?;
            let arguments = [
                w.latents.arg(),
                w.counts.arg(),
                room,
                w.products.arg(),
                count(n),
                w.slopes.arg(),
            ];
            self.by_row("pick", rows, &arguments)?;
        }
        let unknown = match self.objective.forced_mean {
            ForcedMean::All => self.model.shape.unknown(),
            ForcedMean::Active => 0,
        };
        let arguments = [
            w.latents.arg(),
            w.counts.arg(),
            room,
            count(unknown),
            w.slopes.arg(),
        ];
        self.by_row("share_out", rows, &arguments)
    }

    /// Lists the entries of the batch by latent.
    pub(crate) fn index(&self, rows: usize) -> Result<(), GpuError> {
        let (w, n) = (&self.work, self.model.shape.latents);
        let blocks = [n.div_ceil(THREADS), 1];
        let (rows, latents) = (count(rows), count(n));
        let arguments = [w.places.arg(), rows, latents, w.active.arg()];
        launch!(self.machine, "count_rows", blocks, THREADS, &arguments)?;
        let arguments = [w.active.arg(), latents, w.lists.arg()];
        launch!(self.machine, "begin_lists", [1, 1], ROW_THREADS, &arguments)?;
        let arguments = [
            w.places.arg(),
            rows,
            latents,
            count(self.sizes.room),
            w.lists.arg(),
            w.list_rows.arg(),
            w.list_places.arg(),
        ];
        launch!(self.machine, "fill_lists", blocks, THREADS, &arguments)
    }
}
