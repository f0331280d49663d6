// Memory of the machine: each piece ends at a page that nobody may touch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

class Memories {
  public:
    // A new piece, all 0; 0 where there is no room.
    uint64_t allocate(size_t bytes);
    void release(uint64_t id);
    void clear(uint64_t id);
    // From a byte on, and so many; throws a Failure where there are fewer.
    char *at(uint64_t id, uint64_t from, uint64_t bytes) const;
    // Throws a Failure where somebody wrote beside a piece.
    void check() const;

  private:
    struct Piece {
        char *mapped;
        size_t length;
        char *data;
        size_t bytes;
    };
    std::map<uint64_t, Piece> pieces;
    uint64_t last = 0;
};
