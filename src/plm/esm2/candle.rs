//! The model through candle's tensor operations, for devices other than the CPU.
//!
//! The same packed batches: every product, norm and activation runs over all tokens at once, and
//! attention over groups of sequences of nearly one length (`groups`). Products are of the
//! precision that was asked for; the residual stream, norms and softmax are single precision.

mod groups;

use super::{
    block::{Block, Linear, Norm},
    config::Config,
    embeddings::Embeddings,
    head::{Head, Logits},
    model::{LoadPlan, Replacement},
    rotary::{Table, Tables},
    vocab::Vocab,
};
use crate::plm::{
    batch::Batch,
    error::PlmError,
    place::{Edit, Place},
    weights::{Matrix, ModelFolder, Precision},
};
use crate::table::metadata::Site;
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

struct DenseBlock {
    attention_norm: DenseNorm,
    qkv: DenseLinear,
    attention_out: DenseLinear,
    mlp_norm: DenseNorm,
    mlp_in: DenseLinear,
    mlp_out: DenseLinear,
}

struct DenseHead {
    dense: DenseLinear,
    norm: DenseNorm,
    decoder: DenseLinear,
}

/// An ESM-2 on a device.
pub struct CandleModel {
    config: Config,
    vocab: Vocab,
    device: Device,
    precision: DType,
    embeddings: Embeddings,
    blocks: Vec<DenseBlock>,
    norm: Option<DenseNorm>,
    head: Option<DenseHead>,
    rotary: Tables,
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
    fn new(linear: &Linear, device: &Device, precision: DType) -> Result<Self> {
        Self::stack(&[linear], device, precision)
    }

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

impl CandleModel {
    /// Loads what is needed of a model onto a device.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit, or the device fails.
    pub fn load(folder: &ModelFolder, needs: LoadPlan, device: &Device) -> Result<Self, PlmError> {
        let config = folder.config.clone();
        let precision = match needs.precision {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
            Precision::F16 => DType::F16,
        };
        let layers = if needs.head {
            config.layers
        } else {
            needs.layers
        };
        let norm = |norm: &Norm| DenseNorm::new(norm, config.epsilon, device);
        let linear = |linear: &Linear| DenseLinear::new(linear, device, precision);
        let mut blocks = Vec::with_capacity(layers);
        for number in 1..=layers {
            // one block at a time passes through the host's memory
            let block = Block::load(folder, number, Precision::F32)?;
            let [query, key, value] = &block.qkv;
            blocks.push(DenseBlock {
                attention_norm: norm(&block.attention_norm)?,
                qkv: DenseLinear::stack(&[query, key, value], device, precision)?,
                attention_out: linear(&block.attention_out)?,
                mlp_norm: norm(&block.mlp_norm)?,
                mlp_in: linear(&block.mlp_in)?,
                mlp_out: linear(&block.mlp_out)?,
            });
        }
        let embeddings = Embeddings::load(folder)?;
        let last = if layers == config.layers {
            Some(norm(&Norm::load(folder, super::model::LAST_NORM)?)?)
        } else {
            None
        };
        let head = if needs.head {
            let head = Head::load(folder, &embeddings, Precision::F32)?;
            Some(DenseHead {
                dense: linear(&head.dense)?,
                norm: norm(&head.norm)?,
                decoder: linear(&head.decoder)?,
            })
        } else {
            None
        };
        Ok(Self {
            vocab: folder.vocab.clone(),
            device: device.clone(),
            precision,
            embeddings,
            blocks,
            norm: last,
            head,
            rotary: Tables::load(folder)?,
            config,
        })
    }

    /// Shape of the whole model.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Tokens.
    #[must_use]
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Bytes of device memory that a token takes at most while a block runs, but for the scores of
    /// attention, which are bounded: rows of the stream, its norm, queries, keys and values before
    /// and after their rotation, and of the MLP, in single precision as an upper bound.
    #[must_use]
    pub fn bytes_per_token(&self) -> usize {
        4 * (16 * self.config.width + 3 * self.config.inner)
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
        let layers = places.iter().map(|p| p.layer).max().unwrap_or(0);
        Ok(self.run(batch, places, edit, layers)?.1)
    }

    /// Logits of every token.
    ///
    /// # Errors
    /// Where the device fails.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    pub fn logits(&self, batch: &Batch, edit: Option<Replacement>) -> Result<Logits> {
        let head = self
            .head
            .as_ref()
            .expect("the model is loaded with its head");
        let (stream, _) = self.run(batch, &[], edit, self.config.layers)?;
        let x = head
            .dense
            .apply(&stream.to_dtype(self.precision)?)?
            .gelu_erf()?;
        let x = head
            .norm
            .apply(&x.to_dtype(DType::F32)?)?
            .to_dtype(self.precision)?;
        let values = head
            .decoder
            .apply(&x)?
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1()?;
        Ok(Logits::new(self.config.vocab, values))
    }

