// The annotation loss: cross-entropy of the predictor with weighted positives; a block a row.
#pragma once
#include "common.cuh"

// ln(1 + e^x)
__device__ __forceinline__ float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

// Whether a row's labels speak of a concept, whose group is below 64.
__device__ __forceinline__ bool speaks(const unsigned *spoken, unsigned group) {
    return spoken[group / 32] >> group % 32 & 1;
}

// The share of rows that carry a concept, as its logit and the logarithm of its positives' weight have it.
__device__ __forceinline__ float frequency(float logit, float log_weight) {
    float x = logit - log_weight, tail = expf(-fabsf(x));
    return x < 0.0f ? tail / (1.0f + tail) : 1.0f / (1.0f + tail);
}

// The implication loss of a row: what children exceed their parents by, over the edges of which the row's
// labels speak. Edges of a concept: twice the other end, plus one where the concept is the parent. `pulls`
// [B, m] are the gradients of the logits, times `factor`; a block a row, before `annotate`.
extern "C" __global__ void imply(const float *product, unsigned n, unsigned m, const float *b_pred,
                                 const float *log_weights, const unsigned *groups, const unsigned *spoken,
                                 const unsigned *edge_starts, const unsigned *edges, float factor, float *pulls,
                                 double *losses) {
    __shared__ double sums[MOST];
    const float *raw = product + (u64)blockIdx.x * n;
    spoken += 2 * blockIdx.x;
    pulls += (u64)blockIdx.x * m;
    double loss = 0.0;
    for (unsigned c = threadIdx.x; c < m; c += blockDim.x) {
        float own = frequency(raw[c] + b_pred[c], log_weights[c]), pull = 0.0f;
        if (speaks(spoken, groups[c])) {
            for (unsigned j = edge_starts[c]; j < edge_starts[c + 1]; j++) {
                unsigned o = edges[j] / 2;
                if (!speaks(spoken, groups[o]))
                    continue;
                float other = frequency(raw[o] + b_pred[o], log_weights[o]);
                if (edges[j] % 2) {
                    pull -= other > own ? 1.0f : 0.0f;
                } else if (own > other) {
                    pull += 1.0f;
                    loss += (double)(own - other);
                }
            }
        }
        pulls[c] = factor * pull * own * (1.0f - own);
    }
    loss = block_sum(loss, sums);
    if (threadIdx.x == 0)
        losses[blockIdx.x] = loss;
}

// Replaces the first m products of a row, which become logits by b_pred, by their gradients times
// `factor`, with those of the implication loss where there are `pulls`; the row's loss goes to `losses`.
// Labels of the row are labels[starts[row]..starts[row + 1]].
extern "C" __global__ void annotate(float *product, unsigned n, unsigned m, const float *b_pred, const float *weights,
                                    const unsigned *groups, const unsigned *spoken, const unsigned *starts,
                                    const unsigned *labels, float factor, const float *pulls, double *losses) {
    __shared__ double sums[MOST];
    float *logits = product + (u64)blockIdx.x * n;
    spoken += 2 * blockIdx.x;
    unsigned from = starts[blockIdx.x], to = starts[blockIdx.x + 1];
    double loss = 0.0;
    for (unsigned i = from + threadIdx.x; i < to; i += blockDim.x) {
        unsigned c = labels[i];
        if (speaks(spoken, groups[c])) {
            // below, every concept counts as a negative
            float x = logits[c] + b_pred[c], negative = softplus(x);
            loss += (double)weights[c] * (double)(negative - x) - (double)negative;
        }
    }
    __syncthreads();
    for (unsigned c = threadIdx.x; c < m; c += blockDim.x) {
        float x = logits[c] + b_pred[c];
        if (speaks(spoken, groups[c])) {
            float tail = expf(-fabsf(x));
            loss += (double)softplus(x);
            logits[c] = (x < 0.0f ? tail / (1.0f + tail) : 1.0f / (1.0f + tail)) * factor;
        } else {
            logits[c] = 0.0f;
        }
    }
    __syncthreads();
    for (unsigned i = from + threadIdx.x; i < to; i += blockDim.x) {
        unsigned c = labels[i];
        if (speaks(spoken, groups[c]))
            logits[c] = weights[c] * (logits[c] - factor);
    }
    if (pulls) {
        __syncthreads();
        for (unsigned c = threadIdx.x; c < m; c += blockDim.x)
            logits[c] += pulls[(u64)blockIdx.x * m + c];
    }
    loss = block_sum(loss, sums);
    if (threadIdx.x == 0)
        losses[blockIdx.x] = loss;
}

// The gradients by the predictor's products as operands, [B, m]: those of the annotation loss, and
// where the reconstruction takes part (`detached` is 0), those of active concepts' latents.
template <class T>
__device__ void gather_logits(const float *product, unsigned n, unsigned m, const float *r, unsigned room,
                              const unsigned *latents, const float *slopes, const unsigned *counts, unsigned detached,
                              T *out) {
    const float *row = product + (u64)blockIdx.x * n;
    out += (u64)blockIdx.x * m;
    for (unsigned c = threadIdx.x; c < m; c += blockDim.x)
        put(out + c, row[c]);
    __syncthreads();
    unsigned split = detached ? 0 : counts[blockIdx.x * COUNTS + SPLIT];
    for (unsigned i = threadIdx.x; i < split; i += blockDim.x) {
        u64 at = (u64)blockIdx.x * room + i;
        unsigned c = latents[at] & ~FORCED;
        put(out + c, row[c] + expf(r[c]) * slopes[at]);
    }
}

extern "C" __global__ void gather_logits_f32(const float *product, unsigned n, unsigned m, const float *r,
                                             unsigned room, const unsigned *latents, const float *slopes,
                                             const unsigned *counts, unsigned detached, float *out) {
    gather_logits(product, n, m, r, room, latents, slopes, counts, detached, out);
}

extern "C" __global__ void gather_logits_bf16(const float *product, unsigned n, unsigned m, const float *r,
                                              unsigned room, const unsigned *latents, const float *slopes,
                                              const unsigned *counts, unsigned detached, __nv_bfloat16 *out) {
    gather_logits(product, n, m, r, room, latents, slopes, counts, detached, out);
}
