//! One transformer block, pre-norm, on panels.

use crate::math::{
    matrix_unit::{Line, Split},
    simd,
};
use crate::plm::{
    architecture::Architecture,
    error::PlmError,
    panel::{self, Inputs, LANES, Part, View, ViewMut, Weights},
    weights::{Matrix, ModelFolder},
};

/// Inner features of the MLP that are computed before they are used: with four panels their
/// activations stay in a core's second-level cache. Sums run in order, so it changes no bit.
const INNER: usize = 512;

/// A layer norm's weights.
pub(super) struct Norm {
    /// Factors.
    pub(super) weight: Vec<f32>,
    /// Offsets.
    pub(super) bias: Vec<f32>,
}

impl Norm {
    /// Loads the layer norm of this name.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit.
    pub(super) fn load(folder: &ModelFolder, name: &str) -> Result<Self, PlmError> {
        let width = folder.architecture.width;
        Ok(Self {
            weight: folder.vector(&format!("{name}.weight"), width)?,
            bias: folder.vector(&format!("{name}.bias"), width)?,
        })
    }

    /// Normalises panels that lie next to each other.
    pub(super) fn apply(&self, epsilon: f32, x: &[f32], out: &mut [f32]) {
        let size = self.weight.len() * LANES;
        for (x, out) in x.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
            simd::layer_norm(x, &self.weight, &self.bias, epsilon, out);
        }
    }
}

/// A matrix and its bias.
pub(super) struct Linear<W = Matrix> {
    /// Weights, outputs by inputs.
    pub(super) weight: W,
    /// Offsets.
    pub(super) bias: Vec<f32>,
}

impl Linear {
    /// Loads the layer of this name.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit.
    pub(super) fn load(
        folder: &ModelFolder,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, PlmError> {
        Ok(Self {
            weight: folder.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: folder.vector(&format!("{name}.bias"), outputs)?,
        })
    }

    /// The same with its weights in another form.
    pub(super) fn map<W>(self, form: impl FnOnce(Matrix) -> W) -> Linear<W> {
        Linear {
            weight: form(self.weight),
            bias: self.bias,
        }
    }
}

/// The weights of a block.
pub(super) struct Block<W = Matrix> {
    /// Norm before the attention.
    pub(super) attention_norm: Norm,
    /// Queries, keys and values.
    pub(super) qkv: [Linear<W>; 3],
    /// What the heads' results go through.
    pub(super) attention_out: Linear<W>,
    /// Norm before the MLP.
    pub(super) mlp_norm: Norm,
    /// Into the MLP.
    pub(super) mlp_in: Linear<W>,
    /// Out of the MLP.
    pub(super) mlp_out: Linear<W>,
}

impl Block {
    /// Loads block `number`, from 1.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit.
    pub(super) fn load(folder: &ModelFolder, number: usize) -> Result<Self, PlmError> {
        let Architecture {
            width: d,
            inner,
            names,
            ..
        } = folder.architecture;
        let at = |part: &str| format!("{}{}.{part}", names.blocks, number - 1);
        let square = |part: &str| Linear::load(folder, &at(part), d, d);
        let [query, key, value] = names.qkv;
        Ok(Self {
            attention_norm: Norm::load(folder, &at(names.attention_norm))?,
            qkv: [square(query)?, square(key)?, square(value)?],
            attention_out: square(names.attention_out)?,
            mlp_norm: Norm::load(folder, &at(names.mlp_norm))?,
            mlp_in: Linear::load(folder, &at(names.mlp_in), inner, d)?,
            mlp_out: Linear::load(folder, &at(names.mlp_out), d, inner)?,
        })
    }

    /// The same with its weights in another form.
    pub(super) fn map<W>(self, form: impl Fn(Matrix) -> W) -> Block<W> {
        Block {
            attention_norm: self.attention_norm,
            qkv: self.qkv.map(|linear| linear.map(&form)),
            attention_out: self.attention_out.map(&form),
            mlp_norm: self.mlp_norm,
            mlp_in: self.mlp_in.map(&form),
            mlp_out: self.mlp_out.map(&form),
        }
    }
}

/// Memory of a group of panels while it goes through a block.
pub(super) struct Scratch<'a> {
    /// Of the size of the residual stream.
    pub(super) first: &'a mut [f32],
    /// The same.
    pub(super) second: &'a mut [f32],
    /// Inner features of the MLP, of [`inner_size`].
    pub(super) hidden: &'a mut [f32],
    /// Packed inputs of products, two of [`packed_size`].
    pub(super) lines: &'a mut [Line],
    /// Into which numbers products split theirs.
    pub(super) split: Option<Split>,
}

/// Numbers of memory that [`Block::mlp`] needs for its inner features.
pub(super) fn inner_size(config: &Architecture, panels: usize) -> usize {
    INNER.min(config.inner) * LANES * panels
}

/// Lines that hold the packed inputs of any product of a block.
pub(super) fn packed_size(config: &Architecture, split: Option<Split>, panels: usize) -> usize {
    let features = config.width.max(INNER.min(config.inner));
    Inputs::lines(split, features, panels)
}

impl Block<Weights> {
    /// Queries, keys and values of the residual stream `x`.
    pub(super) fn project(
        &self,
        config: &Architecture,
        x: &[f32],
        scratch: &mut Scratch,
        qkv: &mut [f32],
    ) {
        let size = config.width * LANES;
        let count = x.len() / size;
        self.attention_norm.apply(config.epsilon, x, scratch.first);
        let normed = View {
            data: scratch.first,
            stride: size,
        };
        let inputs = Inputs::new(scratch.split, normed, config.width, count, scratch.lines);
        for (part, linear) in self.qkv.iter().enumerate() {
            let mut out = ViewMut {
                data: &mut qkv[part * size..],
                stride: 3 * size,
            };
            panel::linear(&linear.weight, &linear.bias, &inputs, &mut out, count);
        }
    }

    /// The MLP of the residual stream `x` into `scratch.second`.
    pub(super) fn mlp(&self, config: &Architecture, x: &[f32], scratch: &mut Scratch) {
        let size = config.width * LANES;
        let count = x.len() / size;
        let split = scratch.split;
        self.mlp_norm.apply(config.epsilon, x, scratch.first);
        let middle = scratch.lines.len() / 2;
        let (of_stream, of_hidden) = scratch.lines.split_at_mut(middle);
        let normed = View {
            data: scratch.first,
            stride: size,
        };
        let inputs = Inputs::new(split, normed, config.width, count, of_stream);
        let mut out = ViewMut {
            data: &mut *scratch.second,
            stride: size,
        };
        let chunk = INNER.min(config.inner);
        for begin in (0..config.inner).step_by(chunk) {
            let inner = begin..(begin + chunk).min(config.inner);
            let features = inner.len();
            let stride = features * LANES;
            let into = Part {
                outputs: inner.clone(),
                inputs: 0..config.width,
            };
            let mut hidden = ViewMut {
                data: &mut *scratch.hidden,
                stride,
            };
            let Linear { weight, bias } = &self.mlp_in;
            panel::product(weight, &into, Some(bias), &inputs, &mut hidden, count);
            simd::gelu(&mut scratch.hidden[..count * stride]);
            let activated = View {
                data: scratch.hidden,
                stride,
            };
            let activated = Inputs::new(split, activated, features, count, of_hidden);
            let back = Part {
                outputs: 0..config.width,
                inputs: inner,
            };
            let Linear { weight, bias } = &self.mlp_out;
            let bias = (begin == 0).then_some(&bias[..]);
            panel::product(weight, &back, bias, &activated, &mut out, count);
        }
    }
}
