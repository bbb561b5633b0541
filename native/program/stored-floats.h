// The floating types of safetensors files, and what becomes of them in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice {

enum class StoredType : uint8_t { f64, f32, f16, bf16 };

inline int64_t size_of(StoredType type) {
  return type == StoredType::f64 ? 8 : type == StoredType::f32 ? 4 : 2;
}

/** Exact, subnormals included; infinities and NaN stay what they are. */
inline float half_to_float(uint16_t half) {
  const bool is_finite = (half & 0x7c00) != 0x7c00;
  const uint32_t bits = static_cast<uint32_t>(half & 0x7fff) << 13;
  float size;
  std::memcpy(&size, &bits, 4);
  size *= 0x1p112f;  // the exponents' biases differ by 112
  uint32_t result;
  std::memcpy(&result, &size, 4);
  if (!is_finite) result = bits | 0x7f800000u;
  result |= static_cast<uint32_t>(half & 0x8000) << 16;
  float value;
  std::memcpy(&value, &result, 4);
  return value;
}

/** f64 rounds to nearest even; the others are exact. */
inline void to_f32(StoredType type, const std::byte* from, float* to, int64_t count) {
  if (type == StoredType::f32) {
    std::memcpy(to, from, static_cast<size_t>(count) * 4);
  } else if (type == StoredType::f64) {
    const double* wide = reinterpret_cast<const double*>(from);
    for (int64_t i = 0; i < count; i++) to[i] = static_cast<float>(wide[i]);
  } else if (type == StoredType::f16) {
    const uint16_t* half = reinterpret_cast<const uint16_t*>(from);
    for (int64_t i = 0; i < count; i++) to[i] = half_to_float(half[i]);
  } else {
    const uint16_t* half = reinterpret_cast<const uint16_t*>(from);
    for (int64_t i = 0; i < count; i++) {
      const uint32_t bits = static_cast<uint32_t>(half[i]) << 16;
      std::memcpy(to + i, &bits, 4);
    }
  }
}

/** Rounds to nearest even; NaN stays NaN. */
inline void to_bf16(const float* from, uint16_t* to, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    uint32_t bits;
    std::memcpy(&bits, from + i, 4);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    to[i] = static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
  }
}

}  // namespace sluice
