// Products of matrices by plain loops.
#pragma once
#include <cstdint>

struct Factor {
    const char *from;
    uint64_t stride;
    // held the other way round
    bool turned;
};

// c[i, j] = sum over k, ascending, of a(i, k) b(k, j), in f32; factors are f32, or (`half`) bf16.
void multiply(bool half, Factor a, Factor b, float *c, uint64_t stride, uint64_t rows, uint64_t columns, uint64_t inner);
