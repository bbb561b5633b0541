// What a GPU can do, measured: the rates that shares of a peak are shares of.
#pragma once

#include "device.h"
#include "module.h"

namespace sluice::gpu {

struct Measured {
  int64_t bytes;    // that are copied, of which there must be twice as many; at least 8 * product^2
  int64_t product;  // rows and columns
};

Status measure(Device& device, const Measured& sizes, GpuRates& rates);

}  // namespace sluice::gpu
