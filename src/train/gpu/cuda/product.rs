//! Products of matrices by cuBLAS, with sums in f32.

use super::{Memory, Shared, failed};
use crate::train::gpu::{GpuError, Operand, Product, View};
use candle_core::cuda_backend::cudarc::{
    cublas::{
        result::gemm_ex,
        sys::{cublasComputeType_t, cublasGemmAlgo_t, cublasOperation_t, cudaDataType},
    },
    driver::{result::memset_d8_async, sys::CUdeviceptr},
};
use std::{ffi::c_int, ptr::from_ref};

/// A view as cuBLAS reads it, column by column: turned against how it is held.
struct Factor {
    at: CUdeviceptr,
    stride: c_int,
    operation: cublasOperation_t,
}

fn size(value: usize) -> Result<c_int, GpuError> {
    c_int::try_from(value).map_err(|_| failed(format_args!("a product of size {value}")))
}

/// `shape`: rows and columns that it has in the product.
fn factor(
    view: &View<'_, Memory>,
    shape: (usize, usize),
    turned: bool,
    bytes: usize,
) -> Result<Factor, GpuError> {
    let (rows, columns) = if turned { (shape.1, shape.0) } else { shape };
    // the distance to a second row that is not there may be anything
    let stride = if rows > 1 { view.stride } else { columns };
    Ok(Factor {
        at: view.memory.pointer + (view.from * bytes) as u64,
        stride: size(stride)?,
        operation: if turned {
            cublasOperation_t::CUBLAS_OP_T
        } else {
            cublasOperation_t::CUBLAS_OP_N
        },
    })
}

/// A product whose views lie within their memories, as [`Product::check`] says.
pub(crate) fn multiply(shared: &Shared, product: &Product<'_, Memory>) -> Result<(), GpuError> {
    let (rows, columns, inner) = (product.rows, product.columns, product.inner);
    if rows == 0 || columns == 0 {
        return Ok(());
    }
    let context = shared.compute.context();
    context.bind_to_thread().map_err(failed)?;
    if inner == 0 {
        return clear(shared, product);
    }
    let (kind, bytes) = match product.operand {
        Operand::F32 => (cudaDataType::CUDA_R_32F, 4),
        Operand::Bf16 => (cudaDataType::CUDA_R_16BF, 2),
    };
    let a = factor(&product.a, (rows, inner), product.a_turned, bytes)?;
    let b = factor(&product.b, (inner, columns), product.b_turned, bytes)?;
    let c = factor(&product.c, (rows, columns), false, 4)?;
    let (one, zero) = (1.0f32, 0.0f32);
    let blas = shared.device.cublas_handle();
    // cuBLAS holds matrices column by column, as which c is turned: c' = b' a'
    //
    // SAFETY: the handle lives as long as `blas`, and works on the computing stream. The three matrices lie
    // within memory that is freed in the order of that stream; no stride is below the length of a row as it
    // is held. `one` and `zero` are read before the call returns: the handle takes host pointers.
    #[expect(unsafe_code, reason = "cuBLAS is called by pointers")]
    let done = unsafe {
        gemm_ex(
            *blas.handle(),
            b.operation,
            a.operation,
            size(columns)?,
            size(rows)?,
            size(inner)?,
            from_ref(&one).cast(),
            b.at as *const _,
            kind,
            b.stride,
            a.at as *const _,
            kind,
            a.stride,
            from_ref(&zero).cast(),
            c.at as *mut _,
            cudaDataType::CUDA_R_32F,
            c.stride,
            // plain f32, never TF32
            cublasComputeType_t::CUBLAS_COMPUTE_32F,
            cublasGemmAlgo_t::CUBLAS_GEMM_DFALT,
        )
    };
    done.map_err(|error| {
        failed(format_args!(
            "a product of {rows} x {inner} and {inner} x {columns}: {error:?}"
        ))
    })
}

/// Sums of nothing.
fn clear(shared: &Shared, product: &Product<'_, Memory>) -> Result<(), GpuError> {
    for row in 0..product.rows {
        let from = (product.c.from + row * product.c.stride) * 4;
        let at = product.c.memory.pointer + from as u64;
        // SAFETY: the row lies within memory that is freed in the order of the same stream.
        #[expect(unsafe_code, reason = "memory that others borrow, too")]
        let cleared =
            unsafe { memset_d8_async(at, 0, product.columns * 4, shared.compute.cu_stream()) };
        cleared.map_err(failed)?;
    }
    Ok(())
}
