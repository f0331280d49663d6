// Entries of a batch by latent: the rows in which each is active, ascending, and where their
// activations and slopes stand.
#pragma once
#include "common.cuh"

// Rows in which each latent is active; a thread a latent.
extern "C" __global__ void count_rows(const unsigned *places, unsigned rows, unsigned n, unsigned *active) {
    u64 l = place();
    if (l >= n)
        return;
    unsigned count = 0;
#pragma unroll 8
    for (unsigned row = 0; row < rows; row++)
        count += places[(u64)row * n + l] > 0;
    active[l] = count;
}

// Where each latent's list begins, and the end of the last, [n + 1]; one block.
extern "C" __global__ void begin_lists(const unsigned *active, unsigned n, unsigned *starts) {
    __shared__ unsigned sums[MOST];
    unsigned each = (n + blockDim.x - 1) / blockDim.x;
    unsigned from = min(n, threadIdx.x * each), to = min(n, from + each);
    unsigned sum = 0;
    for (unsigned l = from; l < to; l++)
        sum += active[l];
    sums[threadIdx.x] = sum;
    __syncthreads();
    unsigned start = 0;
    for (unsigned t = 0; t < threadIdx.x; t++)
        start += sums[t];
    for (unsigned l = from; l < to; l++) {
        starts[l] = start;
        start += active[l];
    }
    if (to == n && from < n)
        starts[n] = start;
}

// Fills the lists; a thread a latent.
extern "C" __global__ void fill_lists(const unsigned *places, unsigned rows, unsigned n, unsigned room,
                                      const unsigned *starts, unsigned *list_rows, unsigned *list_places) {
    u64 l = place();
    if (l >= n)
        return;
    unsigned at = starts[l];
#pragma unroll 8
    for (unsigned row = 0; row < rows; row++) {
        unsigned here = places[(u64)row * n + l];
        if (here > 0) {
            list_rows[at] = row;
            list_places[at] = row * room + here - 1;
            at++;
        }
    }
}

// Gradients of b_enc and r, and the sum of a latent's gradients by the product of encoder row and
// input, with which that row enters b_dec's gradient; a warp a latent. `logits` [m] are the sums of the
// gradients of logits, where these are centred by b_dec; else null.
extern "C" __global__ void sum_lists(const unsigned *starts, const unsigned *list_places, const float *values,
                                     const float *slopes, const float *b_enc, const float *r, const float *logits,
                                     unsigned n, unsigned m, unsigned rescale, float *of_b_enc, float *of_r,
                                     float *inputs) {
    u64 l = place() / WARP;
    if (l >= n)
        return;
    unsigned lane = threadIdx.x % WARP;
    float sum = 0.0f, scaled = 0.0f, bias = b_enc[l];
    for (unsigned j = starts[l] + lane; j < starts[l + 1]; j += WARP) {
        float slope = slopes[list_places[j]];
        sum += slope;
        // the pre-activation without its bias is exp(r) times the product
        scaled += slope * (values[list_places[j]] - bias);
    }
    sum = warp_sum(sum);
    scaled = warp_sum(scaled);
    if (lane == 0) {
        of_b_enc[l] = sum;
        if (l < m && rescale)
            of_r[l] = scaled;
        inputs[l] = l < m ? sum * expf(r[l]) + (logits ? logits[l] : 0.0f) : sum;
    }
}

// The largest activation of each latent; a warp a latent.
extern "C" __global__ void largest(const unsigned *starts, const unsigned *list_places, const float *values, unsigned n,
                                   float *out) {
    u64 l = place() / WARP;
    if (l >= n)
        return;
    float most = 0.0f;
    for (unsigned j = starts[l] + threadIdx.x % WARP; j < starts[l + 1]; j += WARP)
        most = fmaxf(most, values[list_places[j]]);
    for (int lane = WARP / 2; lane > 0; lane /= 2)
        most = fmaxf(most, __shfl_xor_sync(EVERY, most, lane));
    if (threadIdx.x % WARP == 0)
        out[l] = most;
}
