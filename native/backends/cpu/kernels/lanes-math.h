// Elementary functions of sixteen numbers at once, and sixteen bf16 read and written: for loops that would
// otherwise pass a buffer for every operand. The formulas are those of vector-math.h.
#pragma once

#include "bf16.h"
#include "lanes.h"

namespace sluice::cpu::SLUICE_ISA {

/** NaN stays NaN. */
SLUICE_LANES Lanes16 at_most(Lanes16 x, float bound) {
#if defined(__AVX512F__)
  return (Lanes16)_mm512_min_ps((__m512)splat16(bound), (__m512)x);
#else
  return lesser(splat16(bound), x);
#endif
}

SLUICE_LANES Lanes16 at_least(Lanes16 x, float bound) {
#if defined(__AVX512F__)
  return (Lanes16)_mm512_max_ps((__m512)splat16(bound), (__m512)x);
#else
  return greater(splat16(bound), x);
#endif
}

/** e^(x - n ln 2) for whole n, where that lies between the roots of 1/2 and 2. */
SLUICE_LANES Lanes16 exp_near0(Lanes16 x, Lanes16 n) {
  Lanes16 r = x - n * 0.693145751953125f;
  r = r - n * 1.42860682030941723212e-6f;
  Lanes16 p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + (r + 1.0f);
}

/** As exp_f32. */
SLUICE_LANES Lanes16 exp16(Lanes16 x) {
  x = at_least(at_most(x, 89.0f), -105.0f);
  const Lanes16 shifted = x * 1.44269504088896341f + 12582912.0f;
  const Lanes16 n = shifted - 12582912.0f;
  const Lanes16 p = exp_near0(x, n);
#if defined(__AVX512F__)
  return (Lanes16)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
  const Ints16 whole = bits_as<Ints16>(shifted) - bits_as<Ints16>(splat16(12582912.0f)), half = whole >> 1;
  return p * bits_as<Lanes16>((half + 127) << 23) * bits_as<Lanes16>((whole - half + 127) << 23);
#endif
}

/** As exp_negative, but that AVX-512 lets what is below e^-87 fade before it is 0. */
SLUICE_LANES Lanes16 exp_negative16(Lanes16 x) {
#if defined(__AVX512F__)
  x = at_least(x, -200.0f);
  const Lanes16 shifted = x * 1.44269504088896341f + 12582912.0f;
  const Lanes16 n = shifted - 12582912.0f;
  return (Lanes16)_mm512_scalef_ps((__m512)exp_near0(x, n), (__m512)n);
#else
  const Lanes16 clamped = at_least(x, -87.0f), shifted = clamped * 1.44269504088896341f + 12582912.0f;
  const Ints16 whole = bits_as<Ints16>(shifted) - bits_as<Ints16>(splat16(12582912.0f));
  const Lanes16 result = exp_near0(clamped, shifted - 12582912.0f) * bits_as<Lanes16>((whole + 127) << 23);
  return zero_below(x, -87.0f, result);
#endif
}

SLUICE_LANES Lanes16 sigmoid16(Lanes16 x) { return 1.0f / (1.0f + exp16(-x)); }

/** Rounded as to_bf16. */
SLUICE_LANES void store16(uint16_t* to, Lanes16 value) {
#if defined(__AVX512BF16__)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      reinterpret_cast<__m256i>(_mm512_cvtneps_pbh((__m512)value)));
#else
  float wide[kLanes16];
  store16(wide, value);
  for (int i = 0; i < kLanes16; i++) to[i] = to_bf16(wide[i]);
#endif
}

/** The first `count` < 16. */
template <typename T>
SLUICE_LANES void store_some(T* to, Lanes16 value, int64_t count) {
  T some[kLanes16];
  store16(some, value);
  std::memcpy(to, some, static_cast<size_t>(count) * sizeof(T));
}

}  // namespace sluice::cpu::SLUICE_ISA
