//! Gradients and Adam on a GPU.

use super::{
    Arg, GpuBackend, GpuEngine, GpuError, Product,
    memory::{Buffer, count, or_null},
    model::{Matrix, THREADS, WARP},
    step_buffers::PART,
};
use crate::{sae::config::Shape, train::adam::Rates};

/// What moves some rows of a matrix, beside the learning rate.
struct Pull<'a, M: GpuBackend> {
    /// Factor of each entry, and what it is a factor of, `[B, d]`; none: entries have no part in it.
    entries: Option<(&'a Buffer<M>, &'a Buffer<M>)>,
    /// A gradient that is there.
    dense: Option<&'a Buffer<M>>,
    /// Whether they are the predictor's: axioms speak of them, and its centre pulls.
    predictor: bool,
}

impl<M: GpuBackend> GpuEngine<M> {
    /// Gradients of all parameters but the matrices.
    pub(crate) fn gradients(&mut self, rows: usize) -> Result<(), GpuError> {
        self.model.gradient.clear(&self.machine)?;
        self.sum_over_rows(rows)?;
        self.sum_over_entries()?;
        let Some(axioms) = &mut self.axioms else {
            return Ok(());
        };
        // drawn while the GPU is busy with the above
        axioms.choose(&self.machine, self.seed, self.step)?;
        axioms.compute(&self.machine, &self.model)
    }

    /// Gradients that are sums over rows: of the predictor's bias and the decoder's.
    fn sum_over_rows(&self, rows: usize) -> Result<(), GpuError> {
        let (machine, w, at) = (&self.machine, &self.work, self.model.layout);
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = self.model.shape;
        for (values, stride, columns, place) in [
            (&w.product, n, m, at.class_bias),
            (&w.gradient, d, d, at.b_dec),
        ] {
            if columns == 0 {
                continue;
            }
            let arguments = [
                values.arg(),
                count(stride),
                count(rows),
                count(columns),
                w.parts.arg(),
            ];
            let grid = [columns.div_ceil(THREADS), rows.div_ceil(PART)];
            launch!(machine, "sum_columns", grid, THREADS, &arguments)?;
            self.add_parts(rows.div_ceil(PART), columns, 1.0, place)?;
        }
        if m == 0 {
            return Ok(());
        }
        // what axioms add to the bias later does not pull at the predictor's rows
        let sums = self.model.gradient.from(at.class_bias);
        let arguments = [sums, count(m), w.logit_sums.arg()];
        let blocks = [m.div_ceil(THREADS), 1];
        launch!(machine, "copy_numbers", blocks, THREADS, &arguments)
    }

    /// Gradients that are sums over latents' entries, and through encoder rows that of the decoder's bias.
    fn sum_over_entries(&self) -> Result<(), GpuError> {
        let (machine, w, at) = (&self.machine, &self.work, self.model.layout);
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = self.model.shape;
        let (small, gradient) = (&self.model.small.weights, &self.model.gradient);
        let arguments = [
            w.lists.arg(),
            w.list_places.arg(),
            w.values.arg(),
            w.slopes.arg(),
            small.from(at.b_enc),
            small.from(at.r_pred),
            match self.model.center {
                None => w.logit_sums.arg(),
                Some(_) => Arg::Null,
            },
            count(n),
            count(m),
            count(usize::from(self.objective.rescale)),
            gradient.from(at.b_enc),
            gradient.from(at.r_pred),
            w.inputs.arg(),
        ];
        let blocks = (n * WARP).div_ceil(THREADS);
        launch!(machine, "sum_lists", [blocks, 1], THREADS, &arguments)?;
        let arguments = [
            w.inputs.arg(),
            self.model.enc.operands().arg(),
            count(n),
            count(d),
            w.parts.arg(),
        ];
        let grid = [d.div_ceil(THREADS), n.div_ceil(PART)];
        let kernel = self.typed(["sum_weighted_f32", "sum_weighted_bf16"]);
        launch!(machine, kernel, grid, THREADS, &arguments)?;
        // the input is centred: what pulls at it pushes the centre
        self.add_parts(n.div_ceil(PART), d, -1.0, at.b_dec)
    }

