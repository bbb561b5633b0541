// The module's one symbol: which devices there are, a backend on one, and what it can do.
#include "module.h"

#include <chrono>

#include "../gpu/call.h"
#include "../gpu/gpu-backend.h"
#include "../gpu/kernels/elementwise.h"
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
    found.push_back({properties.name, static_cast<int64_t>(properties.totalGlobalMem), properties.major,
                     properties.minor, Products().about()});
  }
  return found;
}

Status open(int number, std::unique_ptr<Backend>& backend) {
  auto device = std::make_unique<CudaDevice>(number);
  SLUICE_TRY(device->open());
  backend = gpu::make_gpu_backend(std::move(device));
  return {};
}

/** Seconds of the fastest of a few repeats; each is waited for. */
template <typename Work>
Status fastest(CudaDevice& device, double& seconds, Work work) {
  using Clock = std::chrono::steady_clock;
  seconds = 1e9;
  for (int i = 0; i < 6; i++) {
    const auto start = Clock::now();
    SLUICE_TRY(work());
    SLUICE_TRY(device.wait());
    // the first one loads kernels and chooses algorithms
    if (i > 0) seconds = std::min(seconds, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return {};
}

struct Held {
  CudaDevice& device;
  void* memory;
  ~Held() {
    if (memory) device.release(memory);
  }
};

Status measure(int number, GpuRates& rates) {
  CudaDevice device(number);
  SLUICE_TRY(device.open());
  constexpr int64_t bytes = int64_t{1} << 30, size = 8192;
  const Held from{device, device.allocate(bytes)}, to{device, device.allocate(bytes)};
  if (!from.memory || !to.memory) return Status::error("the device has less than 2 GiB free");
  double seconds = 0;
  const dialect::Unary copy{bytes / 4, dialect::unary_copy, 0, 0, 0, 0};
  void* const buffers[] = {from.memory, to.memory};
  SLUICE_TRY(fastest(device, seconds, [&] {
    return device.launch(gpu::Kernel::unary, gpu::one_each(bytes / 4), buffers, &copy, sizeof copy);
  }));
  rates.bytes_per_second = 2.0 * bytes / seconds;
  for (const int narrow : {0, 1}) {
    dialect::Product product{};
    product.m = product.n = product.k = size;
    product.a_row = size, product.a_column = 1, product.b_row = 1, product.b_column = size,
    product.y_row = size;
    product.a_bf16 = product.b_bf16 = product.y_bf16 = narrow;
    // both operands and the result fit beside each other: 3 x 256 MiB in f32
    auto* at = static_cast<std::byte*>(from.memory);
    const gpu::ProductOperands operands{at, at + bytes / 2, nullptr, nullptr, nullptr, to.memory};
    Status status;
    bool has_library = true;
    SLUICE_TRY(fastest(device, seconds, [&] {
      has_library = device.multiply(product, operands, status);
      return status;
    }));
    if (has_library) (narrow ? rates.bf16_flops : rates.f32_flops) = 2.0 * size * size * size / seconds;
  }
  return {};
}

}  // namespace
}  // namespace sluice::cuda

extern "C" __attribute__((visibility("default"))) const sluice::CudaModule* sluice_cuda_module() {
  static const sluice::CudaModule module = {SLUICE_LAYOUTS, sluice::cuda::devices, sluice::cuda::open,
                                            sluice::cuda::measure};
  return &module;
}
