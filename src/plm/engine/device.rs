//! Devices, and copies from them that run beside their computing.
//!
//! A GPU computes on one stream of its own, whichever host thread asks: candle's usual device takes each thread's default
//! stream, so a thread that copies would not wait for the one that computes. Copies to the host have a second stream, which
//! waits for the event that marks the end of what it copies, and for nothing later.

use crate::plm::error::PlmError;
use candle_core::{Device, Tensor};

#[cfg(feature = "cuda")]
use candle_core::{
    Storage,
    cuda_backend::cudarc::driver::{CudaEvent, CudaStream},
};
#[cfg(feature = "cuda")]
use std::sync::Arc;

/// Opens the GPU of a number.
///
/// # Errors
/// Where there is none.
pub(crate) fn open(number: usize) -> candle_core::Result<Device> {
    Device::new_cuda_with_stream(number)
}

/// The way of results from a device to the host.
#[derive(Clone)]
pub struct Transfer {
    #[cfg(feature = "cuda")]
    copies: Option<Arc<CudaStream>>,
}

/// A moment in a device's work.
pub struct Moment {
    #[cfg(feature = "cuda")]
    event: Option<CudaEvent>,
}

#[cfg(feature = "cuda")]
impl Transfer {
    /// Of a device; what is on the CPU needs none.
    ///
    /// # Errors
    /// [`PlmError::Device`] where the device fails.
    pub fn new(device: &Device) -> Result<Self, PlmError> {
        let copies = match device {
            Device::Cuda(device) => Some(device.cuda_stream().fork().map_err(wrap)?),
            _ => None,
        };
        Ok(Self { copies })
    }

    /// Now: after all that was asked of the device so far.
    ///
    /// # Errors
    /// [`PlmError::Device`] where the device fails.
    pub fn now(&self, device: &Device) -> Result<Moment, PlmError> {
        let event = match device {
            Device::Cuda(device) => Some(device.cuda_stream().record_event(None).map_err(wrap)?),
            _ => None,
        };
        Ok(Moment { event })
    }

    /// Appends a tensor's numbers (f32, in order), which were there at a moment.
    ///
    /// # Errors
    /// [`PlmError::Device`] where the device fails.
    pub fn fetch(
        &self,
        tensor: &Tensor,
        there: &Moment,
        to: &mut Vec<f32>,
    ) -> Result<(), PlmError> {
        let (Some(copies), Some(event)) = (&self.copies, &there.event) else {
            to.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
            return Ok(());
        };
        let (storage, layout) = tensor.storage_and_layout();
        let (Storage::Cuda(storage), Some((start, end))) = (&*storage, layout.contiguous_offsets())
        else {
            let message = "results are contiguous, and on the device that computed them";
            return Err(candle_core::Error::Msg(message.into()).into());
        };
        let slice = storage.as_cuda_slice::<f32>()?.slice(start..end);
        let old = to.len();
        to.resize(old + (end - start), 0.0);
        copies.wait(event).map_err(wrap)?;
        copies.memcpy_dtoh(&slice, &mut to[old..]).map_err(wrap)?;
        // the tensor's memory may be used again as soon as it is dropped
        copies.synchronize().map_err(wrap)?;
        Ok(())
    }
}

#[cfg(not(feature = "cuda"))]
impl Transfer {
    /// Of a device; what is on the CPU needs none.
    ///
    /// # Errors
    /// Never: this build has the CPU alone.
    pub fn new(_: &Device) -> Result<Self, PlmError> {
        Ok(Self {})
    }

    /// Now: after all that was asked of the device so far.
    ///
    /// # Errors
    /// Never: this build has the CPU alone.
    pub fn now(&self, _: &Device) -> Result<Moment, PlmError> {
        Ok(Moment {})
    }

    /// Appends a tensor's numbers (f32, in order), which were there at a moment.
    ///
    /// # Errors
    /// [`PlmError::Device`] where they are not f32.
    pub fn fetch(&self, tensor: &Tensor, _: &Moment, to: &mut Vec<f32>) -> Result<(), PlmError> {
        to.extend(tensor.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    }
}

#[cfg(feature = "cuda")]
fn wrap(error: candle_core::cuda_backend::cudarc::driver::DriverError) -> candle_core::Error {
    candle_core::Error::wrap(error)
}

/// Bytes of memory that a device has free.
#[cfg(feature = "cuda")]
pub(crate) fn free_memory(device: &Device) -> Option<usize> {
    let Device::Cuda(device) = device else {
        return None;
    };
    let (free, _) = device.cuda_stream().context().mem_get_info().ok()?;
    Some(free)
}

/// Bytes of memory that a device has free.
#[cfg(not(feature = "cuda"))]
pub(crate) fn free_memory(_: &Device) -> Option<usize> {
    None
}
