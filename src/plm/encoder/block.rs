//! One transformer block, pre-norm, on panels.

use crate::math::simd;
use crate::plm::{
    architecture::Architecture,
    error::PlmError,
    panel::{self, LANES, Part, View, ViewMut},
    weights::{Matrix, ModelFolder, Precision},
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
pub(super) struct Linear {
    /// Weights, outputs by inputs.
    pub(super) weight: Matrix,
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
        precision: Precision,
    ) -> Result<Self, PlmError> {
        Ok(Self {
            weight: folder.matrix(&format!("{name}.weight"), outputs, inputs, precision)?,
            bias: folder.vector(&format!("{name}.bias"), outputs)?,
        })
    }
}

/// The weights of a block.
pub(super) struct Block {
    /// Norm before the attention.
    pub(super) attention_norm: Norm,
    /// Queries, keys and values.
    pub(super) qkv: [Linear; 3],
    /// What the heads' results go through.
    pub(super) attention_out: Linear,
    /// Norm before the MLP.
    pub(super) mlp_norm: Norm,
    /// Into the MLP.
    pub(super) mlp_in: Linear,
    /// Out of the MLP.
    pub(super) mlp_out: Linear,
}

impl Block {
    /// Loads block `number`, from 1.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit.
    pub(super) fn load(
        folder: &ModelFolder,
        number: usize,
        precision: Precision,
    ) -> Result<Self, PlmError> {
        let Architecture {
            width: d,
            inner,
            names,
            ..
        } = folder.architecture;
        let at = |part: &str| format!("{}{}.{part}", names.blocks, number - 1);
        let square = |part: &str| Linear::load(folder, &at(part), d, d, precision);
        let [query, key, value] = names.qkv;
        Ok(Self {
            attention_norm: Norm::load(folder, &at(names.attention_norm))?,
            qkv: [square(query)?, square(key)?, square(value)?],
            attention_out: square(names.attention_out)?,
            mlp_norm: Norm::load(folder, &at(names.mlp_norm))?,
            mlp_in: Linear::load(folder, &at(names.mlp_in), inner, d, precision)?,
            mlp_out: Linear::load(folder, &at(names.mlp_out), d, inner, precision)?,
        })
    }

    /// Queries, keys and values of the residual stream `x`; `normed` is memory of its size.
    pub(super) fn project(
        &self,
        config: &Architecture,
        x: &[f32],
        normed: &mut [f32],
        qkv: &mut [f32],
    ) {
        let size = config.width * LANES;
        self.attention_norm.apply(config.epsilon, x, normed);
        let count = x.len() / size;
        for (part, linear) in self.qkv.iter().enumerate() {
            panel::linear(
                &linear.weight,
                &linear.bias,
                &View {
                    data: normed,
                    stride: size,
                },
                &mut ViewMut {
                    data: &mut qkv[part * size..],
                    stride: 3 * size,
                },
                count,
            );
        }
    }

    /// Numbers of memory that [`Self::mlp`] needs for its inner features.
    pub(super) fn inner_size(config: &Architecture, panels: usize) -> usize {
        INNER.min(config.inner) * LANES * panels
    }

    /// The MLP of the residual stream `x` into `out`; `normed` is memory of the same size, `hidden`
    /// of [`Self::inner_size`].
    pub(super) fn mlp(
        &self,
        config: &Architecture,
        x: &[f32],
        normed: &mut [f32],
        hidden: &mut [f32],
        out: &mut [f32],
    ) {
        let size = config.width * LANES;
        let count = x.len() / size;
        self.mlp_norm.apply(config.epsilon, x, normed);
        let chunk = INNER.min(config.inner);
        for begin in (0..config.inner).step_by(chunk) {
            let inner = begin..(begin + chunk).min(config.inner);
            let stride = inner.len() * LANES;
            panel::product(
                &self.mlp_in.weight,
                &Part {
                    outputs: inner.clone(),
                    inputs: 0..config.width,
                },
                Some(&self.mlp_in.bias),
                &View {
                    data: normed,
                    stride: size,
                },
                &mut ViewMut {
                    data: hidden,
                    stride,
                },
                count,
            );
            simd::gelu(&mut hidden[..count * stride]);
            panel::product(
                &self.mlp_out.weight,
                &Part {
                    outputs: 0..config.width,
                    inputs: inner,
                },
                (begin == 0).then_some(&self.mlp_out.bias),
                &View {
                    data: hidden,
                    stride,
                },
                &mut ViewMut {
                    data: out,
                    stride: size,
                },
                count,
            );
        }
    }
}
