// A register tile of the bf16 product: kRows x kColumns sums of the products of neighbours along the depth,
// or of several products one after the other. For AVX-512 BF16.
#pragma once

#if defined(__AVX512BF16__)

#include <utility>

#include "bf16-pack.h"

namespace sluice::cpu::SLUICE_ISA::bf16_pack {

inline constexpr int kRows = 12, kColumns = 2 * kLanes;  // 24 sums, 2 of b, 1 of a: within 32 registers

/** Two neighbours along the depth, wherever they lie. */
using Word [[gnu::may_alias, gnu::aligned(2)]] = uint32_t;

/** Where a register tile goes. */
struct Target {
  void* c;
  int64_t ldc;
  const float* bias;
  const float* addend;
  int64_t ld_addend;
  bool narrow, begun;       // begun: c holds the sums so far, f32
  __mmask16 first, second;  // columns that exist

  /** each(sum, mask, element of c) for all vectors of a tile, unrolled: an index that varies would keep the
   * sums in memory all along. */
  template <int kHeight, int kVectors, typename Each>
  inline __attribute__((always_inline)) void each_sum(__m512 (&sum)[kHeight][kVectors], Each each) const {
#pragma GCC unroll 12
    for (int i = 0; i < kHeight; i++) {
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; j++) each(sum[i][j], j ? second : first, i * ldc + j * kLanes, j);
    }
  }

  /** What is summed so far: sums run on in one order, however the depth is cut. */
  template <int kHeight, int kVectors>
  inline __attribute__((always_inline)) void begin(__m512 (&sum)[kHeight][kVectors]) const {
    const float* from = static_cast<const float*>(c);
    if (begun) {
      each_sum(
          sum, [&](__m512 & value, __mmask16 mask, int64_t at, int)
                   __attribute__((always_inline)) { value = _mm512_maskz_loadu_ps(mask, from + at); });
    } else {
      each_sum(
          sum, [&](__m512 & value, __mmask16, int64_t, int)
                   __attribute__((always_inline)) { value = _mm512_setzero_ps(); });
    }
  }

  template <int kHeight, int kVectors>
  inline __attribute__((always_inline)) void store(__m512 (&sum)[kHeight][kVectors]) const {
    if (bias) {
      __m512 added[kVectors];
      for (int j = 0; j < kVectors; j++)
        added[j] = _mm512_maskz_loadu_ps(j ? second : first, bias + j * kLanes);
      each_sum(
          sum, [&](__m512 & value, __mmask16, int64_t, int j)
                   __attribute__((always_inline)) { value = _mm512_add_ps(value, added[j]); });
    }
    if (addend) {
#pragma GCC unroll 12
      for (int i = 0; i < kHeight; i++) {
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; j++) {
          const __m512 more = _mm512_maskz_loadu_ps(j ? second : first, addend + i * ld_addend + j * kLanes);
          sum[i][j] = _mm512_add_ps(sum[i][j], more);
        }
      }
    }
    if (narrow) {
      uint16_t* to = static_cast<uint16_t*>(c);
      each_sum(
          sum, [&](__m512 value, __mmask16 mask, int64_t at, int) __attribute__((always_inline)) {
            _mm256_mask_storeu_epi16(to + at, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
          });
      return;
    }
    float* to = static_cast<float*>(c);
    each_sum(
        sum, [&](__m512 value, __mmask16 mask, int64_t at, int)
                 __attribute__((always_inline)) { _mm512_mask_storeu_ps(to + at, mask, value); });
  }

  /** The lines of memory that store() will touch: they arrive while the tile is summed. */
  void fetch(int64_t rows) const {
    for (int64_t row = 0; addend && row < rows; row++) {
      __builtin_prefetch(addend + row * ld_addend);
      __builtin_prefetch(addend + row * ld_addend + kLanes);
    }
    const int64_t bytes = narrow ? 2 : 4;
    for (int64_t row = 0; row < rows; row++) {
      const char* line = static_cast<const char*>(c) + row * ldc * bytes;
      __builtin_prefetch(line, 1);
      if (!narrow) __builtin_prefetch(line + 64, 1);
    }
  }
};

/** One product's part of a register tile: rows of a and a panel of b [pairs][kColumns]. a is a panel
 * [pairs][height], or rows of words `row` apart. */
struct Strip {
  const Word* a;
  int64_t row;
  const uint32_t* b;
  int64_t pairs;
};

/** c[kHeight, kVectors * 16] from `count` strips. */
template <int kHeight, int kVectors, bool kPanel>
void tile(const Strip* strips, int count, const Target& target) {
  __m512 sum[kHeight][kVectors];
  target.begin(sum);
  for (const Strip* strip = strips; strip < strips + count; strip++) {
    const Word* a = strip->a;
    const uint32_t* b = strip->b;
    const int64_t row = strip->row, pairs = strip->pairs;
    const Word* rows[4] = {a, a + 3 * row, a + 6 * row, a + 9 * row};  // addresses of the others are cheap
    for (int64_t k = 0; k < pairs; k++, b += kColumns) {
      __m512bh right[kVectors];
      for (int j = 0; j < kVectors; j++) right[j] = (__m512bh)_mm512_loadu_si512(b + j * kLanes);
#pragma GCC unroll 12
      for (int i = 0; i < kHeight; i++) {
        const uint32_t word = kPanel ? a[k * kHeight + i] : rows[i / 3][i % 3 * row + k];
        const __m512bh left = (__m512bh)_mm512_set1_epi32(static_cast<int>(word));
        for (int j = 0; j < kVectors; j++) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], left, right[j]);
      }
    }
  }
  target.store(sum);
}

using Tile = void (*)(const Strip* strips, int count, const Target& target);

template <int kVectors, bool kPanel, typename = std::make_integer_sequence<int, kRows>>
struct ByHeight;
template <int kVectors, bool kPanel, int... kHeights>
struct ByHeight<kVectors, kPanel, std::integer_sequence<int, kHeights...>> {
  static constexpr Tile tiles[] = {nullptr, tile<kHeights + 1, kVectors, kPanel>...};
};
template <int kVectors, bool kPanel>
constexpr auto& tiles = ByHeight<kVectors, kPanel>::tiles;

}  // namespace sluice::cpu::SLUICE_ISA::bf16_pack

#endif
