// Tensors of floats, f32 or bf16, as the f32 that kernels compute with: f32 is read and written where it
// lies, bf16 through a buffer that stays in the cache. Kernels are written once and take any mixture.
#pragma once

#include "bf16.h"
#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {

inline constexpr int64_t kStage = 1024;  // elements of one buffer of a simple loop

/** A tensor that is read. */
struct Source {
  const void* data;
  bool half;

  explicit Source(const Tensor& tensor) : data(tensor.data), half(tensor.dtype == DType::bf16) {}

  const float* floats() const { return static_cast<const float*>(data); }
  const uint16_t* halves() const { return static_cast<const uint16_t*>(data); }

  /** Elements [at, at + count): in the tensor itself or in `buffer`. */
  const float* read(int64_t at, int64_t count, float* buffer) const {
    if (!half) return floats() + at;
    widen(halves() + at, buffer, count);
    return buffer;
  }
};

/** A tensor that is written. */
struct Sink {
  void* data;
  bool half;

  explicit Sink(const Tensor& tensor) : data(tensor.data), half(tensor.dtype == DType::bf16) {}

  float* floats() const { return static_cast<float*>(data); }
  uint16_t* halves() const { return static_cast<uint16_t*>(data); }

  /** Where to put the elements from `at` on, before close(). */
  float* open(int64_t at, float* buffer) const { return half ? buffer : floats() + at; }
  void close(int64_t at, int64_t count, const float* buffer) const {
    if (half) narrow(buffer, halves() + at, count);
  }
};

/** step(at, count) over [begin, end), kStage at a time. */
template <typename Step>
void in_stages(int64_t begin, int64_t end, Step step) {
  for (int64_t at = begin; at < end; at += kStage) step(at, std::min(kStage, end - at));
}

}  // namespace sluice::cpu::SLUICE_ISA
