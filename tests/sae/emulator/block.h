// Threads of a block as fibers: each runs until it waits for others.
#pragma once
#include <cstdint>
#include <functional>

struct Index {
    unsigned x, y, z;
};

// Those of the running thread.
extern Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

const unsigned MOST_THREADS = 1024;
const unsigned LANES = 32;

// A line of a kernel.
struct Place {
    const char *file;
    int line;
};

// Returns once all threads of the block have come to this place; how many of them had the flag.
unsigned meet_block(bool flag, Place place);

// Returns once all lanes of the mask have come to this place; their values, by lane.
const uint64_t *meet_warp(unsigned mask, uint64_t value, Place place);

// Gives up the running kernel.
[[noreturn]] void give_up(const char *why, Place place);

// Runs a kernel, block by block. Where `descending`, the last block and thread come first: whoever
// forgot a barrier gets other numbers. Throws a Failure that says which threads differ.
void run(unsigned columns, unsigned rows, unsigned threads, bool descending, const std::function<void()> &kernel);

} // namespace emulator
