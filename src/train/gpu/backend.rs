//! What the engine asks of a GPU: memory, copies, kernels, matrix products. Calls take effect in
//! order; all but downloads return at once.

use super::{GpuError, Operand};
use std::fmt::Debug;

/// An argument of a kernel.
#[derive(Debug)]
pub enum Arg<'a, M> {
    /// A pointer: memory, from a byte on.
    At(&'a M, usize),
    /// `nullptr`.
    Null,
    /// `unsigned`.
    U32(u32),
    /// `float`.
    F32(f32),
}

impl<M> Clone for Arg<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

// whatever the memory is: only the way to it is copied
impl<M> Copy for Arg<'_, M> {}

/// Numbers in memory, row by row.
#[derive(Debug)]
pub struct View<'a, M> {
    /// The memory.
    pub memory: &'a M,
    /// Number that the view begins with.
    pub from: usize,
    /// Numbers from one row to the next.
    pub stride: usize,
}

impl<M> Clone for View<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for View<'_, M> {}

/// `c[i, j] = sum over k of a(i, k) b(k, j)`, all row by row.
#[derive(Debug)]
pub struct Product<'a, M> {
    /// Type of `a` and `b`; `c` is f32.
    pub operand: Operand,
    /// a(i, k), held as `[i, k]`, or as `[k, i]` where it is turned.
    pub a: View<'a, M>,
    /// Whether `a` is held as `[k, i]`.
    pub a_turned: bool,
    /// b(k, j), held as `[k, j]`, or as `[j, k]` where it is turned.
    pub b: View<'a, M>,
    /// Whether `b` is held as `[j, k]`.
    pub b_turned: bool,
    /// c(i, j), f32, held as `[i, j]`.
    pub c: View<'a, M>,
    /// Values of i.
    pub rows: usize,
    /// Values of j.
    pub columns: usize,
    /// Values of k.
    pub inner: usize,
}

impl<M> Clone for Product<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Product<'_, M> {}

/// A GPU, or what stands for one.
pub trait GpuBackend: Debug {
    /// Memory on it.
    type Memory: Debug + 'static;

    /// Memory of so many bytes, all 0.
    ///
    /// # Errors
    /// [`GpuError::Memory`] where there is not so much.
    fn zeros(&self, bytes: usize) -> Result<Self::Memory, GpuError>;

    /// Sets all of a memory to 0.
    ///
    /// # Errors
    /// Where the machine fails; so for all that follow.
    fn clear(&self, memory: &mut Self::Memory) -> Result<(), GpuError>;

    /// Copies to the machine, from a byte of the memory on. The source may be changed as soon as this
    /// returns.
    ///
    /// # Errors
    /// Where the machine fails.
    fn upload(&self, data: &[u8], to: &mut Self::Memory, from: usize) -> Result<(), GpuError>;

    /// Begins to copy beside what the machine computes; [`GpuBackend::arrived`] waits for it. Memory that
    /// is computed with meanwhile must be another.
    ///
    /// # Errors
    /// Where the machine fails.
    fn send(&self, data: &[u8], to: &mut Self::Memory) -> Result<(), GpuError>;

    /// What is asked from now on waits for the copies that [`GpuBackend::send`] began.
    ///
    /// # Errors
    /// Where the machine fails.
    fn arrived(&self) -> Result<(), GpuError>;

    /// Copies from the machine, after all that was asked of it before.
    ///
    /// # Errors
    /// Where the machine fails.
    fn download(&self, of: &Self::Memory, from: usize, to: &mut [u8]) -> Result<(), GpuError>;

    /// Runs a kernel of `kernels.cu` with a grid of blocks (x, y) of so many threads.
    ///
    /// # Safety
    /// The arguments are of the kinds that the kernel takes, in its order, and with this grid and these counts it keeps
    /// within their memories.
    ///
    /// # Errors
    /// Where the machine fails.
    #[expect(unsafe_code, reason = "kernels take pointers")]
    unsafe fn launch(
        &self,
        kernel: &'static str,
        grid: [usize; 2],
        threads: usize,
        arguments: &[Arg<'_, Self::Memory>],
    ) -> Result<(), GpuError>;

    /// Multiplies two matrices.
    ///
    /// # Errors
    /// Where the machine fails.
    fn multiply(&self, product: &Product<'_, Self::Memory>) -> Result<(), GpuError>;

    /// Bytes that are free, where the machine knows.
    ///
    /// # Errors
    /// Where the machine fails.
    fn free(&self) -> Result<Option<usize>, GpuError>;
}
