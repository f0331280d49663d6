//! Parameters and moments on a GPU.

use super::{
    GpuBackend, GpuError, Operand,
    memory::{Buffer, count},
};
use crate::{
    sae::{
        config::{Objective, Shape},
        params::Params,
    },
    train::cpu::OptimizerState,
};

/// Threads of a block where each has a number.
pub(crate) const THREADS: usize = 256;
/// Threads of a block of a few warps.
pub(crate) const WARP: usize = 32;

/// A matrix of weights, with its moments and what products read of it.
#[derive(Debug)]
pub(crate) struct Matrix<M: GpuBackend> {
    pub(crate) weights: Buffer<M>,
    pub(crate) first: Buffer<M>,
    pub(crate) second: Buffer<M>,
    /// The weights as operands; none where those are the weights themselves.
    pub(crate) copies: Option<Buffer<M>>,
}

impl<M: GpuBackend> Matrix<M> {
    fn new(machine: &M, weights: &[f32], operand: Operand) -> Result<Self, GpuError> {
        let zeros = || Buffer::zeros(machine, size_of_val(weights));
        Ok(Self {
            weights: Buffer::of(machine, weights)?,
            first: zeros()?,
            second: zeros()?,
            copies: match operand {
                Operand::F32 => None,
                Operand::Bf16 => Some(Buffer::zeros(machine, weights.len() * operand.bytes())?),
            },
        })
    }

    /// What products read.
    pub(crate) fn operands(&self) -> &Buffer<M> {
        self.copies.as_ref().unwrap_or(&self.weights)
    }

    /// Makes the copies anew.
    fn copy(&mut self, machine: &M, rows: usize, width: usize) -> Result<(), GpuError> {
        let Some(copies) = &self.copies else {
            return Ok(());
        };
        let blocks = (rows * width).div_ceil(THREADS);
        let arguments = [self.weights.arg(), count(rows), count(width), copies.arg()];
        launch!(machine, "round_bf16", [blocks, 1], THREADS, &arguments)
    }
}

/// Where each of the smaller tensors begins among them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// The bias that is learned and that radii go by: that at the predictor's own centre, if it has one,
    /// else `b_pred`.
    pub(crate) class_bias: usize,
    pub(crate) r_pred: usize,
    pub(crate) b_enc: usize,
    pub(crate) b_dec: usize,
    pub(crate) w_zero: usize,
    pub(crate) b_zero: usize,
    pub(crate) relations: usize,
    /// End of what is learned.
    pub(crate) learned: usize,
    /// The bias for inputs less `b_dec`.
    pub(crate) b_pred: usize,
    pub(crate) end: usize,
}

impl Layout {
    fn new(shape: Shape, has_center: bool) -> Self {
        let d = shape.width;
        let mut end = 0;
        let mut next = |size: usize| {
            end += size;
            end - size
        };
        let class_bias = next(shape.defined);
        Self {
            class_bias,
            r_pred: next(shape.defined),
            b_enc: next(shape.latents),
            b_dec: next(d),
            w_zero: next(shape.zero_classes * d),
            b_zero: next(shape.zero_classes),
            relations: next(shape.relations * d),
            learned: next(0),
            b_pred: if has_center {
                next(shape.defined)
            } else {
                class_bias
            },
            end: next(0),
        }
    }
}

/// The smaller tensors of parameters, in the order of [`Layout`].
fn small(params: &Params<f32>) -> Vec<f32> {
    let has_center = !params.b_center.is_empty();
    let none = Vec::new();
    let (class_bias, derived) = if has_center {
        (&params.b_center, &params.b_pred)
    } else {
        (&params.b_pred, &none)
    };
    let parts = [
        class_bias,
        &params.r_pred,
        &params.b_enc,
        &params.b_dec,
        &params.w_zero,
        &params.b_zero,
        &params.relations,
        derived,
    ];
    parts.into_iter().flatten().copied().collect()
}

/// A model in training.
#[derive(Debug)]
pub(crate) struct Model<M: GpuBackend> {
    pub(crate) shape: Shape,
    pub(crate) layout: Layout,
    pub(crate) enc: Matrix<M>,
    pub(crate) dec: Matrix<M>,
    /// All other parameters, together.
    pub(crate) small: Matrix<M>,
    /// The predictor's own centre, and `b_dec` less that, `[d]`; none where its centre is `b_dec`.
    pub(crate) center: Option<[Buffer<M>; 2]>,
    /// Their gradient.
    pub(crate) gradient: Buffer<M>,
}

