// The module's one symbol: the GPU that there is, a backend on it, and what it can do.
#include "../gpu/module.h"

#include "../gpu/call.h"
#include "../gpu/gpu-backend.h"
#include "../gpu/measure.h"
#include "metal-device.h"

namespace sluice::metal {
namespace {

std::vector<GpuInfo> devices(std::string& problem) {
  @autoreleasepool {
    id<MTLDevice> gpu = MetalDevice::find(problem);
    if (!gpu) return {};
    return {{gpu.name.UTF8String, static_cast<int64_t>(gpu.recommendedMaxWorkingSetSize),
             "MPSMatrixMultiplication in f32; our own kernel in bf16"}};
  }
}

Status open(int, std::unique_ptr<Backend>& backend) {
  auto device = std::make_unique<MetalDevice>();
  SLUICE_TRY(device->open());
  backend = gpu::make_gpu_backend(std::move(device));
  return {};
}

Status measure(int, GpuRates& rates) {
  MetalDevice device;
  SLUICE_TRY(device.open());
  return gpu::measure(device, {int64_t{256} << 20, 2048}, rates);
}

}  // namespace
}  // namespace sluice::metal

extern "C" __attribute__((visibility("default"))) const sluice::GpuModule* sluice_metal_module() {
  static const sluice::GpuModule module = {SLUICE_LAYOUTS, sluice::metal::devices, sluice::metal::open,
                                           sluice::metal::measure};
  return &module;
}
