// Sixteen f32 at a time, on every instruction set: the compiler cuts them into what the machine has. Sums
// over lanes are taken in one fixed order.
#pragma once

#include <cstdint>
#include <cstring>

namespace sluice::cpu::SLUICE_ISA {

inline constexpr int64_t kLanes16 = 16;

typedef float Lanes16 __attribute__((vector_size(64)));
typedef float LooseLanes16 __attribute__((vector_size(64), aligned(4), may_alias));

#define SLUICE_LANES static inline __attribute__((always_inline))

SLUICE_LANES Lanes16 load16(const float* from) {
  return (Lanes16)(*reinterpret_cast<const LooseLanes16*>(from));
}

/** bf16, widened. */
SLUICE_LANES Lanes16 load16(const uint16_t* from) {
  typedef uint16_t Halves __attribute__((vector_size(32)));
  typedef uint16_t LooseHalves __attribute__((vector_size(32), aligned(2), may_alias));
  typedef uint32_t Words __attribute__((vector_size(64)));
  const Halves halves = (Halves)(*reinterpret_cast<const LooseHalves*>(from));
  return (Lanes16)(__builtin_convertvector(halves, Words) << 16);
}

SLUICE_LANES void store16(float* to, Lanes16 value) {
  *reinterpret_cast<LooseLanes16*>(to) = (LooseLanes16)value;
}

/** The first `count` < 16, zeros behind. */
template <typename T>
SLUICE_LANES Lanes16 load_some(const T* from, int64_t count) {
  T some[kLanes16] = {};
  std::memcpy(some, from, static_cast<size_t>(count) * sizeof(T));
  return load16(some);
}

SLUICE_LANES float total16(Lanes16 v) {
  typedef float Eight __attribute__((vector_size(32)));
  typedef float Four __attribute__((vector_size(16)));
  const Eight eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                      __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Four four =
      __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

}  // namespace sluice::cpu::SLUICE_ISA
