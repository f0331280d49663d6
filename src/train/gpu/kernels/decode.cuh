// From active latents to the reconstruction, its error, and back to the latents' slopes.
#pragma once
#include "common.cuh"

// Active latents as a matrix, [B, n], that was 0; a block a row.
template <class T>
__device__ void spread_out(const unsigned *latents, const float *values, const unsigned *counts, unsigned room,
                           unsigned n, T *z) {
    unsigned count = counts[blockIdx.x * COUNTS + COUNT];
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        u64 at = (u64)blockIdx.x * room + i;
        put(z + (u64)blockIdx.x * n + (latents[at] & ~FORCED), values[at]);
    }
}

extern "C" __global__ void spread_out_f32(const unsigned *latents, const float *values, const unsigned *counts,
                                          unsigned room, unsigned n, float *z) {
    spread_out(latents, values, counts, room, n, z);
}

extern "C" __global__ void spread_out_bf16(const unsigned *latents, const float *values, const unsigned *counts,
                                           unsigned room, unsigned n, __nv_bfloat16 *z) {
    spread_out(latents, values, counts, room, n, z);
}

// What concepts' latents reconstruct and what the others do, [B, d] each; a block a row and blockDim
// columns. For few active latents; for many, products of matrices are faster.
template <class T>
__device__ void decode(const unsigned *latents, const float *values, const unsigned *counts, unsigned room,
                       const T *dec, unsigned d, float *of_concepts, float *of_others) {
    unsigned i = blockIdx.y * blockDim.x + threadIdx.x;
    if (i >= d)
        return;
    unsigned split = counts[blockIdx.x * COUNTS + SPLIT], count = counts[blockIdx.x * COUNTS + COUNT];
    latents += (u64)blockIdx.x * room;
    values += (u64)blockIdx.x * room;
    float sum = 0.0f;
#pragma unroll 4
    for (unsigned j = 0; j < split; j++)
        sum += values[j] * number(dec[(u64)(latents[j] & ~FORCED) * d + i]);
    of_concepts[(u64)blockIdx.x * d + i] = sum;
    sum = 0.0f;
#pragma unroll 4
    for (unsigned j = split; j < count; j++)
        sum += values[j] * number(dec[(u64)latents[j] * d + i]);
    of_others[(u64)blockIdx.x * d + i] = sum;
}

extern "C" __global__ void decode_f32(const unsigned *latents, const float *values, const unsigned *counts,
                                      unsigned room, const float *dec, unsigned d, float *of_concepts,
                                      float *of_others) {
    decode(latents, values, counts, room, dec, d, of_concepts, of_others);
}

extern "C" __global__ void decode_bf16(const unsigned *latents, const float *values, const unsigned *counts,
                                       unsigned room, const __nv_bfloat16 *dec, unsigned d, float *of_concepts,
                                       float *of_others) {
    decode(latents, values, counts, room, dec, d, of_concepts, of_others);
}

// Squared error of each row, the share of the reconstruction's length that concepts carry, and the
// gradient `twice` times the error, as f32 and as operand; a block a row.
template <class T>
__device__ void compare(const float *x, const float *of_concepts, const float *of_others, const float *b_dec,
                        unsigned d, float twice, const unsigned *counts, float *gradient, T *operand, double *errors,
                        double *shares) {
    __shared__ double sums[MOST];
    u64 row = (u64)blockIdx.x * d;
    double error = 0.0, concepts = 0.0, others = 0.0;
    for (unsigned i = threadIdx.x; i < d; i += blockDim.x) {
        float c = of_concepts[row + i], o = of_others[row + i];
        float e = c + o + b_dec[i] - x[row + i];
        error += (double)(e * e);
        concepts += (double)(c * c);
        others += (double)(o * o);
        gradient[row + i] = twice * e;
        put(operand + row + i, twice * e);
    }
    error = block_sum(error, sums);
    concepts = sqrt(block_sum(concepts, sums));
    others = sqrt(block_sum(others, sums));
    if (threadIdx.x == 0) {
        errors[blockIdx.x] = error;
        bool any = counts[blockIdx.x * COUNTS + SPLIT] > 0 && concepts > 0.0;
        shares[blockIdx.x] = any ? concepts / (concepts + others) : 0.0;
    }
}

