// Rows of activations: taken from a table that lies on the GPU, and centred.
#pragma once
#include "common.cuh"

// The number that a half-precision pattern stands for; exact.
__device__ __forceinline__ float of_half(unsigned short bits) {
    unsigned sign = (unsigned)(bits & 0x8000) << 16, rest = bits & 0x7fff;
    // exponents of half precision end 112 below those of single precision
    float magnitude = __uint_as_float(rest << 13) * __uint_as_float(0x77800000u);
    return __uint_as_float(__float_as_uint(magnitude) | sign);
}

// x[b, i] = scale * table[rows[b], i]; a block a row. Infinities do not occur: they were refused.
__device__ __forceinline__ float held(const float *table, u64 at) { return table[at]; }
__device__ __forceinline__ float held(const unsigned short *table, u64 at) { return of_half(table[at]); }

template <class T>
__device__ void take(const T *table, const unsigned *rows, float scale, unsigned d, float *x) {
    const T *from = table + (u64)rows[blockIdx.x] * d;
    for (unsigned i = threadIdx.x; i < d; i += blockDim.x)
        x[(u64)blockIdx.x * d + i] = scale * held(from, i);
}

extern "C" __global__ void take_f32(const float *table, const unsigned *rows, float scale, unsigned d, float *x) {
    take(table, rows, scale, d, x);
}

extern "C" __global__ void take_f16(const unsigned short *table, const unsigned *rows, float scale, unsigned d,
                                    float *x) {
    take(table, rows, scale, d, x);
}

// xc = x - b_dec; a block a row.
template <class T> __device__ void center(const float *x, const float *b_dec, unsigned d, T *xc) {
    for (unsigned i = threadIdx.x; i < d; i += blockDim.x) {
        u64 at = (u64)blockIdx.x * d + i;
        put(xc + at, x[at] - b_dec[i]);
    }
}

extern "C" __global__ void center_f32(const float *x, const float *b_dec, unsigned d, float *xc) {
    center(x, b_dec, d, xc);
}

extern "C" __global__ void center_bf16(const float *x, const float *b_dec, unsigned d, __nv_bfloat16 *xc) {
    center(x, b_dec, d, xc);
}

// Weights as operands of products: `count` numbers, a thread each.
extern "C" __global__ void round_bf16(const float *from, unsigned rows, unsigned d, __nv_bfloat16 *to) {
    u64 at = place();
    if (at < (u64)rows * d)
        to[at] = __float2bfloat16(from[at]);
}
