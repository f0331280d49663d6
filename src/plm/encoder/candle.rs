//! The model through candle's tensor operations, for devices other than the CPU.
//!
//! The same packed batches: every product, norm and activation runs over all tokens at once, and
//! attention over groups of sequences of nearly one length (`groups`). Products are of the
//! precision that was asked for; the residual stream, norms and softmax are single precision.

mod groups;

use super::{
    LoadPlan, Logits,
    block::{Block, Linear, Norm},
    head::Head,
    parts::{Form, Parts},
    pass::Pass,
};
use crate::plm::{
    batch::Batch,
    error::PlmError,
    place::{Edit, Place, Replacement},
    weights::{Matrix, ModelFolder, Precision},
};
use crate::table::metadata::{Convention, Site};
use candle_core::{D, DType, Device, Tensor};
use groups::Groups;

type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// A layer norm on a device.
struct DenseNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

/// Weights, transposed in view, and bias.
struct DenseLinear {
    weight: Tensor,
    bias: Tensor,
}

/// A block's weights on a device.
struct DenseBlock {
    attention_norm: DenseNorm,
    qkv: DenseLinear,
    attention_out: DenseLinear,
    mlp_norm: DenseNorm,
    mlp_in: DenseLinear,
    mlp_out: DenseLinear,
}

/// The head's weights on a device.
struct DenseHead {
    dense: DenseLinear,
    norm: DenseNorm,
    decoder: DenseLinear,
}

/// Weights on a device: products in the precision that was asked for, the rest in single precision.
struct OnDevice {
    device: Device,
    precision: DType,
    epsilon: f32,
}

/// A model of any family on a device.
pub struct CandleModel {
    parts: Parts<OnDevice>,
    form: OnDevice,
}

/// What one batch needs at every block.
struct Packed<'a> {
    batch: &'a Batch,
    groups: Groups,
    /// Cosines and sines of each token's angles, `tokens x 1 x head_width / 2`.
    cos: Tensor,
    sin: Tensor,
}

fn matrix(values: &Matrix, device: &Device, precision: DType) -> Result<Tensor> {
    let shape = (values.outputs(), values.inputs());
    Tensor::from_vec(values.to_vec(), shape, &Device::Cpu)?
        .to_dtype(precision)?
        .to_device(device)
}

impl DenseNorm {
    fn new(norm: &Norm, epsilon: f32, device: &Device) -> Result<Self> {
        Ok(Self {
            weight: Tensor::new(norm.weight.as_slice(), device)?,
            bias: Tensor::new(norm.bias.as_slice(), device)?,
            epsilon: f64::from(epsilon),
        })
    }

    /// Of rows in single precision.
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        centred
            .broadcast_div(&(variance + self.epsilon)?.sqrt()?)?
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)
    }
}

impl DenseLinear {
    /// Several layers that have the same inputs, as one.
    fn stack(linears: &[&Linear], device: &Device, precision: DType) -> Result<Self> {
        let weights = linears
            .iter()
            .map(|l| matrix(&l.weight, device, precision))
            .collect::<Result<Vec<_>>>()?;
        let bias: Vec<f32> = linears
            .iter()
            .flat_map(|l| l.bias.iter().copied())
            .collect();
        Ok(Self {
            weight: Tensor::cat(&weights, 0)?,
            bias: Tensor::new(bias.as_slice(), device)?.to_dtype(precision)?,
        })
    }

