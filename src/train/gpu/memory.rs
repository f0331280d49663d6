//! Memory that holds numbers.

use super::{Arg, GpuBackend, GpuError, View};
use bytemuck::{AnyBitPattern, NoUninit};

/// Memory of a machine that grows where more is needed, and then forgets what it held.
#[derive(Debug)]
pub(crate) struct Buffer<M: GpuBackend> {
    memory: M::Memory,
    bytes: usize,
}

impl<M: GpuBackend> Buffer<M> {
    /// Of so many bytes, all 0; one at least, so that there is something to point at.
    pub(crate) fn zeros(machine: &M, bytes: usize) -> Result<Self, GpuError> {
        let memory = machine.zeros(bytes.max(1))?;
        Ok(Self { memory, bytes })
    }

    /// Holding these numbers.
    pub(crate) fn of<T: NoUninit>(machine: &M, values: &[T]) -> Result<Self, GpuError> {
        let mut buffer = Self::zeros(machine, size_of_val(values))?;
        buffer.put(machine, values)?;
        Ok(buffer)
    }

    /// At least so large.
    pub(crate) fn reserve(&mut self, machine: &M, bytes: usize) -> Result<(), GpuError> {
        if bytes > self.bytes {
            // the old goes first: there may not be room for both
            self.memory = machine.zeros(1)?;
            self.bytes = 0;
            *self = Self::zeros(machine, bytes)?;
        }
        Ok(())
    }

    /// Replaces the first numbers; grows where these are more.
    pub(crate) fn put<T: NoUninit>(&mut self, machine: &M, values: &[T]) -> Result<(), GpuError> {
        self.reserve(machine, size_of_val(values))?;
        self.put_at(machine, 0, values)
    }

    /// Replaces the numbers from number `from` on.
    pub(crate) fn put_at<T: NoUninit>(
        &mut self,
        machine: &M,
        from: usize,
        values: &[T],
    ) -> Result<(), GpuError> {
        if values.is_empty() {
            return Ok(());
        }
        let bytes = bytemuck::cast_slice(values);
        machine.upload(bytes, &mut self.memory, from * size_of::<T>())
    }

    /// As [`Buffer::put`], beside what is computed.
    pub(crate) fn send<T: NoUninit>(&mut self, machine: &M, values: &[T]) -> Result<(), GpuError> {
        self.reserve(machine, size_of_val(values))?;
        if values.is_empty() {
            return Ok(());
        }
        machine.send(bytemuck::cast_slice(values), &mut self.memory)
    }

    /// Fetches numbers, from number `from` on.
    pub(crate) fn fetch<T: NoUninit + AnyBitPattern>(
        &self,
        machine: &M,
        from: usize,
        to: &mut [T],
    ) -> Result<(), GpuError> {
        if to.is_empty() {
            return Ok(());
        }
        let from = from * size_of::<T>();
        machine.download(&self.memory, from, bytemuck::cast_slice_mut(to))
    }

    /// All 0.
    pub(crate) fn clear(&mut self, machine: &M) -> Result<(), GpuError> {
        machine.clear(&mut self.memory)
    }

    /// As a kernel's argument.
    pub(crate) fn arg(&self) -> Arg<'_, M::Memory> {
        Arg::At(&self.memory, 0)
    }

    /// As a kernel's argument, from f32 number `from` on.
    pub(crate) fn from(&self, from: usize) -> Arg<'_, M::Memory> {
        Arg::At(&self.memory, from * size_of::<f32>())
    }

    /// As a factor or result of a product.
    pub(crate) fn view(&self, from: usize, stride: usize) -> View<'_, M::Memory> {
        View {
            memory: &self.memory,
            from,
            stride,
        }
    }
}

/// A kernel's number argument.
pub(crate) fn count<M: 'static>(value: usize) -> Arg<'static, M> {
    // sizes are checked when an engine is made
    Arg::U32(value as u32)
}

/// A buffer as a kernel's argument, or `nullptr`.
pub(crate) fn or_null<M: GpuBackend>(buffer: Option<&Buffer<M>>) -> Arg<'_, M::Memory> {
    buffer.map_or(Arg::Null, Buffer::arg)
}