    /// Adds sums of parts to the small parameters' gradient.
    fn add_parts(
        &self,
        parts: usize,
        columns: usize,
        factor: f32,
        place: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            self.work.parts.arg(),
            count(parts),
            count(columns),
            Arg::F32(factor),
            self.model.gradient.from(place),
        ];
        let blocks = (columns * WARP).div_ceil(THREADS);
        launch!(self.machine, "add_parts", [blocks, 1], THREADS, &arguments)
    }

    /// Everything moves.
    pub(crate) fn learn(&self, rows: usize, rates: Rates<f32>) -> Result<(), GpuError> {
        let (w, model) = (&self.work, &self.model);
        let (n, m) = (model.shape.latents, model.shape.defined);
        if m > 0 {
            self.learn_predictor(rows, rates)?;
        }
        for (matrix, first, factors, vectors) in [
            (&model.enc, m, &w.slopes, &w.xc),
            (&model.dec, 0, &w.values, &w.pull),
        ] {
            let pull = Pull {
                entries: Some((factors, vectors)),
                dense: None,
                predictor: false,
            };
            self.learn_rows(matrix, first, n - first, &pull, rates)?;
        }
        let small = &model.small;
        let arguments = [
            small.weights.arg(),
            small.first.arg(),
            small.second.arg(),
            model.gradient.arg(),
            count(model.layout.learned),
            Arg::F32(rates.step_size),
            Arg::F32(rates.inv_sqrt_bias2),
        ];
        let blocks = [model.layout.learned.div_ceil(THREADS), 1];
        launch!(self.machine, "learn_small", blocks, THREADS, &arguments)
    }

    /// The predictor's rows move, piece by piece.
    fn learn_predictor(&self, rows: usize, rates: Rates<f32>) -> Result<(), GpuError> {
        let (w, model) = (&self.work, &self.model);
        let Shape {
            width: d,
            latents: n,
            defined: m,
            ..
        } = model.shape;
        let arguments = [
            w.product.arg(),
            count(n),
            count(m),
            model.small.weights.from(model.layout.r_pred),
            count(self.sizes.room),
            w.latents.arg(),
            w.slopes.arg(),
            w.counts.arg(),
            count(usize::from(self.objective.detach)),
            w.logits.arg(),
        ];
        let kernel = self.typed(["gather_logits_f32", "gather_logits_bf16"]);
        launch!(self.machine, kernel, [rows, 1], THREADS, &arguments)?;
        for first in (0..m).step_by(self.sizes.piece) {
            let concepts = self.sizes.piece.min(m - first);
            self.machine.multiply(&Product {
                operand: self.sizes.operand,
                a: w.logits.view(first, m),
                a_turned: true,
                b: w.xc.view(0, d),
                b_turned: false,
                c: w.piece.view(0, d),
                rows: concepts,
                columns: d,
                inner: rows,
            })?;
            let pull = Pull {
                entries: None,
                dense: Some(&w.piece),
                predictor: true,
            };
            self.learn_rows(&model.enc, first, concepts, &pull, rates)?;
        }
        Ok(())
    }

    /// Some rows of a matrix move.
    fn learn_rows(
        &self,
        matrix: &Matrix<M>,
        first: usize,
        rows: usize,
        pull: &Pull<'_, M>,
        rates: Rates<f32>,
    ) -> Result<(), GpuError> {
        if rows == 0 {
            return Ok(());
        }
        let w = &self.work;
        let axioms = self.axioms.as_ref().filter(|_| pull.predictor);
        let center = self.model.center.as_ref().filter(|_| pull.predictor);
        let lists = pull.entries.map(|_| &w.lists);
        let arguments = [
            matrix.weights.arg(),
            matrix.first.arg(),
            matrix.second.arg(),
            or_null(matrix.copies.as_ref()),
            count(self.model.shape.width),
            count(first),
            or_null(lists),
            w.list_rows.arg(),
            w.list_places.arg(),
            or_null(pull.entries.map(|(factors, _)| factors)),
            or_null(pull.entries.map(|(_, vectors)| vectors)),
            or_null(pull.dense),
            or_null(center.map(|_| &w.logit_sums)),
            or_null(center.map(|[_, offset]| offset)),
            or_null(axioms.map(|axioms| &axioms.slots)),
            or_null(axioms.map(|axioms| &axioms.centres)),
            Arg::F32(rates.step_size),
            Arg::F32(rates.inv_sqrt_bias2),
        ];
        let kernel = self.typed(["learn_rows_f32", "learn_rows_bf16"]);
        launch!(self.machine, kernel, [rows, 1], THREADS, &arguments)
    }
}
