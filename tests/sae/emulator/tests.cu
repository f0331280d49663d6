// What the emulator must do, and must find.
#include <cuda_bf16.h>

#define EVERY 0xffffffffu

// Sums of the numbers of each block, of up to 256 threads.
extern "C" __global__ void sum_blocks(const float *from, unsigned count, float scale, float *sums) {
    __shared__ float scratch[256];
    unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
    scratch[threadIdx.x] = at < count ? from[at] : 0.0f;
    __syncthreads();
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half)
            scratch[threadIdx.x] += scratch[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0)
        sums[blockIdx.y * gridDim.x + blockIdx.x] = scale * scratch[0];
}

// What each thread gets from the lanes of its warp, [5, threads].
extern "C" __global__ void exchange(unsigned *out) {
    unsigned t = threadIdx.x, all = blockDim.x;
    out[t] = __shfl_xor_sync(EVERY, t, 5);
    out[all + t] = __shfl_up_sync(EVERY, t, 3);
    out[2 * all + t] = __shfl_down_sync(EVERY, t, 3);
    out[3 * all + t] = __shfl_sync(EVERY, t, 7);
    out[4 * all + t] = __popc(__ballot_sync(EVERY, t % 3 == 0) & ((1u << t % 32) - 1));
}

// How many threads have a flag, said to all of them.
extern "C" __global__ void vote(unsigned *out) { out[threadIdx.x] = __syncthreads_count(threadIdx.x % 7 == 0); }

// Numbers that were rounded.
extern "C" __global__ void rounded(const float *from, float *to) {
    __nv_bfloat16 near = __float2bfloat16(from[threadIdx.x]);
    to[threadIdx.x] = __bfloat162float(near);
}

// Remainders by 8, counted; `before` is unique to each thread.
extern "C" __global__ void tally(unsigned *before, unsigned *counts) {
    __shared__ unsigned own[8];
    __shared__ unsigned all;
    if (threadIdx.x < 8)
        own[threadIdx.x] = 0;
    if (threadIdx.x == 0)
        all = 0;
    __syncthreads();
    atomicAdd(&own[threadIdx.x % 8], 1u);
    before[threadIdx.x] = atomicAdd(&all, 1u);
    __syncthreads();
    if (threadIdx.x < 8)
        atomicAdd(counts + threadIdx.x, own[threadIdx.x]);
}

// The name of a C function, with another meaning.
extern "C" __global__ void select(unsigned *out) { out[threadIdx.x] = blockIdx.y; }

// Each thread writes where it must not be the only one.
extern "C" __global__ void race(unsigned *out) { *out = threadIdx.x; }

extern "C" __global__ void miss_barrier(unsigned *out) {
    if (threadIdx.x < 3)
        __syncthreads();
    out[threadIdx.x] = 1;
}

extern "C" __global__ void part_at_barriers(unsigned *out) {
    if (threadIdx.x < 3)
        __syncthreads();
    else
        __syncthreads();
    out[threadIdx.x] = 1;
}

extern "C" __global__ void leave_warp(unsigned *out) {
    if (threadIdx.x == 5)
        return;
    out[threadIdx.x] = __ballot_sync(EVERY, true);
}

extern "C" __global__ void write_at(unsigned at, unsigned char *out) { out[at] = 1; }

extern "C" __global__ void index_array(unsigned at, unsigned *out) {
    __shared__ unsigned few[4];
    few[at] = 1;
    out[0] = few[0];
}

extern "C" __global__ void shift(unsigned by, unsigned *out) { *out = 1u << by; }
