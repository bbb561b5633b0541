// The module's one symbol: which devices there are, a backend on one, and what it can do.
#include "../gpu/module.h"

#include "../gpu/call.h"
#include "../gpu/gpu-backend.h"
#include "../gpu/measure.h"
#include "cuda-device.h"

namespace sluice::cuda {
namespace {

std::vector<GpuInfo> devices(std::string& problem) {
  int count = 0;
  if (const Status status = checked(cudaGetDeviceCount(&count), "no device"); !status.ok()) {
    problem = status.message();
    return {};
  }
  std::vector<GpuInfo> found;
  for (int i = 0; i < count; i++) {
    cudaDeviceProp properties{};
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) continue;
    const std::string title = std::string(properties.name) + ", compute capability " +
                              std::to_string(properties.major) + "." + std::to_string(properties.minor);
    found.push_back({title, static_cast<int64_t>(properties.totalGlobalMem), Products::about()});
  }
  return found;
}

Status open(int number, std::unique_ptr<Backend>& backend) {
  auto device = std::make_unique<CudaDevice>(number);
  SLUICE_TRY(device->open());
  backend = gpu::make_gpu_backend(std::move(device));
  return {};
}

Status measure(int number, GpuRates& rates) {
  CudaDevice device(number);
  SLUICE_TRY(device.open());
  return gpu::measure(device, {int64_t{1} << 30, 8192}, rates);
}

}  // namespace
}  // namespace sluice::cuda

extern "C" __attribute__((visibility("default"))) const sluice::GpuModule* sluice_cuda_module() {
  static const sluice::GpuModule module = {SLUICE_LAYOUTS, sluice::cuda::devices, sluice::cuda::open,
                                           sluice::cuda::measure};
  return &module;
}
