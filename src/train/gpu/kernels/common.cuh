// What all kernels share: numbers of two types, and sums over the threads of a block or warp.
#pragma once
#include <cuda_bf16.h>

typedef unsigned long long u64;

// Threads of the largest block.
#define MOST 512
#define WARP 32
#define EVERY 0xffffffffu
// Marks an entry whose activation is the forced one.
#define FORCED 0x80000000u
#define NONE 0xffffffffu

// Columns of the counts of a row.
#define COUNT 0
#define SPLIT 1
#define PREDICTED 2
#define PARTICIPATING 3
#define LIFTED 4
#define COUNTS 5

__device__ __forceinline__ float number(float value) { return value; }
__device__ __forceinline__ float number(__nv_bfloat16 value) { return __bfloat162float(value); }

__device__ __forceinline__ void put(float *to, float value) { *to = value; }
__device__ __forceinline__ void put(__nv_bfloat16 *to, float value) { *to = __float2bfloat16(value); }

// Sum over the threads of a block, for all of them; a tree, so always in the same order.
template <class T> __device__ T block_sum(T value, T *scratch) {
    scratch[threadIdx.x] = value;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            scratch[threadIdx.x] += scratch[threadIdx.x + half];
        __syncthreads();
    }
    T sum = scratch[0];
    __syncthreads();
    return sum;
}

// Sum over the threads of a warp, for all of them.
__device__ __forceinline__ float warp_sum(float value) {
    for (int lane = WARP / 2; lane > 0; lane /= 2)
        value += __shfl_xor_sync(EVERY, value, lane);
    return value;
}

// How many threads before this one, in the block, have the flag; `total` counts all of them.
__device__ unsigned block_rank(bool flag, unsigned *counts, unsigned *total) {
    unsigned lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    unsigned flags = __ballot_sync(EVERY, flag);
    if (lane == 0)
        counts[warp] = __popc(flags);
    __syncthreads();
    unsigned before = 0, all = 0;
    for (unsigned w = 0; w < blockDim.x / WARP; w++) {
        before += w < warp ? counts[w] : 0;
        all += counts[w];
    }
    __syncthreads();
    *total = all;
    return before + __popc(flags & ((1u << lane) - 1));
}

// Number of the thread in a grid of one dimension.
__device__ __forceinline__ u64 place() { return (u64)blockIdx.x * blockDim.x + threadIdx.x; }
