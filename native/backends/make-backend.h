// Device names to backends.
#pragma once

#include <memory>
#include <string_view>

#include "backend.h"

namespace sluice {

/**
 * `cpu` with `threads`; `cuda`, `cuda:N` or `metal` with its module and a driver; `emulator:SCHEDULE`
 * (ascending, descending, shuffled), which runs the GPU kernels thread by thread for tests. Fails saying what
 * is missing.
 */
Status make_backend(std::string_view device, int threads, std::unique_ptr<Backend>& backend);

}  // namespace sluice
