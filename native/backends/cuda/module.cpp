// The module's one symbol: which devices there are, a backend on one, and what it can do.
#include "module.h"

#include <chrono>

#include "../gpu/call.h"
#include "../gpu/gpu-backend.h"
#include "../gpu/kernels/elementwise.h"
#include "../gpu/kernels/random.h"
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
                     properties.minor, Products::about()});
  }
  return found;
}

Status open(int number, std::unique_ptr<Backend>& backend) {
  auto device = std::make_unique<CudaDevice>(number);
  SLUICE_TRY(device->open());
  backend = gpu::make_gpu_backend(std::move(device));
  return {};
}

/** Seconds of one in the fastest of a few rows of repeats. */
template <typename Work>
Status fastest(CudaDevice& device, double& seconds, Work work) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRows = 6, kRepeats = 4;
  seconds = 1e9;
  for (int row = 0; row < kRows; row++) {
    const auto start = Clock::now();
    for (int i = 0; i < kRepeats; i++) SLUICE_TRY(work());
    SLUICE_TRY(device.wait());
    const double taken = std::chrono::duration<double>(Clock::now() - start).count() / kRepeats;
    if (row > 0) seconds = std::min(seconds, taken);  // the first one loads kernels and chooses algorithms
  }
  return {};
}

struct Held {
  CudaDevice& device;
  void* memory;
  ~Held() {
    if (memory) device.release(memory);
  }
  std::byte* at(int64_t bytes) const { return static_cast<std::byte*>(memory) + bytes; }
};

/** Products of 8192 x 8192 numbers that are random, for zeros are multiplied faster: by what would multiply
 * them in a run, a library or our own kernel. */
Status measure_products(CudaDevice& device, const Held& one, const Held& other, GpuRates& rates) {
  constexpr int64_t size = 8192, count = size * size;
  const Held seed{device, device.allocate(3 * sizeof(int32_t))};
  if (!seed.memory) return Status::error("the device has no memory left");
  const dialect::Draw draw{2 * count, 0, 1};
  void* const drawn[] = {seed.memory, one.memory};
  SLUICE_TRY(device.launch(gpu::Kernel::draw, gpu::one_each(count / 2), drawn, &draw, sizeof draw));
  const dialect::Unary rounding{2 * count, dialect::unary_copy, 0, 0, 0, 1};
  void* const rounded[] = {one.memory, other.at(4 * count)};  // behind the results
  SLUICE_TRY(
      device.launch(gpu::Kernel::unary, gpu::one_each(2 * count), rounded, &rounding, sizeof rounding));
  for (const int narrow : {0, 1}) {
    dialect::Product product{};
    product.m = product.n = product.k = size;
    product.a_row = size, product.a_column = 1, product.b_row = 1, product.b_column = size,
    product.y_row = size;
    product.a_bf16 = product.b_bf16 = product.y_bf16 = narrow;
    const std::byte* a = narrow ? other.at(4 * count) : one.at(0);
    const gpu::ProductOperands operands{a,           a + count * (narrow ? 2 : 4), nullptr, nullptr, nullptr,
                                        other.memory};
    double seconds = 0;
    SLUICE_TRY(fastest(device, seconds, [&] { return gpu::multiply(device, product, operands); }));
    (narrow ? rates.bf16_flops : rates.f32_flops) = 2.0 * size * size * size / seconds;
  }
  return {};
}

Status measure(int number, GpuRates& rates) {
  CudaDevice device(number);
  SLUICE_TRY(device.open());
  constexpr int64_t bytes = int64_t{1} << 30;
  const Held one{device, device.allocate(bytes)}, other{device, device.allocate(bytes)};
  if (!one.memory || !other.memory) return Status::error("the device has less than 2 GiB free");
  double seconds = 0;
  SLUICE_TRY(fastest(device, seconds, [&] { return device.copy(other.memory, one.memory, bytes); }));
  rates.bytes_per_second = 2.0 * bytes / seconds;
  return measure_products(device, one, other, rates);
}

}  // namespace
}  // namespace sluice::cuda

extern "C" __attribute__((visibility("default"))) const sluice::CudaModule* sluice_cuda_module() {
  static const sluice::CudaModule module = {SLUICE_LAYOUTS, sluice::cuda::devices, sluice::cuda::open,
                                            sluice::cuda::measure};
  return &module;
}
