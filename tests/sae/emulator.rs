//! A machine made of a CPU: it runs the GPU's kernels, compiled by a C++ compiler, in a process of
//! its own. It is slow, and strict: a barrier that some threads miss, a pointer that leaves its
//! memory, an argument of another type are errors with the kernel's name.

mod compile;
mod link;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use link::Link;
use protsae::train::gpu::{Arg, GpuBackend, GpuError, Operand, Product, View, check_range};

/// Which blocks and threads come first. Whatever depends on it lacks a barrier.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// The machine.
#[derive(Clone, Debug)]
pub(crate) struct Emulator {
    link: Arc<Link>,
}

/// Its memory.
#[derive(Debug)]
pub(crate) struct Memory {
    link: Arc<Link>,
    id: u64,
    bytes: usize,
}

/// What is asked for, as the other side reads it.
#[derive(Clone, Copy)]
enum Operation {
    Allocate = 1,
    Release,
    Clear,
    Upload,
    Download,
    Launch,
    Multiply,
}

impl Emulator {
    /// With the kernels that the package has; none where there is no C++ compiler, with a word on stderr.
    pub(crate) fn new(order: Order) -> Option<Self> {
        let kernels = concat!(env!("CARGO_MANIFEST_DIR"), "/src/train/gpu/kernels.cu");
        Self::with_kernels(Path::new(kernels), order)
    }

    fn with_kernels(kernels: &Path, order: Order) -> Option<Self> {
        let executable = compile::executable(kernels)?;
        let link = Arc::new(Link::start(&executable, order));
        Some(Self { link })
    }

    fn ask(&self, operation: Operation, words: &[usize], data: &[u8]) -> Result<Vec<u8>, GpuError> {
        self.link.ask(&request(operation, words, data))
    }

    /// As [`GpuBackend::launch`], and safe: the other side checks arguments and every access.
    pub(crate) fn launch(
        &self,
        kernel: &'static str,
        grid: [usize; 2],
        threads: usize,
        arguments: &[Arg<'_, Memory>],
    ) -> Result<(), GpuError> {
        let mut data = kernel.as_bytes().to_vec();
        let mut words = vec![grid[0], grid[1], threads, arguments.len()];
        for argument in arguments {
            // kinds as launch.h counts them
            words.extend(match argument {
                Arg::At(memory, from) => {
                    check_range(*from, 0, memory.bytes)?;
                    self.link.settled(memory.id)?;
                    [0, memory.id(), *from]
                }
                Arg::Null => [0, 0, 0],
                Arg::U32(value) => [1, *value as usize, 0],
                Arg::F32(value) => [2, value.to_bits() as usize, 0],
            });
        }
        for word in words {
            data.extend((word as u64).to_ne_bytes());
        }
        self.ask(Operation::Launch, &[kernel.len()], &data)
            .map(drop)
    }
}

fn request(operation: Operation, words: &[usize], data: &[u8]) -> Vec<u8> {
    let mut out = (operation as u64).to_ne_bytes().to_vec();
    for word in words {
        out.extend((*word as u64).to_ne_bytes());
    }
    out.extend(data);
    out
}

impl Memory {
    fn id(&self) -> usize {
        usize::try_from(self.id).expect("they are counted from 1")
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.link.forget(self.id);
        // where the other side has ended, so has its memory
        let _ = self
            .link
            .ask(&request(Operation::Release, &[self.id()], &[]));
    }
}

impl GpuBackend for Emulator {
    type Memory = Memory;

    fn zeros(&self, bytes: usize) -> Result<Memory, GpuError> {
        let reply = self.ask(Operation::Allocate, &[bytes], &[]);
        let reply = reply.map_err(|error| match error {
            GpuError::Memory { .. } => GpuError::Memory { bytes },
            other => other,
        })?;
        let id = reply.try_into().expect("the id of a memory has 8 bytes");
        Ok(Memory {
            link: Arc::clone(&self.link),
            id: u64::from_ne_bytes(id),
            bytes,
        })
    }

    fn clear(&self, memory: &mut Memory) -> Result<(), GpuError> {
        self.link.settled(memory.id)?;
        self.ask(Operation::Clear, &[memory.id()], &[]).map(drop)
    }

    fn upload(&self, data: &[u8], to: &mut Memory, from: usize) -> Result<(), GpuError> {
        check_range(from, data.len(), to.bytes)?;
        self.link.settled(to.id)?;
        let words = [to.id(), from, data.len()];
        self.ask(Operation::Upload, &words, data).map(drop)
    }

    /// The copy is made when it is waited for: no sooner can its numbers be relied on.
    fn send(&self, data: &[u8], to: &mut Memory) -> Result<(), GpuError> {
        check_range(0, data.len(), to.bytes)?;
        let words = [to.id(), 0, data.len()];
        self.link
            .hold(to.id, request(Operation::Upload, &words, data));
        Ok(())
    }

    fn arrived(&self) -> Result<(), GpuError> {
        self.link.settle()
    }

    fn download(&self, of: &Memory, from: usize, to: &mut [u8]) -> Result<(), GpuError> {
        check_range(from, to.len(), of.bytes)?;
        self.link.settled(of.id)?;
        let words = [of.id(), from, to.len()];
        to.copy_from_slice(&self.ask(Operation::Download, &words, &[])?);
        Ok(())
    }

    #[expect(unsafe_code, reason = "on other machines kernels take pointers")]
    unsafe fn launch(
        &self,
        kernel: &'static str,
        grid: [usize; 2],
        threads: usize,
        arguments: &[Arg<'_, Memory>],
    ) -> Result<(), GpuError> {
        Emulator::launch(self, kernel, grid, threads, arguments)
    }

    fn multiply(&self, product: &Product<'_, Memory>) -> Result<(), GpuError> {
        product.check(|memory| memory.bytes)?;
        let half = usize::from(product.operand == Operand::Bf16);
        let mut words = vec![half, product.rows, product.columns, product.inner];
        let mut add = |view: &View<'_, Memory>, turned: bool| {
            let id = view.memory.id();
            words.extend([id, view.from, view.stride, usize::from(turned)]);
            self.link.settled(view.memory.id)
        };
        add(&product.a, product.a_turned)?;
        add(&product.b, product.b_turned)?;
        add(&product.c, false)?;
        self.ask(Operation::Multiply, &words, &[]).map(drop)
    }

    fn free(&self) -> Result<Option<usize>, GpuError> {
        Ok(None)
    }
}
