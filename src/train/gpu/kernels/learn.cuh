// Sums over many rows, and Adam, fused with the gradient so that it is never held whole.
#pragma once
#include "common.cuh"

#define BETA1 0.9f
#define BETA2 0.999f
#define EPSILON 1e-8f
// Rows that are summed by one thread.
#define PART 64

__device__ __forceinline__ float adam(float *w, float *first, float *second, u64 at, float g, float size, float root) {
    float m = BETA1 * first[at] + (1.0f - BETA1) * g;
    float v = BETA2 * second[at] + (1.0f - BETA2) * (g * g);
    float moved = w[at] - size * m / (sqrtf(v) * root + EPSILON);
    first[at] = m;
    second[at] = v;
    w[at] = moved;
    return moved;
}

// Sums of columns over PART rows each, [parts, columns]; blocks of columns (x) and parts (y).
extern "C" __global__ void sum_columns(const float *rows, unsigned stride, unsigned count, unsigned columns,
                                       float *parts) {
    u64 i = place();
    if (i >= columns)
        return;
    unsigned from = blockIdx.y * PART, to = min(count, from + PART);
    float sum = 0.0f;
#pragma unroll 8
    for (unsigned row = from; row < to; row++)
        sum += rows[(u64)row * stride + i];
    parts[(u64)blockIdx.y * columns + i] = sum;
}

// Sums of encoder rows times `factors`, over PART latents each, [parts, d]; blocks of columns (x) and
// parts (y).
template <class T>
__device__ void sum_weighted(const float *factors, const T *rows, unsigned count, unsigned d, float *parts) {
    u64 i = place();
    if (i >= d)
        return;
    unsigned from = blockIdx.y * PART, to = min(count, from + PART);
    float sum = 0.0f;
#pragma unroll 8
    for (unsigned row = from; row < to; row++)
        if (factors[row] != 0.0f)
            sum += factors[row] * number(rows[(u64)row * d + i]);
    parts[(u64)blockIdx.y * d + i] = sum;
}

extern "C" __global__ void sum_weighted_f32(const float *factors, const float *rows, unsigned count, unsigned d,
                                            float *parts) {
    sum_weighted(factors, rows, count, d, parts);
}

extern "C" __global__ void sum_weighted_bf16(const float *factors, const __nv_bfloat16 *rows, unsigned count,
                                             unsigned d, float *parts) {
    sum_weighted(factors, rows, count, d, parts);
}

// Adds `factor` times the sum of parts [parts, columns] to `out`; a warp a column, then its lanes.
extern "C" __global__ void add_parts(const float *parts, unsigned count, unsigned columns, float factor, float *out) {
    u64 i = place() / WARP;
    if (i >= columns)
        return;
    float sum = 0.0f;
    for (unsigned part = threadIdx.x % WARP; part < count; part += WARP)
        sum += parts[(u64)part * columns + i];
    sum = warp_sum(sum);
    if (threadIdx.x % WARP == 0)
        out[i] += factor * sum;
}

// A step of some rows of a matrix, the first of which is latent `first`; a block a row. The gradient is
// the sum over the latent's list of factors times vectors [B, d] (without lists: nothing), what
// `dense` [rows, d] holds, `sums` [rows] times `offset` [d], and what the axioms say of the row that `slots`
// names, where there are such. `copies` are the operands of the moved weights, for rows of the whole matrix.
template <class T>
__device__ void learn_rows(float *w, float *first_moment, float *second_moment, T *copies, unsigned d, unsigned first,
                           const unsigned *starts, const unsigned *list_rows, const unsigned *list_places,
                           const float *factors, const T *vectors, const float *dense, const float *sums,
                           const float *offset, const unsigned *slots, const float *centres, float size, float root) {
    u64 l = first + blockIdx.x;
    unsigned from = starts ? starts[l] : 0, to = starts ? starts[l + 1] : 0;
    unsigned slot = slots ? slots[l] : NONE;
    for (unsigned i = threadIdx.x; i < d; i += blockDim.x) {
        float g = dense ? dense[(u64)blockIdx.x * d + i] : 0.0f;
#pragma unroll 4
        for (unsigned j = from; j < to; j++)
            g += factors[list_places[j]] * number(vectors[(u64)list_rows[j] * d + i]);
        if (sums)
            g += sums[l] * offset[i];
        if (slot != NONE)
            g += centres[(u64)slot * d + i];
        float moved = adam(w, first_moment, second_moment, l * d + i, g, size, root);
        if (copies)
            put(copies + l * d + i, moved);
    }
}

extern "C" __global__ void learn_rows_f32(float *w, float *first_moment, float *second_moment, float *copies,
                                          unsigned d, unsigned first, const unsigned *starts,
                                          const unsigned *list_rows, const unsigned *list_places,
                                          const float *factors, const float *vectors, const float *dense,
                                          const float *sums, const float *offset, const unsigned *slots,
                                          const float *centres, float size, float root) {
    learn_rows(w, first_moment, second_moment, copies, d, first, starts, list_rows, list_places, factors, vectors,
               dense, sums, offset, slots, centres, size, root);
}

extern "C" __global__ void learn_rows_bf16(float *w, float *first_moment, float *second_moment, __nv_bfloat16 *copies,
                                           unsigned d, unsigned first, const unsigned *starts,
                                           const unsigned *list_rows, const unsigned *list_places,
                                           const float *factors, const __nv_bfloat16 *vectors, const float *dense,
                                           const float *sums, const float *offset, const unsigned *slots,
                                           const float *centres, float size, float root) {
    learn_rows(w, first_moment, second_moment, copies, d, first, starts, list_rows, list_places, factors, vectors,
               dense, sums, offset, slots, centres, size, root);
}

// Numbers to another place; a thread each.
extern "C" __global__ void copy_numbers(const float *from, unsigned count, float *to) {
    u64 at = place();
    if (at < count)
        to[at] = from[at];
}

// b_dec less the predictor's centre, [d]; a thread each.
extern "C" __global__ void offset_center(const float *b_dec, const float *center, unsigned d, float *offset) {
    u64 i = place();
    if (i < d)
        offset[i] = b_dec[i] - center[i];
}

// The predictor's bias for inputs less b_dec, from that at its own centre; a warp a concept.
extern "C" __global__ void derive_bias(const float *enc, const float *offset, const float *bias, unsigned m,
                                       unsigned d, float *b_pred) {
    u64 c = place() / WARP;
    if (c >= m)
        return;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x % WARP; i < d; i += WARP)
        sum += enc[c * d + i] * offset[i];
    sum = warp_sum(sum);
    if (threadIdx.x % WARP == 0)
        b_pred[c] = bias[c] + sum;
}

// A step of all other parameters, which lie together; a thread each.
extern "C" __global__ void learn_small(float *w, float *first_moment, float *second_moment, const float *gradient,
                                       unsigned count, float size, float root) {
    u64 at = place();
    if (at < count)
        adam(w, first_moment, second_moment, at, gradient[at], size, root);
}
