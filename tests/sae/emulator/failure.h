// What goes wrong, as a message for the test.
#pragma once
#include <stdexcept>

namespace emulator {

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace emulator
