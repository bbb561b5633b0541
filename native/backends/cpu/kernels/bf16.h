// bf16 as the upper half of an f32, in loops that vectorise.
#pragma once

#include "vector-math.h"

#if defined(__AVX512BF16__)
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 sees it in its own header
#endif
#include <immintrin.h>
#endif

namespace sluice::cpu::SLUICE_ISA {

SLUICE_INLINE float from_bf16(uint16_t x) { return from_bits(static_cast<uint32_t>(x) << 16); }

/** Round to nearest even; NaN stays NaN. */
SLUICE_INLINE uint16_t to_bf16(float x) {
  const uint32_t bits = to_bits(x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return static_cast<uint16_t>(x != x ? (bits >> 16 | 0x40u) : rounded);
}

SLUICE_INLINE void widen(const uint16_t* from, float* to, int64_t count) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) to[i] = from_bf16(from[i]);
}

SLUICE_INLINE void narrow(const float* from, uint16_t* to, int64_t count) {
  int64_t i = 0;
#if defined(__AVX512BF16__)
  for (; i + 16 <= count; i += 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(from + i))));
  }
#endif
#pragma GCC ivdep
  for (int64_t j = i; j < count; j++) to[j] = to_bf16(from[j]);
}

/** x *= factor */
SLUICE_INLINE void scale(uint16_t* x, int64_t count, float factor) {
  int64_t i = 0;
#if defined(__AVX512BF16__)
  for (; i + 16 <= count; i += 16) {
    __m256i* at = reinterpret_cast<__m256i*>(x + i);
    const __m512i words = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(at)), 16);
    const __m512 scaled = _mm512_mul_ps(_mm512_castsi512_ps(words), _mm512_set1_ps(factor));
    _mm256_storeu_si256(at, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(scaled)));
  }
#endif
#pragma GCC ivdep
  for (int64_t j = i; j < count; j++) x[j] = to_bf16(from_bf16(x[j]) * factor);
}

}  // namespace sluice::cpu::SLUICE_ISA
