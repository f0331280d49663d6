// The kernels, compiled for a CPU, and their list. The two generated headers hold the names that stand in
// the file: each kernel gets another, since C has functions of some of them.
#include "device.h"
#include "launch.h"

#include "renamed.h"

#include KERNELS

#define KERNEL(name) {#name, [](const emulator::Arguments &arguments) { return emulator::bind_kernel(name, arguments); }},

const emulator::Kernel emulator::kernels[] = {
#include "named.h"
    {nullptr, nullptr},
};