    /// Of rows in the products' precision.
    fn apply(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

impl OnDevice {
    fn linear(&self, linear: &Linear) -> Result<DenseLinear> {
        DenseLinear::stack(&[linear], &self.device, self.precision)
    }

    fn layer_norm(&self, norm: &Norm) -> Result<DenseNorm> {
        DenseNorm::new(norm, self.epsilon, &self.device)
    }
}

impl Form for OnDevice {
    type Block = DenseBlock;
    type Norm = DenseNorm;
    type Head = DenseHead;

    fn block(&self, block: Block) -> Result<DenseBlock, PlmError> {
        let [query, key, value] = &block.qkv;
        Ok(DenseBlock {
            attention_norm: self.layer_norm(&block.attention_norm)?,
            qkv: DenseLinear::stack(&[query, key, value], &self.device, self.precision)?,
            attention_out: self.linear(&block.attention_out)?,
            mlp_norm: self.layer_norm(&block.mlp_norm)?,
            mlp_in: self.linear(&block.mlp_in)?,
            mlp_out: self.linear(&block.mlp_out)?,
        })
    }

    fn norm(&self, norm: Norm) -> Result<DenseNorm, PlmError> {
        Ok(self.layer_norm(&norm)?)
    }

    fn head(&self, head: Head) -> Result<DenseHead, PlmError> {
        Ok(DenseHead {
            dense: self.linear(&head.dense)?,
            norm: self.layer_norm(&head.norm)?,
            decoder: self.linear(&head.decoder)?,
        })
    }
}

impl CandleModel {
    /// Loads what is needed of a model onto a device.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit, products are asked for that only a CPU makes, or the device fails.
    pub fn load(folder: &ModelFolder, needs: LoadPlan, device: &Device) -> Result<Self, PlmError> {
        let precision = match needs.precision {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
            Precision::F16 => DType::F16,
            Precision::Bf16x3 => {
                let name = needs.precision;
                let text = format!("{name} is for the CPU: f32 is as fast on a GPU, and exact");
                return Err(PlmError::Usage(text));
            }
        };
        let form = OnDevice {
            device: device.clone(),
            precision,
            epsilon: folder.architecture.epsilon,
        };
        let parts = Parts::load(folder, needs, &form)?;
        Ok(Self { parts, form })
    }

    /// Features of a token.
    #[must_use]
    pub fn width(&self) -> usize {
        self.parts.architecture.width
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.form.device
    }

    /// Bytes of device memory that a token takes at most while a block runs, but for the scores of
    /// attention, which are bounded: rows of the stream, its norm, queries, keys and values before
    /// and after their rotation, and of the MLP, in single precision as an upper bound.
    #[must_use]
    pub fn bytes_per_token(&self) -> usize {
        let config = &self.parts.architecture;
        4 * (16 * config.width + 3 * config.inner)
    }

    /// Activations of every token at each of `places`, `tokens x width` each, still on the device.
    ///
    /// # Errors
    /// Where the device fails, for want of memory for example.
    pub fn forward(
        &self,
        batch: &Batch,
        places: &[Place],
        edit: Option<Replacement>,
    ) -> Result<Vec<Tensor>> {
        let pass = Pass::to_places(batch, places, edit, &self.parts.architecture);
        Ok(self.run(pass)?.1)
    }

    /// Logits of every token.
    ///
    /// # Errors
    /// Where the device fails.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    pub fn logits(&self, batch: &Batch, edit: Option<Replacement>) -> Result<Logits> {
        Ok(self.logits_and_activations(batch, &[], edit)?.0)
    }

    /// [`Self::logits`], and what [`Self::forward`] gives of the same pass.
    ///
    /// # Errors
    /// Where the device fails.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    pub fn logits_and_activations(
        &self,
        batch: &Batch,
        places: &[Place],
        edit: Option<Replacement>,
    ) -> Result<(Logits, Vec<Tensor>)> {
        let head = self.parts.head();
        let pass = Pass::to_end(batch, places, edit, &self.parts.architecture);
        let (stream, read) = self.run(pass)?;
        let x = head
            .dense
            .apply(&stream.to_dtype(self.form.precision)?)?
            .gelu_erf()?;
        let x = head
            .norm
            .apply(&x.to_dtype(DType::F32)?)?
            .to_dtype(self.form.precision)?;
        let values = head
            .decoder
            .apply(&x)?
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1()?;
        Ok((Logits::new(self.parts.architecture.tokens, values), read))
    }

    /// The last residual stream, and what was read at each place.
    fn run(&self, pass: Pass) -> Result<(Tensor, Vec<Tensor>)> {
        assert!(
            pass.layers <= self.parts.blocks.len(),
            "blocks that were not loaded"
        );
        let mut visitor = Visitor {
            pass,
            read: vec![None; pass.places.len()],
        };
        let packed = self.pack(pass.batch)?;
        let embedded = self.embed(pass.batch)?;
        let mut x = visitor.visit(Place::here(Site::Residual, 0), embedded)?;
        for (block, layer) in self.parts.blocks.iter().zip(1..=pass.layers) {
            let normed = self.rounded(&block.attention_norm.apply(&x)?)?;
            let attended = self.attend(&packed, &block.qkv.apply(&normed)?)?;
            let out = block.attention_out.apply(&attended)?.to_dtype(DType::F32)?;
            let update = out.clone();
            x = visitor.visit(Place::here(Site::Attention, layer), (x + out)?)?;
            if pass.ends_at_attention_of(layer) {
                break;
            }
            let normed = self.rounded(&block.mlp_norm.apply(&x)?)?;
            let hidden = block.mlp_in.apply(&normed)?.gelu_erf()?;
            let out = block.mlp_out.apply(&hidden)?.to_dtype(DType::F32)?;
            let out = visitor.visit(Place::here(Site::Mlp, layer), out)?;
            x = (x + &out)?;
            let here = Place::here(Site::Update, layer);
            if pass.visits(here) {
                let update = (update + &out)?;
                let replaced = visitor.visit(here, update.clone())?;
                // by the difference: what is not changed stays as it is
                x = (x + (replaced - update)?)?;
            }
            let here = Place::here(Site::Residual, layer);
            if let Some(norm) = self.parts.norm_after(layer) {
                let convention = Convention::BlockOutputs;
                x = norm.apply(&visitor.visit(Place { convention, ..here }, x)?)?;
            }
            x = visitor.visit(here, x)?;
        }
        let read = visitor.read.into_iter().flatten().collect();
        Ok((x, read))
    }

