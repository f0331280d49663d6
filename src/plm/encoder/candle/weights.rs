//! Weights on a device.

use super::{
    super::{
        block::{Block, Linear, Norm},
        head::Head,
        parts::Form,
    },
    Result,
};
use crate::plm::{architecture::NormKind, error::PlmError, weights::Matrix};
use candle_core::{D, DType, Device, Tensor};

/// A norm on a device.
pub(crate) struct DenseNorm {
    pub(crate) kind: NormKind,
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
    pub(crate) epsilon: f64,
}

/// Weights, transposed in view, and bias.
pub(crate) struct DenseLinear {
    pub(crate) weight: Tensor,
    pub(crate) bias: Tensor,
}

/// A block's weights on a device.
pub(crate) struct DenseBlock {
    pub(crate) attention_norm: DenseNorm,
    pub(crate) qkv: DenseLinear,
    pub(crate) query_key_norms: Option<[DenseNorm; 2]>,
    pub(crate) attention_out: DenseLinear,
    pub(crate) mlp_norm: DenseNorm,
    pub(crate) mlp_in: DenseLinear,
    pub(crate) mlp_gate: Option<DenseLinear>,
    pub(crate) mlp_out: DenseLinear,
}

/// The head's weights on a device.
pub(crate) struct DenseHead {
    pub(crate) first: Option<(DenseLinear, DenseNorm)>,
    pub(crate) decoder: DenseLinear,
}

/// Weights on a device: products in the precision that was asked for, the rest in single precision.
pub(crate) struct OnDevice {
    pub(crate) device: Device,
    pub(crate) precision: DType,
    pub(crate) epsilon: f32,
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
            kind: norm.kind,
            weight: Tensor::new(norm.weight.as_slice(), device)?,
            bias: Tensor::new(norm.bias.as_slice(), device)?,
            epsilon: f64::from(epsilon),
        })
    }

    /// Of rows in single precision.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let centred = match self.kind {
            NormKind::Layer => x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?,
            NormKind::RootMeanSquare => x.clone(),
        };
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let scaled = centred
            .broadcast_div(&(variance + self.epsilon)?.sqrt()?)?
            .broadcast_mul(&self.weight)?;
        match self.kind {
            NormKind::Layer => scaled.broadcast_add(&self.bias),
            NormKind::RootMeanSquare => Ok(scaled),
        }
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
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        x.matmul(&self.weight.t()?)?.broadcast_add(&self.bias)
    }
}

impl OnDevice {
    fn linear(&self, linear: &Linear) -> Result<DenseLinear> {
        DenseLinear::stack(&[linear], &self.device, self.precision)
    }

    fn norm_of(&self, norm: &Norm) -> Result<DenseNorm> {
        DenseNorm::new(norm, self.epsilon, &self.device)
    }
}

impl Form for OnDevice {
    type Block = DenseBlock;
    type Norm = DenseNorm;
    type Head = DenseHead;

    fn block(&self, block: Block) -> Result<DenseBlock, PlmError> {
        let [query, key, value] = &block.qkv;
        let query_key_norms = match &block.query_key_norms {
            Some([query, key]) => Some([self.norm_of(query)?, self.norm_of(key)?]),
            None => None,
        };
        let mlp_gate = block.mlp_gate.as_ref().map(|gate| self.linear(gate));
        Ok(DenseBlock {
            query_key_norms,
            mlp_gate: mlp_gate.transpose()?,
            attention_norm: self.norm_of(&block.attention_norm)?,
            qkv: DenseLinear::stack(&[query, key, value], &self.device, self.precision)?,
            attention_out: self.linear(&block.attention_out)?,
            mlp_norm: self.norm_of(&block.mlp_norm)?,
            mlp_in: self.linear(&block.mlp_in)?,
            mlp_out: self.linear(&block.mlp_out)?,
        })
    }

    fn norm(&self, norm: Norm) -> Result<DenseNorm, PlmError> {
        Ok(self.norm_of(&norm)?)
    }

    fn head(&self, head: Head) -> Result<DenseHead, PlmError> {
        let first = match &head.first {
            Some((dense, norm)) => Some((self.linear(dense)?, self.norm_of(norm)?)),
            None => None,
        };
        Ok(DenseHead {
            first,
            decoder: self.linear(&head.decoder)?,
        })
    }
}
