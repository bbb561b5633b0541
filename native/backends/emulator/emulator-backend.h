// A GPU that is not there: the dialect's kernels on the CPU, group by group, for tests on any machine.
#pragma once

#include <memory>
#include <vector>

#include "../gpu/device.h"
#include "group.h"

namespace sluice {

std::unique_ptr<gpu::Device> make_emulator_device(emulator::Schedule schedule);
std::unique_ptr<Backend> make_emulator_backend(emulator::Schedule schedule);

/** By number of gpu::Kernel: whether any emulator of this process has run it. */
std::vector<bool> emulated_kernels();

}  // namespace sluice
