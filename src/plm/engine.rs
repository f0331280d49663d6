//! The model on the device that was asked for.

mod device;

pub use device::{Moment, Transfer};

use super::{
    batch::Batch,
    encoder::{Activations, CandleModel, LoadPlan, Logits, Model},
    error::{PlmError, is_out_of_memory},
    place::{Place, Replacement},
    weights::ModelFolder,
};
use candle_core::{Device, Tensor};

/// Batches are planned for this part of a device's free memory: half.
const MEMORY_SHARE: usize = 2;
/// Most tokens that are planned for a batch on a device: products gain nothing beyond.
const MOST_TOKENS: usize = 1 << 16;
/// Fewest tokens that are planned for a batch on a device.
const FEWEST_TOKENS: usize = 1 << 11;

/// Where to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On a GPU where this build and this machine have one, else on the CPU.
    Auto,
    /// On the CPU.
    Cpu,
    /// On the GPU of this number.
    Cuda(usize),
}

/// A loaded model, wherever it runs.
pub enum Engine {
    /// On the CPU, by panels.
    Panels(Box<Model>),
    /// Through candle's tensor operations, and the way back of their results.
    Dense(Box<CandleModel>, Transfer),
}

/// Activations that may still be on a device, in the order of their tokens.
pub enum Computed {
    /// In the host's memory.
    Here(Activations),
    /// On a device: for each part of the batch, each place's rows.
    There {
        /// Features of a token.
        width: usize,
        /// Parts of the batch, one unless memory was short.
        parts: Vec<Vec<Tensor>>,
        /// When they are there.
        moment: Moment,
        /// How they come back.
        transfer: Transfer,
    },
}

impl Computed {
    /// Brings them to the host.
    ///
    /// # Errors
    /// [`PlmError::Device`] where the device fails.
    pub fn fetch(self) -> Result<Activations, PlmError> {
        let (width, parts, moment, transfer) = match self {
            Self::Here(activations) => return Ok(activations),
            Self::There {
                width,
                parts,
                moment,
                transfer,
            } => (width, parts, moment, transfer),
        };
        let mut places = vec![Vec::new(); parts.first().map_or(0, Vec::len)];
        for part in parts {
            for (place, tensor) in places.iter_mut().zip(part) {
                transfer.fetch(&tensor, &moment, place)?;
            }
        }
        Ok(Activations::from_rows(width, places))
    }
}

/// The device of a choice; `None` is the CPU.
fn device(at: Where) -> Result<Option<Device>, PlmError> {
    let compiled = cfg!(feature = "cuda");
    match at {
        Where::Cpu => Ok(None),
        Where::Auto if !compiled => Ok(None),
        Where::Auto => Ok(device::open(0).ok()),
        Where::Cuda(_) if !compiled => Err(PlmError::Usage(
            "this build has no CUDA: build it with --features cuda, or say --device cpu".into(),
        )),
        Where::Cuda(number) => match device::open(number) {
            Ok(device) => Ok(Some(device)),
            Err(e) => Err(PlmError::Usage(format!(
                "no GPU of number {number}: {e}: say --device cpu to compute without"
            ))),
        },
    }
}

impl Engine {
    /// Loads what is needed of a model.
    ///
    /// # Errors
    /// [`PlmError`] where a tensor does not fit or there is no such device.
    pub fn load(folder: &ModelFolder, needs: LoadPlan, at: Where) -> Result<Self, PlmError> {
        Ok(match device(at)? {
            None => Self::Panels(Box::new(Model::load(folder, needs)?)),
            Some(device) => Self::Dense(
                Box::new(CandleModel::load(folder, needs, &device)?),
                Transfer::new(&device)?,
            ),
        })
    }

    /// Name of the device, for the log.
    #[must_use]
    pub fn device(&self) -> String {
        match self {
            Self::Panels(_) => "cpu".into(),
            Self::Dense(model, _) => format!("{:?}", model.device().location()).to_lowercase(),
        }
    }

