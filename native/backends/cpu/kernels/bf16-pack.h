// Operands of the bf16 product as panels of words, each two neighbours along the depth. For AVX-512.
#pragma once

#if defined(__AVX512F__)

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

namespace sluice::cpu::SLUICE_ISA::bf16_pack {

inline constexpr int kLanes = 16;

inline __mmask16 lanes(int64_t count) {
  return count >= 16  ? __mmask16(0xffff)
         : count <= 0 ? __mmask16(0)
                      : static_cast<__mmask16>((1u << count) - 1);
}
inline __mmask32 halves(int64_t count) {
  return count >= 32 ? ~__mmask32{0} : count <= 0 ? __mmask32{0} : (__mmask32{1} << count) - 1;
}

/** Words from one panel to the next: a cache line more than it holds, so that panels whose depth is a power
 * of two do not all fall on the same lines of the cache. */
constexpr int64_t panel_step(int64_t pairs, int width) { return pairs * width + kLanes; }

inline void transpose_words(__m512i (&x)[16]) {
  __m512i y[16];
  for (int i = 0; i < 16; i += 2) {
    y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
    x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
    x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
    x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
    y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
    y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
    y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
  }
  for (int i = 0; i < 8; i++) {
    x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xdd);
  }
}

/** Up to 16 rows whose depth is contiguous -> words to[pair * stride + row]. Missing rows give zeros. */
inline void pack_rows(const uint16_t* x, int64_t ld, int64_t rows, int64_t depth, uint32_t* to,
                      int64_t stride, __mmask16 written) {
  for (int64_t k = 0; k < depth; k += 32) {
    __m512i block[16];
    const __mmask32 mask = halves(depth - k);
    for (int i = 0; i < 16; i++)
      block[i] = i < rows ? _mm512_maskz_loadu_epi16(mask, x + i * ld + k) : _mm512_setzero_si512();
    transpose_words(block);
    const int64_t pairs = std::min<int64_t>(16, (depth - k + 1) / 2);
    for (int64_t pair = 0; pair < pairs; pair++)
      _mm512_mask_storeu_epi32(to + (k / 2 + pair) * stride, written, block[pair]);
  }
}

/** Which elements of two rows, one after the other, make the words of their first and second 16 columns. */
struct Interleave {
  alignas(64) uint16_t first[32], second[32];
  constexpr Interleave() : first(), second() {
    for (int i = 0; i < 32; i++) {
      first[i] = static_cast<uint16_t>(i / 2 + i % 2 * 32);
      second[i] = static_cast<uint16_t>(i / 2 + i % 2 * 32 + 16);
    }
  }
};
inline constexpr Interleave kInterleave;

/** Columns [0, width) of `deep` rows of the depth -> words to[pair * stride + column]. Whole vectors are
 * written: up to 16 words behind a pair's last hold nothing. */
template <int kWidth>
void pack_columns(const uint16_t* x, int64_t ld, int64_t deep, int64_t width, uint32_t* to, int64_t stride) {
  const __mmask32 mask = halves(width);
  const __m512i first = _mm512_load_si512(kInterleave.first), second = _mm512_load_si512(kInterleave.second);
  for (int64_t k = 0; k < deep; k += 2, to += stride) {
    const uint16_t* row = x + k * ld;
    const __m512i even = _mm512_maskz_loadu_epi16(mask, row);
    const __m512i odd = k + 1 < deep ? _mm512_maskz_loadu_epi16(mask, row + ld) : _mm512_setzero_si512();
    _mm512_storeu_si512(to, _mm512_permutex2var_epi16(even, first, odd));
    if (kWidth > kLanes) _mm512_storeu_si512(to + kLanes, _mm512_permutex2var_epi16(even, second, odd));
  }
}

/** Panels of kWidth from x, each [pairs][its width] and panel_step apart; the last may be narrower unless
 * `full`. */
template <int kWidth>
void pack(const uint16_t* x, int64_t ld, bool depth_contiguous, int64_t depth, int64_t count, bool full,
          uint32_t* to) {
  const int64_t pairs = (depth + 1) / 2, step = panel_step(pairs, kWidth);
  if (depth_contiguous) {
    for (int64_t first = 0; first < count; first += kWidth, to += step) {
      const int64_t width = std::min<int64_t>(kWidth, count - first), stride = full ? kWidth : width;
      for (int64_t i = 0; i < stride; i += kLanes) {
        pack_rows(x + (first + i) * ld, ld, std::clamp<int64_t>(width - i, 0, kLanes), depth, to + i, stride,
                  lanes(stride - i));
      }
    }
    return;
  }
  // few rows at a time: what is written lies together, and what is read stays in the cache
  constexpr int64_t kTogether = 8;
  for (int64_t k = 0; k < depth; k += kTogether) {
    const int64_t deep = std::min(kTogether, depth - k);
    for (int64_t next = k + kTogether; next < std::min(k + 2 * kTogether, depth); next++) {
      for (int64_t i = 0; i < count; i += 32) __builtin_prefetch(x + next * ld + i);
    }
    for (int64_t first = 0; first < count; first += kWidth) {
      const int64_t width = std::min<int64_t>(kWidth, count - first), stride = full ? kWidth : width;
      pack_columns<kWidth>(x + k * ld + first, ld, deep, width, to + first / kWidth * step + k / 2 * stride,
                           stride);
    }
  }
}

}  // namespace sluice::cpu::SLUICE_ISA::bf16_pack

#endif