extern "C" __global__ void compare_f32(const float *x, const float *of_concepts, const float *of_others,
                                       const float *b_dec, unsigned d, float twice, const unsigned *counts,
                                       float *gradient, float *operand, double *errors, double *shares) {
    compare(x, of_concepts, of_others, b_dec, d, twice, counts, gradient, operand, errors, shares);
}

extern "C" __global__ void compare_bf16(const float *x, const float *of_concepts, const float *of_others,
                                        const float *b_dec, unsigned d, float twice, const unsigned *counts,
                                        float *gradient, __nv_bfloat16 *operand, double *errors, double *shares) {
    compare(x, of_concepts, of_others, b_dec, d, twice, counts, gradient, operand, errors, shares);
}

// Slopes of active latents: products of the gradient and decoder rows; a block a row, a warp an entry.
template <class T>
__device__ void trace(const unsigned *latents, const unsigned *counts, unsigned room, const float *gradient,
                      const T *dec, unsigned d, float *slopes) {
    unsigned count = counts[blockIdx.x * COUNTS + COUNT], lane = threadIdx.x % WARP;
    const float *row = gradient + (u64)blockIdx.x * d;
    for (unsigned j = threadIdx.x / WARP; j < count; j += blockDim.x / WARP) {
        u64 at = (u64)blockIdx.x * room + j;
        const T *of = dec + (u64)(latents[at] & ~FORCED) * d;
        float sum = 0.0f;
        for (unsigned i = lane; i < d; i += WARP)
            sum += row[i] * number(of[i]);
        sum = warp_sum(sum);
        if (lane == 0)
            slopes[at] = sum;
    }
}

extern "C" __global__ void trace_f32(const unsigned *latents, const unsigned *counts, unsigned room,
                                     const float *gradient, const float *dec, unsigned d, float *slopes) {
    trace(latents, counts, room, gradient, dec, d, slopes);
}

extern "C" __global__ void trace_bf16(const unsigned *latents, const unsigned *counts, unsigned room,
                                      const float *gradient, const __nv_bfloat16 *dec, unsigned d, float *slopes) {
    trace(latents, counts, room, gradient, dec, d, slopes);
}

// The same, where the products with all decoder rows are there, [B, n]; a block a row.
extern "C" __global__ void pick(const unsigned *latents, const unsigned *counts, unsigned room, const float *all,
                                unsigned n, float *slopes) {
    unsigned count = counts[blockIdx.x * COUNTS + COUNT];
    for (unsigned j = threadIdx.x; j < count; j += blockDim.x) {
        u64 at = (u64)blockIdx.x * room + j;
        slopes[at] = all[(u64)blockIdx.x * n + (latents[at] & ~FORCED)];
    }
}

// A forced latent holds the unknown latents' mean, whatever its own pre-activation: its slope is
// theirs, shared out over all `unknown` ones, or (0) over the active ones; a block a row.
extern "C" __global__ void share_out(const unsigned *latents, const unsigned *counts, unsigned room, unsigned unknown,
                                     float *slopes) {
    __shared__ float sums[MOST];
    unsigned split = counts[blockIdx.x * COUNTS + SPLIT], count = counts[blockIdx.x * COUNTS + COUNT];
    latents += (u64)blockIdx.x * room;
    slopes += (u64)blockIdx.x * room;
    float sum = 0.0f;
    for (unsigned j = threadIdx.x; j < split; j += blockDim.x)
        if (latents[j] & FORCED) {
            sum += slopes[j];
            slopes[j] = 0.0f;
        }
    sum = block_sum(sum, sums);
    unsigned of = unknown > 0 ? unknown : count - split;
    for (unsigned j = split + threadIdx.x; j < count; j += blockDim.x)
        slopes[j] += sum / (float)of;
}
