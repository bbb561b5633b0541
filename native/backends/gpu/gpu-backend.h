// The backend over any GPU device: every op as launches of the dialect's kernels.
#pragma once

#include <memory>

#include "device.h"

namespace sluice::gpu {

std::unique_ptr<Backend> make_gpu_backend(std::unique_ptr<Device> device);

}  // namespace sluice::gpu
