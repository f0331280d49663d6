// CUDA C++ as far as the kernels use it, in terms of fibers.
#pragma once
#include "block.h"

#include <cmath>
#include <cstring>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// blocks run one after the other
#define __shared__ static

// Where the caller stands, as a default argument.
#define CALLER                                                                                                         \
    emulator::Place { file, line }
#define FROM const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(FROM) { emulator::meet_block(false, CALLER); }
inline int __syncthreads_count(int flag, FROM) { return static_cast<int>(emulator::meet_block(flag, CALLER)); }
inline int __syncthreads_or(int flag, FROM) { return emulator::meet_block(flag, CALLER) > 0; }
inline int __syncthreads_and(int flag, FROM) { return emulator::meet_block(flag, CALLER) == blockDim.x; }
inline void __syncwarp(unsigned mask = 0xffffffff, FROM) { emulator::meet_warp(mask, 0, CALLER); }

namespace emulator {

// The value of another lane; its own where `from` is outside of the lane's part of the warp.
template <class T> T shuffle(unsigned mask, T value, long from, int width, Place place) {
    static_assert(sizeof(T) <= sizeof(uint64_t) && std::is_trivially_copyable<T>::value, "a number");
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    const uint64_t *values = meet_warp(mask, bits, place);
    long lane = threadIdx.x % LANES, first = lane - lane % width;
    if (from < first || from >= first + width)
        return value;
    if (!(mask >> from & 1))
        give_up("it asks for a lane that is not in its mask", place);
    std::memcpy(&value, values + from, sizeof value);
    return value;
}

inline long lane() { return threadIdx.x % LANES; }

} // namespace emulator

template <class T> T __shfl_sync(unsigned mask, T value, int from, int width = 32, FROM) {
    long first = emulator::lane() - emulator::lane() % width;
    return emulator::shuffle(mask, value, first + (from & (width - 1)), width, CALLER);
}

template <class T> T __shfl_xor_sync(unsigned mask, T value, int other, int width = 32, FROM) {
    return emulator::shuffle(mask, value, emulator::lane() ^ other, width, CALLER);
}

template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32, FROM) {
    return emulator::shuffle(mask, value, emulator::lane() - static_cast<long>(by), width, CALLER);
}

template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32, FROM) {
    return emulator::shuffle(mask, value, emulator::lane() + static_cast<long>(by), width, CALLER);
}

inline unsigned __ballot_sync(unsigned mask, int flag, FROM) {
    const uint64_t *flags = emulator::meet_warp(mask, flag != 0, CALLER);
    unsigned out = 0;
    for (unsigned lane = 0; lane < emulator::LANES; lane++)
        if (mask >> lane & 1)
            out |= static_cast<unsigned>(flags[lane]) << lane;
    return out;
}

inline int __any_sync(unsigned mask, int flag, FROM) { return __ballot_sync(mask, flag, file, line) != 0; }
inline int __all_sync(unsigned mask, int flag, FROM) { return __ballot_sync(mask, flag, file, line) == mask; }

// Sums of floats would depend on the order of the threads.
template <class T> T atomicAdd(T *to, std::common_type_t<T> value) {
    static_assert(std::is_integral<T>::value, "atomics of integers alone");
    T old = *to;
    *to = old + value;
    return old;
}

inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __clz(unsigned bits) { return bits ? __builtin_clz(bits) : 32; }
inline int __ffs(unsigned bits) { return __builtin_ffs(static_cast<int>(bits)); }

inline unsigned __float_as_uint(float value) {
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float __uint_as_float(unsigned bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline float rsqrtf(float value) { return 1.0f / sqrtf(value); }
template <class T> T __ldg(const T *from) { return *from; }

template <class A, class B> constexpr std::common_type_t<A, B> min(A a, B b) {
    using T = std::common_type_t<A, B>;
    return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}

template <class A, class B> constexpr std::common_type_t<A, B> max(A a, B b) {
    using T = std::common_type_t<A, B>;
    return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}
