// The K largest positive activations of a row, and forced activation; a block a row.
#pragma once
#include "common.cuh"

// Pre-activation of a latent from the product of its encoder row and the input.
__device__ __forceinline__ float before(const float *raw, unsigned l, unsigned m, const float *r, const float *b_enc) {
    return l < m ? expf(r[l]) * raw[l] + b_enc[l] : raw[l] + b_enc[l];
}

// How products become activations. Beside r [m] and b_enc [n], all [n], and null in models without them:
struct Gates {
    const float *r, *b_enc;
    // What a pre-activation must be above, at least 0.
    const float *thresholds;
    // Log-scales and biases of magnitudes, where pre-activations only open the gates.
    const float *r_mag, *b_mag;
};

// Activation of a latent; nothing above 0 where it is not active.
__device__ __forceinline__ float activation(const float *raw, unsigned l, unsigned m, Gates gates) {
    float value = before(raw, l, m, gates.r, gates.b_enc);
    if (gates.thresholds && !(value > gates.thresholds[l]))
        return 0.0f;
    if (!gates.b_mag)
        return value;
    return value > 0.0f ? expf(gates.r_mag[l]) * (value - gates.b_enc[l]) + gates.b_mag[l] : 0.0f;
}

// Patterns of positive numbers are ordered as the numbers are; 0 for the others.
__device__ __forceinline__ unsigned key(float value) { return value > 0.0f ? __float_as_uint(value) : 0; }

struct Limit {
    // Keys above it are chosen,
    unsigned key;
    // and so many that are equal to it, the lowest latents first.
    unsigned ties;
};

// The key of the K-th largest, by its four bytes, from the highest; 0 where fewer are positive.
__device__ Limit find_limit(const float *raw, unsigned n, unsigned m, unsigned k, Gates gates) {
    __shared__ unsigned counts[256];
    __shared__ Limit found;
    __shared__ bool enough;
    Limit limit = {0, k};
    unsigned known = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        for (unsigned i = threadIdx.x; i < 256; i += blockDim.x)
            counts[i] = 0;
        __syncthreads();
        for (unsigned l = threadIdx.x; l < n; l += blockDim.x) {
            unsigned here = key(activation(raw, l, m, gates));
            if (here > 0 && (here & known) == limit.key)
                atomicAdd(&counts[here >> shift & 255], 1u);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            enough = false;
            unsigned left = limit.ties;
            for (int digit = 255; digit >= 0 && !enough; digit--) {
                if (counts[digit] >= left) {
                    found.key = limit.key | (unsigned)digit << shift;
                    found.ties = left;
                    enough = true;
                } else {
                    left -= counts[digit];
                }
            }
        }
        __syncthreads();
        if (!enough) {
            limit.key = 0;
            limit.ties = 0;
            break;
        }
        limit = found;
        known |= 255u << shift;
    }
    __syncthreads();
    return limit;
}

// Whether a latent is among the K largest; all threads of the block ask together, in ascending order
// of latents, and `ties` counts the equal ones before.
__device__ __forceinline__ bool is_chosen(unsigned here, Limit limit, unsigned *ties, unsigned *scratch) {
    bool tie = limit.key > 0 && here == limit.key;
    unsigned total;
    unsigned rank = *ties + block_rank(tie, scratch, &total);
    *ties += total;
    return here > limit.key || (tie && rank < limit.ties);
}

// Fills the row's lists, its counts, and `places`: where each latent stands in its list, from 1, or 0.
// With `forced`, concepts with a probability above one half are lifted to the mean of the unknown
// latents: of all, or (`among_active`) of the active ones; with lists of ancestors, the ancestors of such
// concepts too.
extern "C" __global__ void select_latents(const float *product, unsigned n, unsigned m, unsigned k, const float *r,
                                  const float *b_enc, const float *thresholds, const float *r_mag,
                                  const float *b_mag, const float *b_pred, unsigned forced, unsigned among_active,
                                  const unsigned *ancestor_starts, const unsigned *ancestors, unsigned room, unsigned *latents, float *values, unsigned *places,
                                  unsigned *counts) {
    __shared__ unsigned ranks[MOST / WARP];
    __shared__ float sums[MOST];
    __shared__ unsigned tallies[MOST];
    const float *raw = product + (u64)blockIdx.x * n;
    latents += (u64)blockIdx.x * room;
    values += (u64)blockIdx.x * room;
    places += (u64)blockIdx.x * n;
    Gates gates = {r, b_enc, thresholds, r_mag, b_mag};
    Limit limit = find_limit(raw, n, m, k, gates);
    if (forced && ancestor_starts) {
        // until its own turn below, a concept's place says whether it or a descendant is predicted
        for (unsigned l = threadIdx.x; l < m; l += blockDim.x)
            places[l] = 0;
        __syncthreads();
        for (unsigned l = threadIdx.x; l < m; l += blockDim.x)
            if (raw[l] + b_pred[l] > 0.0f)
                for (unsigned j = ancestor_starts[l]; j < ancestor_starts[l + 1]; j++)
                    places[ancestors[j]] = 1;
        __syncthreads();
    }
    float mean = 0.0f;
    if (forced) {
        float sum = 0.0f;
        unsigned active = 0, ties = 0;
        for (unsigned first = 0; first < n; first += blockDim.x) {
            unsigned l = first + threadIdx.x;
            float value = l < n ? activation(raw, l, m, gates) : 0.0f;
            if (is_chosen(key(value), limit, &ties, ranks) && l >= m) {
                sum += value;
                active++;
            }
        }
        sum = block_sum(sum, sums);
        active = block_sum(active, tallies);
        unsigned of = among_active ? active : n - m;
        mean = of > 0 ? sum / (float)of : 0.0f;
    }
    unsigned ties = 0, filled = 0, split = 0, predicted = 0, participating = 0, lifted = 0;
    for (unsigned first = 0; first < n; first += blockDim.x) {
        unsigned l = first + threadIdx.x;
        float value = l < n ? activation(raw, l, m, gates) : 0.0f;
        bool enters = is_chosen(key(value), limit, &ties, ranks);
        bool likely = l < m && raw[l] + b_pred[l] > 0.0f;
        bool called = ancestor_starts && l < m ? forced && places[l] != 0 : likely;
        bool lift = forced && called && mean > 0.0f && mean > (enters ? value : 0.0f);
        enters |= lift;
        unsigned total;
        unsigned at = filled + block_rank(enters, ranks, &total);
        filled += total;
        if (l < n)
            places[l] = enters ? at + 1 : 0;
        if (enters) {
            latents[at] = lift ? l | FORCED : l;
            values[at] = lift ? mean : value;
        }
        split += enters && l < m;
        predicted += likely;
        participating += likely && enters;
        lifted += lift;
    }
    split = block_sum(split, tallies);
    predicted = block_sum(predicted, tallies);
    participating = block_sum(participating, tallies);
    lifted = block_sum(lifted, tallies);
    if (threadIdx.x == 0) {
        counts += blockIdx.x * COUNTS;
        counts[COUNT] = filled;
        counts[SPLIT] = split;
        counts[PREDICTED] = predicted;
        counts[PARTICIPATING] = participating;
        counts[LIFTED] = lifted;
    }
}
