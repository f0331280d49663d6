#define _XOPEN_SOURCE 700
#include "block.h"
#include "failure.h"

#include <csetjmp>
#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {
namespace {

const size_t STACK = 128 << 10;

enum class State { Ready, AtBlock, AtWarp, Done, GivenUp };

// `begin` is only used to enter a stack: swapcontext() asks the kernel for signal masks each time,
// jumps between stacks do not.
struct Fiber {
    ucontext_t begin;
    jmp_buf here;
    bool entered = false;
    State state = State::Ready;
    Place place{};
    unsigned mask = 0;
    bool flag = false;
    // operations of the warp so far: of two in a row, one may be read while the next is written
    unsigned operations = 0;
};

struct Warp {
    uint64_t values[2][LANES];
};

std::vector<Fiber> fibers;
std::vector<Warp> warps;
jmp_buf scheduler;
unsigned current, votes;
const char *reason;
const std::function<void()> *body;

void wait() {
    if (_setjmp(fibers[current].here) == 0)
        _longjmp(scheduler, 1);
}

void enter() {
    for (;;) {
        (*body)();
        fibers[current].state = State::Done;
        wait();
    }
}

void prepare() {
    fibers = std::vector<Fiber>(MOST_THREADS);
    warps = std::vector<Warp>(MOST_THREADS / LANES);
    static char *stacks = nullptr;
    if (!stacks) {
        void *mapped =
            mmap(nullptr, STACK * MOST_THREADS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED)
            throw Failure("no memory for stacks");
        stacks = static_cast<char *>(mapped);
    }
    for (unsigned t = 0; t < MOST_THREADS; t++) {
        getcontext(&fibers[t].begin);
        fibers[t].begin.uc_stack.ss_sp = stacks + t * STACK;
        fibers[t].begin.uc_stack.ss_size = STACK;
        fibers[t].begin.uc_link = nullptr;
        makecontext(&fibers[t].begin, enter, 0);
    }
}

void resume(unsigned thread) {
    current = thread;
    threadIdx = {thread, 0, 0};
    if (_setjmp(scheduler) == 0) {
        if (fibers[thread].entered)
            _longjmp(fibers[thread].here, 1);
        fibers[thread].entered = true;
        setcontext(&fibers[thread].begin);
    }
}

std::string where(unsigned thread) {
    const Fiber &fiber = fibers[thread];
    std::string name = "thread " + std::to_string(thread);
    if (fiber.state == State::Done)
        return name + " has ended";
    std::string at = std::string(fiber.place.file) + ":" + std::to_string(fiber.place.line);
    return name + (fiber.state == State::AtWarp ? " waits for its warp in " : " waits for its block in ") + at;
}

[[noreturn]] void differ(unsigned one, unsigned other) {
    std::string block = "block (" + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + "): ";
    throw Failure(block + where(one) + ", " + where(other));
}

bool together(const Fiber &one, const Fiber &other) {
    return one.state == other.state && one.place.line == other.place.line && one.place.file == other.place.file;
}

// Runs a warp until all of its lanes wait for the block or have ended.
void run_warp(unsigned first, unsigned end, bool descending) {
    for (;;) {
        for (unsigned i = 0; i < end - first; i++) {
            unsigned thread = descending ? end - 1 - i : first + i;
            if (fibers[thread].state != State::Ready)
                continue;
            resume(thread);
            if (fibers[thread].state == State::GivenUp)
                throw Failure(where(thread) + ": " + reason);
        }
        bool again = false;
        for (unsigned thread = first; thread < end; thread++) {
            if (fibers[thread].state != State::AtWarp)
                continue;
            again = true;
            for (unsigned lane = 0; lane < LANES; lane++) {
                if (!(fibers[thread].mask >> lane & 1))
                    continue;
                if (first + lane >= end)
                    throw Failure(where(thread) + " with lane " + std::to_string(lane) + ", which the block lacks");
                if (!together(fibers[thread], fibers[first + lane]))
                    differ(thread, first + lane);
            }
        }
        if (!again)
            return;
        for (unsigned thread = first; thread < end; thread++)
            if (fibers[thread].state == State::AtWarp)
                fibers[thread].state = State::Ready;
    }
}

void run_block(bool descending) {
    unsigned threads = blockDim.x, count = (threads + LANES - 1) / LANES;
    for (unsigned thread = 0; thread < threads; thread++)
        fibers[thread].state = State::Ready;
    for (;;) {
        for (unsigned i = 0; i < count; i++) {
            unsigned first = (descending ? count - 1 - i : i) * LANES;
            run_warp(first, first + LANES < threads ? first + LANES : threads, descending);
        }
        votes = 0;
        for (unsigned thread = 0; thread < threads; thread++) {
            if (fibers[thread].state != fibers[0].state)
                differ(0, thread);
            if (fibers[0].state == State::AtBlock && !together(fibers[0], fibers[thread]))
                differ(0, thread);
            votes += fibers[thread].flag;
        }
        if (fibers[0].state == State::Done)
            return;
        for (unsigned thread = 0; thread < threads; thread++)
            fibers[thread].state = State::Ready;
    }
}

} // namespace

unsigned meet_block(bool flag, Place place) {
    Fiber &own = fibers[current];
    own.state = State::AtBlock;
    own.place = place;
    own.flag = flag;
    wait();
    return votes;
}

const uint64_t *meet_warp(unsigned mask, uint64_t value, Place place) {
    Fiber &own = fibers[current];
    if (!(mask >> current % LANES & 1))
        give_up("its lane is not in its mask", place);
    uint64_t *values = warps[current / LANES].values[own.operations++ % 2];
    values[current % LANES] = value;
    own.state = State::AtWarp;
    own.place = place;
    own.mask = mask;
    wait();
    return values;
}

void give_up(const char *why, Place place) {
    reason = why;
    fibers[current].state = State::GivenUp;
    fibers[current].place = place;
    wait();
    std::abort();
}

void run(unsigned columns, unsigned rows, unsigned threads, bool descending, const std::function<void()> &kernel) {
    if (fibers.empty())
        prepare();
    body = &kernel;
    gridDim = {columns, rows, 1};
    blockDim = {threads, 1, 1};
    try {
        uint64_t blocks = static_cast<uint64_t>(columns) * rows;
        for (uint64_t i = 0; i < blocks; i++) {
            uint64_t block = descending ? blocks - 1 - i : i;
            blockIdx = {static_cast<unsigned>(block % columns), static_cast<unsigned>(block / columns), 0};
            run_block(descending);
        }
    } catch (...) {
        // fibers that stopped half-way begin anew
        fibers.clear();
        throw;
    }
}

} // namespace emulator
