// Sixteen numbers of 32 bits at a time, on every instruction set: in one vector, or in as many as the machine
// takes. Sums over lanes are taken in one fixed order.
#pragma once

#include "lanes-pair.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace sluice::cpu::SLUICE_ISA {

inline constexpr int64_t kLanes16 = 16;

#if defined(__AVX512F__)
typedef float Lanes16 __attribute__((vector_size(64)));
typedef uint32_t Words16 __attribute__((vector_size(64)));
typedef int32_t Ints16 __attribute__((vector_size(64)));
#else
typedef float Lanes8 __attribute__((vector_size(32)));
typedef uint32_t Words8 __attribute__((vector_size(32)));
typedef int32_t Ints8 __attribute__((vector_size(32)));
using Lanes16 = Pair<Lanes8>;
using Words16 = Pair<Words8>;
using Ints16 = Pair<Ints8>;
#endif

SLUICE_LANES Lanes16 load16(const float* from) { return load_vector<Lanes16>(from); }
#if defined(__AVX512F__)
/** Of two vectors as one the even lanes, for i = 0, or the odd ones. */
SLUICE_LANES Lanes16 every_other(Lanes16 a, Lanes16 b, int64_t i) {
  return i == 0 ? __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
                : __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
#else
SLUICE_LANES Lanes8 every_other(Lanes8 a, Lanes8 b, int64_t i) {
  return i == 0 ? __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
                : __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
}
SLUICE_LANES Lanes16 every_other(Lanes16 a, Lanes16 b, int64_t i) {
  return {every_other(a.low, a.high, i), every_other(b.low, b.high, i)};
}
#endif

/** Of 32 f32 the even ones, for i = 0, or the odd ones. */
SLUICE_LANES Lanes16 every_other16(const float* from, int64_t i) {
  return every_other(load16(from), load16(from + kLanes16), i);
}

SLUICE_LANES Words16 load_words(const void* from) { return load_vector<Words16>(from); }
SLUICE_LANES void store16(float* to, Lanes16 value) { store_vector(to, value); }
SLUICE_LANES Lanes16 splat16(float value) { return Lanes16{} + value; }

/** bf16, widened. */
SLUICE_LANES Lanes16 load16(const uint16_t* from) {
#if defined(__AVX512F__)
  const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return (Lanes16)_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16);
#else
  return bits_as<Lanes16>(load_widened<Words16>(from));
#endif
}

/** Of 32 bf16 the even ones, for i = 0, or the odd ones, widened. */
SLUICE_LANES Lanes16 widen_half(Words16 pairs, int64_t i) {
  return bits_as<Lanes16>(i == 0 ? pairs << 16 : pairs & 0xffff0000u);
}

/** The first `count` < 16, zeros behind. */
template <typename T>
SLUICE_LANES Lanes16 load_some(const T* from, int64_t count) {
  T some[kLanes16] = {};
  std::memcpy(some, from, static_cast<size_t>(count) * sizeof(T));
  return load16(some);
}

typedef float Lanes4 __attribute__((vector_size(16)));

/** Lanes i, i+4, i+8 and i+12 added up, for i = 0..3. */
SLUICE_LANES Lanes4 quarter16(Lanes16 v) {
#if defined(__AVX512F__)
  typedef float Lanes8 __attribute__((vector_size(32)));
  const Lanes8 eight = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  const Lanes8 eight = v.low + v.high;
#endif
  return __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +
         __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
}

SLUICE_LANES float total16(Lanes16 v) {
  const Lanes4 four = quarter16(v);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

/** total16 of each, to the bit. */
SLUICE_LANES Lanes4 totals16(Lanes16 v0, Lanes16 v1, Lanes16 v2, Lanes16 v3) {
  const Lanes4 a = quarter16(v0), b = quarter16(v1), c = quarter16(v2), d = quarter16(v3);
  const Lanes4 ab = __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
  const Lanes4 cd = __builtin_shufflevector(c, d, 0, 1, 4, 5) + __builtin_shufflevector(c, d, 2, 3, 6, 7);
  return __builtin_shufflevector(ab, cd, 0, 2, 4, 6) + __builtin_shufflevector(ab, cd, 1, 3, 5, 7);
}

#if defined(__AVX512F__)
/** total16 of each of sixteen, to the bit: two are folded into one, four times over. */
SLUICE_LANES Lanes16 totals16(const Lanes16 (&v)[kLanes16]) {
  __m512 quarters[4];  // lanes 4 j .. 4 j + 3: of v[i + 4 j]
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const __m512 a = (__m512)v[i], b = (__m512)v[i + 4], c = (__m512)v[i + 8], d = (__m512)v[i + 12];
    const __m512 ab = _mm512_shuffle_f32x4(a, b, 0x44) + _mm512_shuffle_f32x4(a, b, 0xee);
    const __m512 cd = _mm512_shuffle_f32x4(c, d, 0x44) + _mm512_shuffle_f32x4(c, d, 0xee);
    quarters[i] = _mm512_shuffle_f32x4(ab, cd, 0x88) + _mm512_shuffle_f32x4(ab, cd, 0xdd);
  }
  const auto halves = [](__m512 a, __m512 b) __attribute__((always_inline)) {
    return _mm512_shuffle_ps(a, b, 0x44) + _mm512_shuffle_ps(a, b, 0xee);
  };
  const __m512 ab = halves(quarters[0], quarters[1]), cd = halves(quarters[2], quarters[3]);
  return (Lanes16)(_mm512_shuffle_ps(ab, cd, 0x88) + _mm512_shuffle_ps(ab, cd, 0xdd));
}
#endif

}  // namespace sluice::cpu::SLUICE_ISA
