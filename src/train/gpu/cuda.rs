//! An NVIDIA GPU: kernels as PTX that the driver compiles for the card, products by cuBLAS.
//!
//! All computing is asked of one stream, so it takes effect in order. What is sent ahead has a second
//! stream: its copies wait for the last use of the memory that they fill, and for nothing else.

mod product;
mod staging;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Arg, GpuBackend, GpuError, Product, check_range};
use candle_core::cuda_backend::{
    CudaDevice,
    cudarc::driver::{
        CudaEvent, CudaFunction, CudaSlice, CudaStream, DevicePtr, DriverError, LaunchConfig,
        PushKernelArg,
        sys::{CUdeviceptr, cudaError_enum},
    },
};
use staging::Staging;

/// What `build.rs` made of `kernels.cu`.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));
/// The name under which candle keeps it.
const MODULE: &str = "protsae";

/// A GPU; clones are the same one.
#[derive(Clone)]
pub struct Cuda {
    shared: Arc<Shared>,
}

struct Shared {
    device: CudaDevice,
    compute: Arc<CudaStream>,
    kernels: Mutex<BTreeMap<&'static str, CudaFunction>>,
    staging: Mutex<Staging>,
}

/// Memory on a GPU.
#[derive(Debug)]
pub struct Memory {
    slice: CudaSlice<u8>,
    /// Where it begins; the slice would tell only at the price of two calls of the driver.
    pointer: CUdeviceptr,
    bytes: usize,
    /// The end of its last use by the computing stream; kept for memory that is sent to.
    used: Option<CudaEvent>,
}

/// A kernel's argument as the driver reads it.
enum Slot {
    Pointer(CUdeviceptr),
    U32(u32),
    F32(f32),
}

impl fmt::Debug for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cuda").field(&self.shared.device).finish()
    }
}

