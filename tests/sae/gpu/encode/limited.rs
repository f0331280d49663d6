//! A machine whose memory is short: allocations above a limit fail as those of a full card do.

use protsae::train::gpu::{Arg, GpuBackend, GpuError, Product};
use std::{cell::Cell, rc::Rc};

/// Another machine, with a limit.
#[derive(Clone, Debug)]
pub(super) struct Limited<M> {
    machine: M,
    /// Most bytes of an allocation, and allocations that were refused.
    limit: Rc<Cell<usize>>,
    refused: Rc<Cell<usize>>,
}

impl<M> Limited<M> {
    /// Of so many bytes an allocation.
    pub(super) fn new(machine: M, limit: usize) -> Self {
        Self {
            machine,
            limit: Rc::new(Cell::new(limit)),
            refused: Rc::default(),
        }
    }

    /// From now on, so many bytes.
    pub(super) fn allow(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// Allocations that were refused.
    pub(super) fn refused(&self) -> usize {
        self.refused.get()
    }
}

impl<M: GpuBackend> GpuBackend for Limited<M> {
    type Memory = M::Memory;

    fn zeros(&self, bytes: usize) -> Result<M::Memory, GpuError> {
        if bytes > self.limit.get() {
            self.refused.set(self.refused.get() + 1);
            return Err(GpuError::Memory { bytes });
        }
        self.machine.zeros(bytes)
    }

    fn clear(&self, memory: &mut M::Memory) -> Result<(), GpuError> {
        self.machine.clear(memory)
    }

    fn upload(&self, data: &[u8], to: &mut M::Memory, from: usize) -> Result<(), GpuError> {
        self.machine.upload(data, to, from)
    }

    fn send(&self, data: &[u8], to: &mut M::Memory) -> Result<(), GpuError> {
        self.machine.send(data, to)
    }

    fn arrived(&self) -> Result<(), GpuError> {
        self.machine.arrived()
    }

    fn download(&self, of: &M::Memory, from: usize, to: &mut [u8]) -> Result<(), GpuError> {
        self.machine.download(of, from, to)
    }

    #[expect(unsafe_code, reason = "kernels take pointers")]
    unsafe fn launch(
        &self,
        kernel: &'static str,
        grid: [usize; 2],
        threads: usize,
        arguments: &[Arg<'_, M::Memory>],
    ) -> Result<(), GpuError> {
        // SAFETY: the caller's promise is that of this machine.
        unsafe { self.machine.launch(kernel, grid, threads, arguments) }
    }

    fn multiply(&self, product: &Product<'_, M::Memory>) -> Result<(), GpuError> {
        self.machine.multiply(product)
    }

    fn free(&self) -> Result<Option<usize>, GpuError> {
        self.machine.free()
    }
}
