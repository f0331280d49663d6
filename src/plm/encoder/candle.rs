//! The model through candle's tensor operations, for devices other than the CPU.
//!
//! The same packed batches: every product, norm and activation runs over all tokens at once, and
//! attention over groups of sequences of nearly one length (`groups`). Products are of the
//! precision that was asked for; the residual stream, norms and softmax are single precision.

mod groups;
mod weights;

use super::{LoadPlan, Logits, parts::Parts, pass::Pass, positions::PositionTable};
use crate::plm::{
    architecture::{Activation, Pairs},
    batch::Batch,
    error::PlmError,
    place::{Edit, Place, Replacement},
    weights::{ModelFolder, Precision},
};
use crate::table::metadata::{Convention, Site};
use candle_core::{DType, Device, Tensor};
use groups::Groups;
use weights::{DenseBlock, OnDevice};

type Result<T, E = candle_core::Error> = std::result::Result<T, E>;

/// A model of any family on a device.
pub struct CandleModel {
    parts: Parts<OnDevice>,
    form: OnDevice,
}

/// What one batch needs at every block.
struct Packed<'a> {
    batch: &'a Batch,
    groups: Groups,
    /// Cosines and sines of each token's angles, `tokens x 1 x head_width / 2`, and which features they rotate.
    angles: Option<(Tensor, Tensor, Pairs)>,
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
            Precision::F16 if folder.architecture.fits_half => DType::F16,
            Precision::F16 => {
                return Err(PlmError::Usage(format!(
                    "activations of {} go beyond half precision on a GPU: say --compute bf16",
                    folder.architecture.family
                )));
            }
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
        let widest = config.width.max(config.attention_width());
        4 * (16 * widest + 4 * config.inner)
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
        let mut x = self.rounded(&stream)?;
        if let Some((dense, norm)) = &head.first {
            let first = dense.apply(&x)?.gelu_erf()?;
            x = self.rounded(&norm.apply(&first.to_dtype(DType::F32)?)?)?;
        }
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
            let attended = self.attend(&packed, block, &normed)?;
            let out = self.branch(&block.attention_out.apply(&attended)?)?;
            let update = out.clone();
            x = visitor.visit(Place::here(Site::Attention, layer), (x + out)?)?;
            if pass.ends_at_attention_of(layer) {
                break;
            }
            let normed = self.rounded(&block.mlp_norm.apply(&x)?)?;
            let hidden = block.mlp_in.apply(&normed)?;
            let hidden = match &block.mlp_gate {
                None => self.activate(&hidden)?,
                Some(gate) => (self.activate(&gate.apply(&normed)?)? * hidden)?,
            };
            let out = self.branch(&block.mlp_out.apply(&hidden)?)?;
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

    /// What a branch adds to the residual stream, in single precision.
    fn branch(&self, x: &Tensor) -> Result<Tensor> {
        let scale = self.parts.architecture.residual_scale;
        let x = x.to_dtype(DType::F32)?;
        if scale == 1.0 {
            Ok(x)
        } else {
            x * f64::from(scale)
        }
    }

    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        match self.parts.architecture.activation {
            Activation::Gelu => x.gelu_erf(),
            Activation::GeluTanh => x.gelu(),
            Activation::Silu => x.silu(),
            Activation::Relu => x.relu(),
        }
    }

    fn embed(&self, batch: &Batch) -> Result<Tensor> {
        let shape = (batch.tokens().len(), self.width());
        let rows = self.parts.embeddings.rows(batch);
        Tensor::from_vec(rows, shape, self.device())
    }

    fn pack<'a>(&self, batch: &'a Batch) -> Result<Packed<'a>> {
        let config = &self.parts.architecture;
        let positions = self.parts.positions.up_to(batch.longest());
        let (angles, distances) = match &positions {
            PositionTable::Rotary(table) => {
                let (cos, sin) = table.of_tokens(batch);
                let shape = (batch.tokens().len(), 1, config.head_width / 2);
                let cos = Tensor::from_vec(cos, shape, self.device())?;
                let sin = Tensor::from_vec(sin, shape, self.device())?;
                (Some((cos, sin, table.pairs)), None)
            }
            PositionTable::Relative(table) => (None, Some(table.as_ref())),
            PositionTable::None => (None, None),
        };
        Ok(Packed {
            batch,
            groups: Groups::new(batch, config.heads, distances, self.device())?,
            angles,
        })
    }

    /// Rotates the heads of rows (`tokens x heads x head_width`), in single precision.
    fn rotate(&self, packed: &Packed, x: &Tensor) -> Result<Tensor> {
        let Some((cos, sin, pairs)) = &packed.angles else {
            return self.rounded(x);
        };
        let x = x.to_dtype(DType::F32)?;
        let (tokens, heads, width) = x.dims3()?;
        let half = width / 2;
        // pairs of neighbours as if they were of two halves: scores are the same in any order of features
        let x = match pairs {
            Pairs::Halves => x,
            Pairs::Neighbours => x
                .reshape((tokens, heads, half, 2))?
                .transpose(2, 3)?
                .contiguous()?
                .reshape((tokens, heads, width))?,
        };
        let (a, b) = (x.narrow(2, 0, half)?, x.narrow(2, half, half)?);
        let first = (a.broadcast_mul(cos)? - b.broadcast_mul(sin)?)?;
        let second = (b.broadcast_mul(cos)? + a.broadcast_mul(sin)?)?;
        self.rounded(&Tensor::cat(&[first, second], 2)?)
    }

    /// Attention within each sequence, from normalised rows.
    fn attend(&self, packed: &Packed, block: &DenseBlock, normed: &Tensor) -> Result<Tensor> {
        let config = &self.parts.architecture;
        let (tokens, width) = (packed.batch.tokens().len(), config.attention_width());
        let qkv = block.qkv.apply(normed)?;
        let heads = |part: usize| {
            let mut x = qkv.narrow(1, part * width, width)?.contiguous()?;
            let norms = block.query_key_norms.as_ref();
            if let Some(norm) = norms.and_then(|norms| norms.get(part)) {
                x = self.rounded(&norm.apply(&x.to_dtype(DType::F32)?)?)?;
            }
            x.reshape((tokens, config.heads, config.head_width))
        };
        let scale = f64::from(config.attention_scale);
        let queries = self.rotate(packed, &(heads(0)? * scale)?)?;
        let keys = self.rotate(packed, &heads(1)?)?;
        packed
            .groups
            .attend(&queries, &keys, &heads(2)?)?
            .reshape((tokens, width))
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