fn failed(error: impl fmt::Display) -> GpuError {
    GpuError::Failed(error.to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // what a panic may leave half-done is at most a copy that nobody waits for
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cuda {
    /// Opens the GPU of a number.
    ///
    /// # Errors
    /// [`GpuError::Failed`] where there is none, or it cannot be used.
    pub fn new(number: usize) -> Result<Self, GpuError> {
        let device = CudaDevice::new_with_stream(number)
            .map_err(|error| failed(format_args!("GPU {number} does not open: {error}")))?;
        let compute = device.cuda_stream();
        let staging = Staging::new(&compute).map_err(failed)?;
        let shared = Shared {
            device,
            compute,
            kernels: Mutex::default(),
            staging: Mutex::new(staging),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    fn kernel(&self, name: &'static str) -> Result<CudaFunction, GpuError> {
        let mut kernels = lock(&self.shared.kernels);
        if let Some(function) = kernels.get(name) {
            return Ok(function.clone());
        }
        let loaded = self
            .shared
            .device
            .get_or_load_custom_func(name, MODULE, PTX);
        let function = loaded
            .map_err(|error| failed(format_args!("kernel {name}: {error}")))?
            .into_cuda_function();
        kernels.insert(name, function.clone());
        Ok(function)
    }

    /// Notes that the computing stream was just asked to use a memory.
    fn note_use(&self, memory: &Memory) -> Result<(), GpuError> {
        match &memory.used {
            Some(event) => event.record(&self.shared.compute).map_err(failed),
            None => Ok(()),
        }
    }
}

impl GpuBackend for Cuda {
    type Memory = Memory;

    fn zeros(&self, bytes: usize) -> Result<Memory, GpuError> {
        let compute = &self.shared.compute;
        // the driver has no memory of 0 bytes
        let slice = compute
            .alloc_zeros(bytes.max(1))
            .map_err(|error| out_of_memory(error, bytes))?;
        let (pointer, _) = slice.device_ptr(compute);
        Ok(Memory {
            slice,
            pointer,
            bytes,
            used: None,
        })
    }

    fn clear(&self, memory: &mut Memory) -> Result<(), GpuError> {
        let cleared = self.shared.compute.memset_zeros(&mut memory.slice);
        cleared.map_err(failed)?;
        self.note_use(memory)
    }

    fn upload(&self, data: &[u8], to: &mut Memory, from: usize) -> Result<(), GpuError> {
        check_range(from, data.len(), to.bytes)?;
        if data.is_empty() {
            return Ok(());
        }
        let mut part = to.slice.slice_mut(from..from + data.len());
        // memory that is not pinned has been read when this returns
        self.shared
            .compute
            .memcpy_htod(data, &mut part)
            .map_err(failed)?;
        self.note_use(to)
    }

    fn send(&self, data: &[u8], to: &mut Memory) -> Result<(), GpuError> {
        check_range(0, data.len(), to.bytes)?;
        if data.is_empty() {
            return Ok(());
        }
        if to.used.is_none() {
            // the first time, whatever was asked so far may use it
            let now = self.shared.compute.record_event(None).map_err(failed)?;
            to.used = Some(now);
        }
        lock(&self.shared.staging)
            .send(data, &mut to.slice, to.used.as_ref())
            .map_err(|error| out_of_memory(error, data.len()))
    }

    fn arrived(&self) -> Result<(), GpuError> {
        match lock(&self.shared.staging).last() {
            Some(end) => self.shared.compute.wait(end).map_err(failed),
            None => Ok(()),
        }
    }

    fn download(&self, of: &Memory, from: usize, to: &mut [u8]) -> Result<(), GpuError> {
        check_range(from, to.len(), of.bytes)?;
        if to.is_empty() {
            return Ok(());
        }
        let compute = &self.shared.compute;
        let part = of.slice.slice(from..from + to.len());
        let copied = compute.memcpy_dtoh(&part, to);
        // also where it failed: nothing may be on its way to what the caller borrowed to us
        compute.synchronize().and(copied).map_err(failed)?;
        self.note_use(of)
    }

    #[expect(unsafe_code, reason = "kernels take pointers")]
    unsafe fn launch(
        &self,
        kernel: &'static str,
        grid: [usize; 2],
        threads: usize,
        arguments: &[Arg<'_, Memory>],
    ) -> Result<(), GpuError> {
        let slot = |argument: &Arg<'_, Memory>| {
            Ok(match argument {
                Arg::At(memory, from) => {
                    check_range(*from, 0, memory.bytes)?;
                    Slot::Pointer(memory.pointer + *from as u64)
                }
                Arg::Null => Slot::Pointer(0),
                Arg::U32(value) => Slot::U32(*value),
                Arg::F32(value) => Slot::F32(*value),
            })
        };
        let slots: Vec<Slot> = arguments
            .iter()
            .map(slot)
            .collect::<Result<_, GpuError>>()?;
        let size = |value: usize| u32::try_from(value).map_err(failed);
        let config = LaunchConfig {
            grid_dim: (size(grid[0])?, size(grid[1])?, 1),
            block_dim: (size(threads)?, 1, 1),
            shared_mem_bytes: 0,
        };
        let function = self.kernel(kernel)?;
        let mut launch = self.shared.compute.launch_builder(&function);
        for slot in &slots {
            match slot {
                Slot::Pointer(value) => launch.arg(value),
                Slot::U32(value) => launch.arg(value),
                Slot::F32(value) => launch.arg(value),
            };
        }
        // SAFETY: `slots` outlives the call, which copies the arguments. Pointers are null, or within memory
        // that is freed in the order of the same stream, so not before the kernel ends. That the arguments
        // are those of the kernel, and that it keeps within them, is the caller's promise.
        let launched = unsafe { launch.launch(config) };
        launched.map_err(|error| failed(format_args!("kernel {kernel}: {error}")))?;
        for argument in arguments {
            if let Arg::At(memory, _) = argument {
                self.note_use(memory)?;
            }
        }
        Ok(())
    }

    fn multiply(&self, product: &Product<'_, Memory>) -> Result<(), GpuError> {
        product.check(|memory| memory.bytes)?;
        product::multiply(&self.shared, product)?;
        for view in [&product.a, &product.b, &product.c] {
            self.note_use(view.memory)?;
        }
        Ok(())
    }

    fn free(&self) -> Result<Option<usize>, GpuError> {
        let free = self.shared.compute.context().mem_get_info();
        let (free, _) = free.map_err(failed)?;
        Ok(Some(free))
    }
}

fn out_of_memory(error: DriverError, bytes: usize) -> GpuError {
    if error.0 == cudaError_enum::CUDA_ERROR_OUT_OF_MEMORY {
        GpuError::Memory { bytes }
    } else {
        failed(error)
    }
}
