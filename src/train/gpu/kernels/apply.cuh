// What a trained model says of rows, as the host takes it: logits, and entries without the room between them.
#pragma once
#include "common.cuh"

// Logits of concepts, [B, m], from products, [B, n]; a block a row.
extern "C" __global__ void write_logits(const float *product, unsigned n, unsigned m, const float *b_pred,
                                        float *logits) {
    for (unsigned l = threadIdx.x; l < m; l += blockDim.x)
        logits[(u64)blockIdx.x * m + l] = product[(u64)blockIdx.x * n + l] + b_pred[l];
}

// Moves each row's entries, latents without their mark, to where `starts` says; a block a row.
extern "C" __global__ void pack_entries(const unsigned *latents, const float *values, const unsigned *counts,
                                        unsigned room, const unsigned *starts, unsigned *packed_latents,
                                        float *packed_values) {
    unsigned count = counts[blockIdx.x * COUNTS + COUNT], start = starts[blockIdx.x];
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x) {
        u64 from = (u64)blockIdx.x * room + i, to = (u64)start + i;
        packed_latents[to] = latents[from] & ~FORCED;
        packed_values[to] = values[from];
    }
}
