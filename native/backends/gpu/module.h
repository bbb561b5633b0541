// What the module of a kind of GPU gives the addon, which opens it at run time: it alone needs the driver or
// the system's frameworks, and the addon works without.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../../core/status.h"
#include "../backend.h"

namespace sluice {

struct GpuInfo {
  std::string title;  // as its maker calls it, and what it can
  int64_t memory_bytes = 0;
  std::string products;  // the library for matrix products and its version, or why there is none
};

struct GpuRates {
  double bytes_per_second = 0;           // copying memory, reads and writes counted
  double f32_flops = 0, bf16_flops = 0;  // of a large matrix product, by whatever multiplies on this device
};

struct GpuModule {
  /** Of the class layouts that cross: addon and module must come from one build. */
  const char* build;
  /** Devices, or none and `problem`. */
  std::vector<GpuInfo> (*devices)(std::string& problem);
  Status (*open)(int number, std::unique_ptr<Backend>& backend);
  Status (*measure)(int number, GpuRates& rates);
};

/** The one symbol of a module is `sluice_cuda_module` or `sluice_metal_module`. */
using GpuModuleEntry = const GpuModule* (*)();

}  // namespace sluice
