//! One transformer block, pre-norm, on panels.

use crate::math::{
    matrix_unit::{Line, Split},
    simd,
};
use crate::plm::{
    architecture::{Activation, Architecture, NormKind},
    error::PlmError,
    panel::{self, Inputs, LANES, Part, View, ViewMut, Weights},
    weights::{Matrix, ModelFolder},
};

/// Inner features of the MLP that are computed before they are used: with four panels their
/// activations stay in a core's second-level cache. Sums run in order, so it changes no bit.
const INNER: usize = 512;

/// A norm's weights.
pub(super) struct Norm {
    pub(super) kind: NormKind,
    /// Factors.
    pub(super) weight: Vec<f32>,
    /// Offsets; of a root-mean-square norm none.
    pub(super) bias: Vec<f32>,
}

impl Norm {
    /// Loads the norm of this name over `width` features, whose offsets are 0 where it has none.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit.
    pub(super) fn load(
        folder: &ModelFolder,
        kind: NormKind,
        name: &str,
        width: usize,
        has_bias: bool,
    ) -> Result<Self, PlmError> {
        Ok(Self {
            kind,
            weight: folder.vector(&format!("{name}.weight"), width)?,
            bias: bias(folder, name, width, has_bias)?,
        })
    }

    /// Normalises panels that lie next to each other.
    pub(super) fn apply(&self, epsilon: f32, x: &[f32], out: &mut [f32]) {
        let size = self.weight.len() * LANES;
        for (x, out) in x.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
            match self.kind {
                NormKind::Layer => simd::layer_norm(x, &self.weight, &self.bias, epsilon, out),
                NormKind::RootMeanSquare => simd::rms_norm(x, &self.weight, epsilon, out),
            }
        }
    }
}