    /// Rows in the products' precision.
    fn rounded(&self, x: &Tensor) -> Result<Tensor> {
        x.to_dtype(self.form.precision)
    }

    fn embed(&self, batch: &Batch) -> Result<Tensor> {
        let shape = (batch.tokens().len(), self.width());
        let rows = self.parts.embeddings.rows(batch);
        Tensor::from_vec(rows, shape, self.device())
    }

    fn pack<'a>(&self, batch: &'a Batch) -> Result<Packed<'a>> {
        let config = &self.parts.architecture;
        let angles = self.parts.rotary.of_tokens(batch);
        let shape = (batch.tokens().len(), 1, config.head_width() / 2);
        Ok(Packed {
            batch,
            groups: Groups::new(batch, config.heads, self.device())?,
            cos: Tensor::from_vec(angles.cos, shape, self.device())?,
            sin: Tensor::from_vec(angles.sin, shape, self.device())?,
        })
    }

    /// Rotates the heads of rows (`tokens x heads x head_width`), in single precision.
    fn rotate(&self, packed: &Packed, x: &Tensor) -> Result<Tensor> {
        let half = self.parts.architecture.head_width() / 2;
        let x = x.to_dtype(DType::F32)?;
        let (a, b) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
        let first = (a.broadcast_mul(&packed.cos)? - b.broadcast_mul(&packed.sin)?)?;
        let second = (b.broadcast_mul(&packed.cos)? + a.broadcast_mul(&packed.sin)?)?;
        Tensor::cat(&[first, second], 2)?.to_dtype(self.form.precision)
    }

    /// Attention within each sequence, from queries, keys and values (`tokens x 3 width`).
    fn attend(&self, packed: &Packed, qkv: &Tensor) -> Result<Tensor> {
        let config = &self.parts.architecture;
        let tokens = packed.batch.tokens().len();
        let heads = |part: usize| {
            qkv.narrow(1, part * config.width, config.width)?
                .contiguous()?
                .reshape((tokens, config.heads, config.head_width()))
        };
        let scale = f64::from(config.attention_scale);
        let queries = self.rotate(packed, &(heads(0)? * scale)?)?;
        let keys = self.rotate(packed, &heads(1)?)?;
        packed
            .groups
            .attend(&queries, &keys, &heads(2)?)?
            .reshape((tokens, config.width))
    }
}

/// Reads and replaces activations on the way.
struct Visitor<'a> {
    pass: Pass<'a>,
    read: Vec<Option<Tensor>>,
}

impl Visitor<'_> {
    fn visit(&mut self, here: Place, x: Tensor) -> Result<Tensor> {
        for (place, read) in self.pass.places.iter().zip(&mut self.read) {
            if *place == here {
                *read = Some(x.clone());
            }
        }
        match self.pass.edit_at(here) {
            Some(edit) => self.replace(&x, edit),
            None => Ok(x),
        }
    }

    fn replace(&self, x: &Tensor, edit: &dyn Edit) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let mut values: Vec<f32> = x.flatten_all()?.to_vec1()?;
        let residues = self.pass.residues(0..tokens);
        let mut rows = Vec::with_capacity(residues.len() * width);
        for &token in &residues {
            rows.extend_from_slice(&values[token * width..(token + 1) * width]);
        }
        edit.edit(&residues, &mut rows);
        for (&token, row) in residues.iter().zip(rows.chunks_exact(width)) {
            values[token * width..(token + 1) * width].copy_from_slice(row);
        }
        Tensor::from_vec(values, (tokens, width), x.device())
    }
}
