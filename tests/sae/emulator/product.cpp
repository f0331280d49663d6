#include "product.h"
#include "shim/cuda_bf16.h"

#include <cstring>
#include <vector>

namespace {

// A factor as f32, row by row, and not turned.
std::vector<float> plain(bool half, Factor factor, uint64_t rows, uint64_t columns) {
    std::vector<float> out(rows * columns);
    for (uint64_t i = 0; i < rows; i++)
        for (uint64_t j = 0; j < columns; j++) {
            uint64_t at = factor.turned ? j * factor.stride + i : i * factor.stride + j;
            float &to = out[i * columns + j];
            if (half) {
                __nv_bfloat16 value;
                std::memcpy(&value, factor.from + at * sizeof value, sizeof value);
                to = __bfloat162float(value);
            } else {
                std::memcpy(&to, factor.from + at * sizeof to, sizeof to);
            }
        }
    return out;
}

} // namespace

void multiply(bool half, Factor a, Factor b, float *c, uint64_t stride, uint64_t rows, uint64_t columns,
              uint64_t inner) {
    std::vector<float> left = plain(half, a, rows, inner), right = plain(half, b, inner, columns);
    for (uint64_t i = 0; i < rows; i++) {
        float *out = c + i * stride;
        std::memset(out, 0, columns * sizeof *out);
        for (uint64_t k = 0; k < inner; k++) {
            float factor = left[i * inner + k];
            for (uint64_t j = 0; j < columns; j++)
                out[j] += factor * right[k * columns + j];
        }
    }
}
