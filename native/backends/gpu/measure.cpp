#include "measure.h"

#include <chrono>

#include "call.h"
#include "kernels/elementwise.h"
#include "kernels/random.h"

namespace sluice::gpu {
namespace {

/** Seconds of one in the fastest of a few rows of repeats. */
template <typename Work>
Status fastest(Device& device, double& seconds, Work work) {
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
  Device& device;
  void* memory;
  ~Held() {
    if (memory) device.release(memory);
  }
  std::byte* at(int64_t bytes) const { return static_cast<std::byte*>(memory) + bytes; }
};

/** Products of size x size numbers that are random, for zeros are multiplied faster: by what would multiply
 * them in a run, a library or our own kernel. */
Status measure_products(Device& device, const Held& one, const Held& other, int64_t size, GpuRates& rates) {
  const int64_t count = size * size;
  const Held seed{device, device.allocate(3 * sizeof(int32_t))};
  if (!seed.memory) return Status::error("the device has no memory left");
  const dialect::Draw draw{2 * count, 0, 1};
  void* const drawn[] = {seed.memory, one.memory};
  SLUICE_TRY(device.launch(Kernel::draw, one_each(count / 2), drawn, &draw, sizeof draw));
  const dialect::Unary rounding{2 * count, dialect::unary_copy, 0, 0, 0, 1};
  void* const rounded[] = {one.memory, other.at(4 * count)};  // behind the results
  SLUICE_TRY(device.launch(Kernel::unary, some_each(2 * count), rounded, &rounding, sizeof rounding));
  for (const int narrow : {0, 1}) {
    dialect::Product product{};
    product.m = product.n = product.k = size;
    product.a_row = size, product.a_column = 1, product.b_row = 1, product.b_column = size,
    product.y_row = size;
    product.a_bf16 = product.b_bf16 = product.y_bf16 = narrow;
    const std::byte* a = narrow ? other.at(4 * count) : one.at(0);
    const ProductOperands operands{a, a + count * (narrow ? 2 : 4), nullptr, nullptr, nullptr, other.memory};
    double seconds = 0;
    SLUICE_TRY(fastest(device, seconds, [&] { return multiply(device, product, operands); }));
    (narrow ? rates.bf16_flops : rates.f32_flops) = 2.0 * size * size * size / seconds;
  }
  return {};
}

}  // namespace

Status measure(Device& device, const Measured& sizes, GpuRates& rates) {
  const int64_t bytes = sizes.bytes;
  const Held one{device, device.allocate(bytes)}, other{device, device.allocate(bytes)};
  if (!one.memory || !other.memory)
    return Status::error("the device has less than " + std::to_string(bytes >> 19) + " MiB free");
  double seconds = 0;
  SLUICE_TRY(fastest(device, seconds, [&] { return device.copy(other.memory, one.memory, bytes); }));
  rates.bytes_per_second = 2.0 * static_cast<double>(bytes) / seconds;
  return measure_products(device, one, other, sizes.product, rates);
}

}  // namespace sluice::gpu