    /// Tokens of a batch that the device has memory for; `None` where that does not bound it.
    #[must_use]
    pub fn batch_tokens(&self) -> Option<usize> {
        match self {
            Self::Panels(_) => None,
            Self::Dense(model, _) => {
                let planned = device::free_memory(model.device())? / MEMORY_SHARE;
                Some((planned / model.bytes_per_token()).clamp(FEWEST_TOKENS, MOST_TOKENS))
            }
        }
    }

    /// Activations of every token of a batch at each of `places`. A batch for which a device's
    /// memory does not suffice is halved until it does.
    ///
    /// # Errors
    /// [`PlmError::Device`] where the device fails, or cannot hold a single sequence.
    pub fn forward(&self, batch: &Batch, places: &[Place]) -> Result<Computed, PlmError> {
        match self {
            Self::Panels(model) => Ok(Computed::Here(model.forward(batch, places, None))),
            Self::Dense(model, transfer) => Ok(Computed::There {
                width: model.width(),
                parts: halving(batch, &|part| model.forward(part, places, None))?,
                moment: transfer.now(model.device())?,
                transfer: transfer.clone(),
            }),
        }
    }

    /// Logits of every token, with something replaced on the way or not.
    ///
    /// # Errors
    /// [`PlmError::Device`] where the device fails.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    pub fn logits(&self, batch: &Batch, edit: Option<Replacement>) -> Result<Logits, PlmError> {
        match self {
            Self::Panels(model) => Ok(model.logits(batch, edit)),
            Self::Dense(model, _) => Ok(model.logits(batch, edit)?),
        }
    }

    /// Logits of every token, and their activations at each of `places`, of one pass in which nothing is
    /// replaced.
    ///
    /// # Errors
    /// [`PlmError::Device`] where the device fails.
    ///
    /// # Panics
    /// Where the model was loaded without its head.
    pub fn logits_and_activations(
        &self,
        batch: &Batch,
        places: &[Place],
    ) -> Result<(Logits, Activations), PlmError> {
        match self {
            Self::Panels(model) => Ok(model.logits_and_activations(batch, places, None)),
            Self::Dense(model, transfer) => {
                let (logits, read) = model.logits_and_activations(batch, places, None)?;
                let computed = Computed::There {
                    width: model.width(),
                    parts: vec![read],
                    moment: transfer.now(model.device())?,
                    transfer: transfer.clone(),
                };
                Ok((logits, computed.fetch()?))
            }
        }
    }
}

/// Computes a batch, or its halves where memory does not suffice.
fn halving<T>(
    batch: &Batch,
    compute: &dyn Fn(&Batch) -> candle_core::Result<T>,
) -> Result<Vec<T>, PlmError> {
    match compute(batch) {
        Ok(result) => Ok(vec![result]),
        Err(error) if is_out_of_memory(&error) && batch.sequences() > 1 => {
            let (left, right) = batch.halves();
            let mut results = halving(&left, compute)?;
            results.extend(halving(&right, compute)?);
            Ok(results)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(lengths: &[usize]) -> Batch {
        let mut batch = Batch::new();
        for (i, &length) in lengths.iter().enumerate() {
            batch.push_tokens(&vec![i as u32; length], 0..length);
        }
        batch
    }

    fn limited(limit: usize) -> impl Fn(&Batch) -> candle_core::Result<Vec<u32>> {
        move |part| {
            if part.tokens().len() > limit {
                candle_core::bail!("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")");
            }
            Ok(part.tokens().to_vec())
        }
    }

    #[test]
    fn a_batch_too_large_is_halved_and_keeps_its_order() {
        let whole = batch(&[5, 9, 2, 7, 1, 10, 3]);
        for limit in [10, 12, 20, 40] {
            let parts = halving(&whole, &limited(limit)).expect("every sequence fits");
            assert_eq!(parts.concat(), whole.tokens());
        }
    }

    #[test]
    fn a_sequence_too_large_exhausts_memory() {
        use crate::error::{Classify, ErrorKind};
        let error = halving(&batch(&[5, 9]), &limited(8)).expect_err("9 tokens do not fit");
        assert_eq!(error.kind(), ErrorKind::Memory);
    }
}