/// The offsets of this name, or 0 where there are none.
fn bias(
    folder: &ModelFolder,
    name: &str,
    length: usize,
    has_bias: bool,
) -> Result<Vec<f32>, PlmError> {
    if has_bias {
        folder.vector(&format!("{name}.bias"), length)
    } else {
        Ok(vec![0.0; length])
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
    /// Loads the layer of this name, whose offsets are 0 where it has none.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit.
    pub(super) fn load(
        folder: &ModelFolder,
        name: &str,
        outputs: usize,
        inputs: usize,
        has_bias: bool,
    ) -> Result<Self, PlmError> {
        Ok(Self {
            weight: folder.matrix(&format!("{name}.weight"), outputs, inputs)?,
            bias: bias(folder, name, outputs, has_bias)?,
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
    /// Norms of queries and keys, where there are some.
    pub(super) query_key_norms: Option<[Norm; 2]>,
    /// What the heads' results go through.
    pub(super) attention_out: Linear<W>,
    /// Norm before the MLP.
    pub(super) mlp_norm: Norm,
    /// Into the MLP.
    pub(super) mlp_in: Linear<W>,
    /// Into its gate, where it has one: the activation function is then of the gate, by which the rest is multiplied.
    pub(super) mlp_gate: Option<Linear<W>>,
    /// Out of the MLP.
    pub(super) mlp_out: Linear<W>,
}

impl Block {
    /// Loads block `number`, from 1.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit.
    pub(super) fn load(folder: &ModelFolder, number: usize) -> Result<Self, PlmError> {
        let config = &folder.architecture;
        let (d, inner, names) = (config.width, config.inner, config.names);
        let heads = config.attention_width();
        let at = |part: &str| format!("{}{}.{part}", names.blocks, number - 1);
        let norm = |part: &str| Norm::load(folder, config.norm, &at(part), d, names.biases.norms);
        let linear = |part: &str, outputs: usize, inputs: usize| {
            Linear::load(folder, &at(part), outputs, inputs, names.biases.linear)
        };
        let [query, key, value] = names.qkv;
        let query_key_norm =
            |part: &str| Norm::load(folder, NormKind::Layer, &at(part), heads, false);
        let query_key_norms = match names.query_key_norms {
            Some([query, key]) => Some([query_key_norm(query)?, query_key_norm(key)?]),
            None => None,
        };
        let mlp_gate = names.mlp_gate.map(|gate| linear(gate, inner, d));
        Ok(Self {
            attention_norm: norm(names.attention_norm)?,
            qkv: [
                linear(query, heads, d)?,
                linear(key, heads, d)?,
                linear(value, heads, d)?,
            ],
            query_key_norms,
            attention_out: linear(names.attention_out, d, heads)?,
            mlp_norm: norm(names.mlp_norm)?,
            mlp_in: linear(names.mlp_in, inner, d)?,
            mlp_gate: mlp_gate.transpose()?,
            mlp_out: linear(names.mlp_out, d, inner)?,
        })
    }

    /// The same with its weights in another form.
    pub(super) fn map<W>(self, form: impl Fn(Matrix) -> W) -> Block<W> {
        Block {
            attention_norm: self.attention_norm,
            qkv: self.qkv.map(|linear| linear.map(&form)),
            query_key_norms: self.query_key_norms,
            attention_out: self.attention_out.map(&form),
            mlp_norm: self.mlp_norm,
            mlp_in: self.mlp_in.map(&form),
            mlp_gate: self.mlp_gate.map(|linear| linear.map(&form)),
            mlp_out: self.mlp_out.map(&form),
        }
    }
}

/// Memory of a group of panels while it goes through a block.
pub(super) struct Scratch<'a> {
    /// Of the size of the residual stream, or of all heads where they are wider.
    pub(super) first: &'a mut [f32],
    /// Of the size of the residual stream.
    pub(super) second: &'a mut [f32],
    /// Inner features of the MLP, of [`inner_size`].
    pub(super) hidden: &'a mut [f32],
    /// Packed inputs of products, two of [`packed_size`].
    pub(super) lines: &'a mut [Line],
    /// Into which numbers products split theirs.
    pub(super) split: Option<Split>,
}

/// Numbers of memory that [`Block::mlp`] needs for its inner features, and for those of its gate.
pub(super) fn inner_size(config: &Architecture, panels: usize) -> usize {
    let maps = if config.names.mlp_gate.is_some() {
        2
    } else {
        1
    };
    maps * INNER.min(config.inner) * LANES * panels
}

/// Features of the widest stream that goes through a block between its parts.
pub(super) fn widest(config: &Architecture) -> usize {
    config.width.max(config.attention_width())
}

/// Lines that hold the packed inputs of any product of a block.
pub(super) fn packed_size(config: &Architecture, split: Option<Split>, panels: usize) -> usize {
    let features = widest(config).max(INNER.min(config.inner));
    Inputs::lines(split, features, panels)
}

/// Applies an activation function, in place.
pub(super) fn activate(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::Gelu => simd::gelu(values),
        Activation::GeluTanh => simd::gelu_tanh(values),
        Activation::Silu => simd::silu(values),
        Activation::Relu => simd::relu(values),
    }
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
        let normed = &mut scratch.first[..x.len()];
        self.attention_norm.apply(config.epsilon, x, normed);
        let normed = View {
            data: normed,
            stride: size,
        };
        let inputs = Inputs::new(scratch.split, normed, config.width, count, scratch.lines);
        let part_size = config.attention_width() * LANES;
        for (part, linear) in self.qkv.iter().enumerate() {
            let mut out = ViewMut {
                data: &mut qkv[part * part_size..],
                stride: 3 * part_size,
            };
            panel::linear(&linear.weight, &linear.bias, &inputs, &mut out, count);
        }
        let norms = self.query_key_norms.iter().flatten();
        for (part, norm) in norms.enumerate() {
            for panel in qkv.chunks_exact_mut(3 * part_size) {
                let panel = &mut panel[part * part_size..][..part_size];
                let normed = &mut scratch.first[..part_size];
                norm.apply(config.epsilon, panel, normed);
                panel.copy_from_slice(normed);
            }
        }
    }

    /// The MLP of the residual stream `x` into `scratch.second`.
    pub(super) fn mlp(&self, config: &Architecture, x: &[f32], scratch: &mut Scratch) {
        let size = config.width * LANES;
        let count = x.len() / size;
        let split = scratch.split;
        let normed = &mut scratch.first[..x.len()];
        self.mlp_norm.apply(config.epsilon, x, normed);
        let middle = scratch.lines.len() / 2;
        let (of_stream, of_hidden) = scratch.lines.split_at_mut(middle);
        let normed = View {
            data: normed,
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
            let (hidden, gate) = scratch.hidden.split_at_mut(chunk * LANES * count);
            let hidden = &mut hidden[..count * stride];
            into_inner(&self.mlp_in, &into, &inputs, hidden, count);
            match &self.mlp_gate {
                None => activate(config.activation, hidden),
                Some(linear) => {
                    let gate = &mut gate[..count * stride];
                    into_inner(linear, &into, &inputs, gate, count);
                    activate(config.activation, gate);
                    simd::multiply(hidden, gate);
                }
            }
            let activated = View {
                data: hidden,
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

/// Some inner features of the MLP, or of its gate, before their activation.
fn into_inner(
    linear: &Linear<Weights>,
    part: &Part,
    inputs: &Inputs,
    out: &mut [f32],
    count: usize,
) {
    let stride = part.outputs.len() * LANES;
    let mut out = ViewMut { data: out, stride };
    let Linear { weight, bias } = linear;
    panel::product(weight, part, Some(bias), inputs, &mut out, count);
}
