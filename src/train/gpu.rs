//! Training steps on a GPU: the same mathematics as [`super::cpu::Engine`], in kernels of their own
//! (`gpu/kernels.cu`) and matrix products with operands of two bytes. [`GpuEncoder`] applies a trained model by the same
//! kernels.
//!
//! [`GpuBackend`] is all that the engine knows of the hardware; `cuda` is the one to use, and tests have
//! another, which runs the same kernels on a CPU.

/// Launches a kernel of `kernels.cu` on a machine.
macro_rules! launch {
    ($machine:expr, $kernel:expr, $grid:expr, $threads:expr, $arguments:expr) => {{
        #[expect(unsafe_code, reason = "kernels take pointers")]
        // SAFETY: the memories are those of `Model`, `StepBuffers`, `Axioms`, `ResidentRows` and `GpuEncoder`, which are as
        // large as their sizes say, and the counts come from the same sizes; rows, labels and places of a batch were checked
        // against them when it was put in place. That kernels keep within that, with these arguments, is what tests on the
        // emulated machine prove, which checks every access.
        let launched = unsafe { $machine.launch($kernel, $grid, $threads, $arguments) };
        launched
    }};
}

mod axioms;
mod backend;
mod bounds;
mod concepts;
#[cfg(feature = "cuda")]
pub mod cuda;
mod encode;
mod engine;
mod forward;
mod learn;
mod memory;
mod model;
mod resident_rows;
mod step_buffers;

pub use backend::{Arg, GpuBackend, Product, View};
pub use bounds::check_range;
pub use encode::GpuEncoder;
pub use engine::{GpuEngine, check};
pub use resident_rows::ResidentRows;
pub use step_buffers::bytes;

pub use crate::sae::{error::GpuError, settings::Operand};
