// Stands in for CUDA's header: numbers of the 16 upper bits of a float.
#pragma once
#include <cstdint>
#include <cstring>

struct alignas(2) __nv_bfloat16 {
    uint16_t bits;
};

// To the nearest, ties to even, as the hardware does; any NaN becomes 0x7fff.
inline __nv_bfloat16 __float2bfloat16(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return {0x7fff};
    bits += 0x7fff + (bits >> 16 & 1);
    return {static_cast<uint16_t>(bits >> 16)};
}

inline __nv_bfloat16 __float2bfloat16_rn(float value) { return __float2bfloat16(value); }

inline float __bfloat162float(__nv_bfloat16 value) {
    uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
}
