// Names of GPUs, and the modules for them, which lie beside the addon.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gpu/module.h"

namespace sluice {

/** Kinds of GPU that there may be a module for. */
inline constexpr const char* kGpuKinds[] = {"cuda", "metal"};

struct GpuName {
  const char* kind;
  int number = 0;
};

/** `cuda`, `cuda:1` and `metal`; nothing for other devices. */
std::optional<GpuName> parse_gpu(std::string_view device);

/** A kind's module, opened at the first call; null, and `problem` says why, where it cannot be used. */
const GpuModule* gpu_module(std::string_view kind, std::string& problem);

}  // namespace sluice