impl<M: GpuBackend> Model<M> {
    pub(crate) fn new(
        machine: &M,
        params: &Params<f32>,
        operand: Operand,
    ) -> Result<Self, GpuError> {
        let layout = Layout::new(params.shape, !params.b_center.is_empty());
        let mut model = Self {
            shape: params.shape,
            layout,
            enc: Matrix::new(machine, &params.enc, operand)?,
            dec: Matrix::new(machine, &params.dec, operand)?,
            small: Matrix::new(machine, &small(params), Operand::F32)?,
            center: match &params.predictor_center[..] {
                [] => None,
                center => Some([
                    Buffer::of(machine, center)?,
                    Buffer::zeros(machine, size_of_val(center))?,
                ]),
            },
            gradient: Buffer::zeros(machine, layout.end * size_of::<f32>())?,
        };
        model.copy(machine)?;
        Ok(model)
    }

    fn copy(&mut self, machine: &M) -> Result<(), GpuError> {
        let (n, d) = (self.shape.latents, self.shape.width);
        self.enc.copy(machine, n, d)?;
        self.dec.copy(machine, n, d)
    }

    /// Puts parameters in place.
    pub(crate) fn put(&mut self, machine: &M, params: &Params<f32>) -> Result<(), GpuError> {
        self.enc.weights.put(machine, &params.enc)?;
        self.dec.weights.put(machine, &params.dec)?;
        self.small.weights.put(machine, &small(params))?;
        if let Some([center, _]) = &mut self.center {
            center.put(machine, &params.predictor_center)?;
        }
        self.copy(machine)
    }

    /// Makes `b_pred` follow from the bias at the predictor's own centre.
    pub(crate) fn derive_bias(&self, machine: &M) -> Result<(), GpuError> {
        let Some([center, offset]) = &self.center else {
            return Ok(());
        };
        let (d, m) = (self.shape.width, self.shape.defined);
        let (at, small) = (self.layout, &self.small.weights);
        let arguments = [small.from(at.b_dec), center.arg(), count(d), offset.arg()];
        let blocks = [d.div_ceil(THREADS), 1];
        launch!(machine, "offset_center", blocks, THREADS, &arguments)?;
        let arguments = [
            self.enc.weights.arg(),
            offset.arg(),
            small.from(at.class_bias),
            count(m),
            count(d),
            small.from(at.b_pred),
        ];
        let blocks = [(m * WARP).div_ceil(THREADS), 1];
        launch!(machine, "derive_bias", blocks, THREADS, &arguments)
    }

    /// Puts moments in place.
    pub(crate) fn put_moments(
        &mut self,
        machine: &M,
        first: &Params<f32>,
        second: &Params<f32>,
    ) -> Result<(), GpuError> {
        for (matrix, first, second) in [
            (&mut self.enc, &first.enc, &second.enc),
            (&mut self.dec, &first.dec, &second.dec),
            (&mut self.small, &small(first), &small(second)),
        ] {
            matrix.first.put(machine, first)?;
            matrix.second.put(machine, second)?;
        }
        Ok(())
    }

    /// Fetches tensors of the shapes of the parameters.
    fn fetch(
        &self,
        machine: &M,
        objective: &Objective,
        of: impl Fn(&Matrix<M>) -> &Buffer<M>,
    ) -> Result<Params<f32>, GpuError> {
        let mut out = Params::zeros_for(self.shape, objective);
        of(&self.enc).fetch(machine, 0, &mut out.enc)?;
        of(&self.dec).fetch(machine, 0, &mut out.dec)?;
        let (at, small) = (self.layout, of(&self.small));
        let has_center = !out.b_center.is_empty();
        let class_bias = if has_center {
            &mut out.b_center
        } else {
            &mut out.b_pred
        };
        small.fetch(machine, at.class_bias, class_bias)?;
        if has_center {
            small.fetch(machine, at.b_pred, &mut out.b_pred)?;
        }
        for (from, to) in [
            (at.r_pred, &mut out.r_pred),
            (at.b_enc, &mut out.b_enc),
            (at.b_dec, &mut out.b_dec),
            (at.w_zero, &mut out.w_zero),
            (at.b_zero, &mut out.b_zero),
            (at.relations, &mut out.relations),
        ] {
            small.fetch(machine, from, to)?;
        }
        Ok(out)
    }

    /// The parameters.
    pub(crate) fn params(
        &self,
        machine: &M,
        objective: &Objective,
    ) -> Result<Params<f32>, GpuError> {
        self.derive_bias(machine)?;
        let mut params = self.fetch(machine, objective, |matrix| &matrix.weights)?;
        if let Some([center, _]) = &self.center {
            center.fetch(machine, 0, &mut params.predictor_center)?;
        }
        Ok(params)
    }

    /// The moments, after so many steps.
    pub(crate) fn moments(
        &self,
        machine: &M,
        objective: &Objective,
        step: u64,
    ) -> Result<OptimizerState<f32>, GpuError> {
        Ok(OptimizerState {
            step,
            idle: Vec::new(),
            first: self.fetch(machine, objective, |matrix| &matrix.first)?,
            second: self.fetch(machine, objective, |matrix| &matrix.second)?,
        })
    }
}