    fn run(
        &self,
        batch: &Batch,
        places: &[Place],
        edit: Option<Replacement>,
        layers: usize,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        assert!(layers <= self.blocks.len(), "blocks that were not loaded");
        let mut visitor = Visitor {
            batch,
            places,
            edit,
            read: vec![None; places.len()],
        };
        let packed = self.pack(batch)?;
        let mut x = visitor.visit(Site::Residual, 0, self.embed(batch)?)?;
        for (i, block) in self.blocks.iter().take(layers).enumerate() {
            let layer = i + 1;
            let normed = block.attention_norm.apply(&x)?.to_dtype(self.precision)?;
            let attended = self.attend(&packed, &block.qkv.apply(&normed)?)?;
            let out = block.attention_out.apply(&attended)?.to_dtype(DType::F32)?;
            x = visitor.visit(Site::Attention, layer, (x + out)?)?;
            if visitor.is_done() {
                break;
            }
            let normed = block.mlp_norm.apply(&x)?.to_dtype(self.precision)?;
            let hidden = block.mlp_in.apply(&normed)?.gelu_erf()?;
            let out = block.mlp_out.apply(&hidden)?.to_dtype(DType::F32)?;
            x = (x + visitor.visit(Site::Mlp, layer, out)?)?;
            if let (true, Some(norm)) = (layer == self.config.layers, &self.norm) {
                x = norm.apply(&x)?;
            }
            x = visitor.visit(Site::Residual, layer, x)?;
        }
        let read = visitor.read.into_iter().flatten().collect();
        Ok((x, read))
    }

    fn embed(&self, batch: &Batch) -> Result<Tensor> {
        let width = self.config.width;
        let unmasked = self.embeddings.unmasked(batch);
        let mut rows = vec![0f32; batch.tokens().len() * width];
        for (sequence, &unmasked) in unmasked.iter().enumerate() {
            for token in batch.range(sequence) {
                let row = &mut rows[token * width..(token + 1) * width];
                let id = batch.tokens()[token];
                self.embeddings.row(&self.config, id, unmasked, row);
            }
        }
        Tensor::from_vec(rows, (batch.tokens().len(), width), &self.device)
    }

    fn pack<'a>(&self, batch: &'a Batch) -> Result<Packed<'a>> {
        let half = self.config.head_width() / 2;
        let table = self.rotary.at_least(batch.longest());
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        let angle = |values: &[f32], table: &Table, position: usize, out: &mut Vec<f32>| {
            out.extend((0..half).map(|i| values[i * table.length + position]));
        };
        for sequence in 0..batch.sequences() {
            for position in 0..batch.range(sequence).len() {
                angle(&table.cos, &table, position, &mut cos);
                angle(&table.sin, &table, position, &mut sin);
            }
        }
        let shape = (batch.tokens().len(), 1, half);
        Ok(Packed {
            batch,
            groups: Groups::new(batch, self.config.heads, &self.device)?,
            cos: Tensor::from_vec(cos, shape, &self.device)?,
            sin: Tensor::from_vec(sin, shape, &self.device)?,
        })
    }

    /// Rotates the heads of rows (`tokens x heads x head_width`), in single precision.
    fn rotate(&self, packed: &Packed, x: &Tensor) -> Result<Tensor> {
        let half = self.config.head_width() / 2;
        let x = x.to_dtype(DType::F32)?;
        let (a, b) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
        let first = (a.broadcast_mul(&packed.cos)? - b.broadcast_mul(&packed.sin)?)?;
        let second = (b.broadcast_mul(&packed.cos)? + a.broadcast_mul(&packed.sin)?)?;
        Tensor::cat(&[first, second], 2)?.to_dtype(self.precision)
    }

    /// Attention within each sequence, from queries, keys and values (`tokens x 3 width`).
    fn attend(&self, packed: &Packed, qkv: &Tensor) -> Result<Tensor> {
        let config = &self.config;
        let tokens = packed.batch.tokens().len();
        let heads = |part: usize| {
            qkv.narrow(1, part * config.width, config.width)?
                .contiguous()?
                .reshape((tokens, config.heads, config.head_width()))
        };
        let scale = (config.head_width() as f64).powf(-0.5);
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
    batch: &'a Batch,
    places: &'a [Place],
    edit: Option<(Place, &'a dyn Edit)>,
    read: Vec<Option<Tensor>>,
}

impl Visitor<'_> {
    fn visit(&mut self, site: Site, layer: usize, x: Tensor) -> Result<Tensor> {
        let here = Place { site, layer };
        for (place, read) in self.places.iter().zip(&mut self.read) {
            if *place == here {
                *read = Some(x.clone());
            }
        }
        match self.edit {
            Some((place, edit)) if place == here => self.replace(&x, edit),
            _ => Ok(x),
        }
    }

    /// Whether everything that was asked for has been read.
    fn is_done(&self) -> bool {
        !self.places.is_empty() && self.read.iter().all(Option::is_some)
    }

    fn replace(&self, x: &Tensor, edit: &dyn Edit) -> Result<Tensor> {
        let (tokens, width) = x.dims2()?;
        let mut values: Vec<f32> = x.flatten_all()?.to_vec1()?;
        let residues: Vec<usize> = (0..tokens).filter(|&t| self.batch.is_residue(t)).collect();
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
