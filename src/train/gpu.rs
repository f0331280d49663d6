//! Training steps on a GPU: the same mathematics as [`super::cpu::Engine`], in kernels of their own
//! (`gpu/kernels.cu`) and matrix products with operands of two bytes.
//!
//! [`Machine`] is all that the engine knows of the hardware; `cuda` is the one to use, and tests have
//! another, which runs the same kernels on a CPU.

/// Launches a kernel of `kernels.cu` on a machine.
macro_rules! launch {
    ($machine:expr, $kernel:expr, $grid:expr, $threads:expr, $arguments:expr) => {{
        #[expect(unsafe_code, reason = "kernels take pointers")]
        // SAFETY: the memories are those of `Model`, `Work`, `Axioms` and `Held`, which are as large as their sizes say, and
        // the counts come from the same sizes; rows, labels and places of a batch were checked against them when it was put in
        // place. That kernels keep within that, with these arguments, is what tests on the emulated machine prove, which
        // checks every access.
        let launched = unsafe { $machine.launch($kernel, $grid, $threads, $arguments) };
        launched
    }};
}

mod axioms;
mod bounds;
#[cfg(feature = "cuda")]
pub mod cuda;
mod engine;
mod forward;
mod held;
mod learn;
mod machine;
mod memory;
mod model;
mod work;

pub use bounds::check_range;
pub use engine::{GpuEngine, check};
pub use held::Held;
pub use machine::{Arg, Machine, Operand, Product, View};
pub use work::bytes;

use crate::error::{Classify, ErrorKind};

/// What can go wrong on a GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GpuError {
    /// It has no memory left.
    #[error("the GPU has no room for {bytes} more bytes; lower --batch or --latents")]
    Memory {
        /// What was asked for.
        bytes: usize,
    },
    /// There is none, or it fails.
    #[error("the GPU failed: {0}")]
    Failed(String),
    /// A batch that no step can be made with.
    #[error("a batch that does not fit the model: {0}")]
    Batch(String),
    /// Something that only the CPU can do.
    #[error("{0} trains on the CPU alone: --device cpu")]
    CpuOnly(String),
}

impl Classify for GpuError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Memory { .. } => ErrorKind::Memory,
            Self::Failed(_) | Self::Batch(_) => ErrorKind::Data,
            Self::CpuOnly(_) => ErrorKind::Usage,
        }
    }
}
