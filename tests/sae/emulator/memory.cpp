#include "memory.h"
#include "failure.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

using emulator::Failure;

namespace {

// As the weakest alignment that kernels may count on.
const size_t ALIGNMENT = 16;
// Stands beside a piece, up to the pages that are guarded.
const char FILLING = '\xa5';

bool all_filling(const char *from, const char *to) {
    return std::all_of(from, to, [](char byte) { return byte == FILLING; });
}

} // namespace

uint64_t Memories::allocate(size_t bytes) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    if (bytes > SIZE_MAX / 2)
        return 0;
    size_t held = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t inner = (held + page - 1) / page * page;
    size_t length = inner + 2 * page;
    void *mapped = mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return 0;
    char *begin = static_cast<char *>(mapped) + page;
    if (inner > 0 && mprotect(begin, inner, PROT_READ | PROT_WRITE) != 0) {
        munmap(mapped, length);
        return 0;
    }
    char *data = begin + inner - held;
    std::memset(begin, FILLING, inner - held);
    std::memset(data + bytes, FILLING, held - bytes);
    pieces[++last] = {static_cast<char *>(mapped), length, data, bytes};
    return last;
}

void Memories::release(uint64_t id) {
    auto found = pieces.find(id);
    if (found == pieces.end())
        throw Failure("there is no memory " + std::to_string(id));
    munmap(found->second.mapped, found->second.length);
    pieces.erase(found);
}

void Memories::clear(uint64_t id) {
    const Piece &piece = pieces.at(id);
    std::memset(piece.data, 0, piece.bytes);
}

char *Memories::at(uint64_t id, uint64_t from, uint64_t bytes) const {
    auto found = pieces.find(id);
    if (found == pieces.end())
        throw Failure("there is no memory " + std::to_string(id));
    const Piece &piece = found->second;
    if (from > piece.bytes || bytes > piece.bytes - from)
        throw Failure("bytes " + std::to_string(from) + " to " + std::to_string(from + bytes) + " of a memory of " +
                      std::to_string(piece.bytes));
    return piece.data + from;
}

void Memories::check() const {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    for (const auto &[id, piece] : pieces)
        if (!all_filling(piece.mapped + page, piece.data) ||
            !all_filling(piece.data + piece.bytes, piece.mapped + piece.length - page))
            throw Failure("it wrote beside a memory of " + std::to_string(piece.bytes) + " bytes");
}
