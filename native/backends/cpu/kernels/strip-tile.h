// Products of a strip of kStrip rows with panels of kPanel columns, summed in registers. Operands are words:
// an f32, or two bf16 that are neighbours along the depth. For AVX-512.
#pragma once

#if defined(__AVX512F__)

#include "bf16-pack.h"
#include "bf16.h"
#include "lanes-math.h"

namespace sluice::cpu::SLUICE_ISA {

inline constexpr int64_t kStrip = 12, kPanel = 32;  // 24 sums, 2 of b, 1 of a: within 32 registers

#if defined(__AVX512BF16__)

/** Which elements of two times sixteen make words of one of each. */
struct Weave {
  alignas(64) uint16_t place[32];
  constexpr Weave() : place() {
    for (int i = 0; i < 32; i++) place[i] = static_cast<uint16_t>(i / 2 + i % 2 * 16);
  }
};
inline constexpr Weave kWeave;

/** bf16 operands. */
struct Half {
  using Element = uint16_t;
  using Word [[gnu::may_alias, gnu::aligned(2)]] = uint32_t;
  static constexpr int64_t kPerWord = 2;

  static __m512 multiply_add(__m512 sum, Word left, __m512i right) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(static_cast<int>(left)), (__m512bh)right);
  }

  /** Rows of x, their depth contiguous, as the columns of panels. */
  static void pack_rows(const Element* x, int64_t ld, int64_t depth, int64_t rows, uint32_t* to) {
    bf16_pack::pack<kPanel>(x, ld, true, depth, rows, true, to);
  }
  /** The columns of x as those of panels. */
  static void pack_columns(const Element* x, int64_t ld, int64_t rows, int64_t width, uint32_t* to) {
    bf16_pack::pack<kPanel>(x, ld, false, rows, width, true, to);
  }

  static void store(Element* to, __m512 first, __m512 second) {
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(second, first));
  }

  /** Sixteen of two rows as words of one of each. */
  static void store_words(uint32_t* to, int64_t, __m512 even, __m512 odd) {
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(odd, even);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(_mm512_load_si512(kWeave.place), both));
  }
  /** And into each row too. */
  static void store_pair(Element* even_row, Element* odd_row, uint32_t* to, int64_t, __m512 even,
                         __m512 odd) {
    const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(odd, even);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi16(_mm512_load_si512(kWeave.place), both));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(even_row), _mm512_castsi512_si256(both));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(odd_row), _mm512_extracti64x4_epi64(both, 1));
  }
};

#endif

/** Words from one panel to the next. */
constexpr int64_t panel_words(int64_t words) { return bf16_pack::panel_step(words, kPanel); }

/** f32 operands: a word is one of them. */
struct Single {
  using Element = float;
  using Word [[gnu::may_alias]] = float;
  static constexpr int64_t kPerWord = 1;

  static __m512 multiply_add(__m512 sum, Word left, __m512i right) {
    return _mm512_fmadd_ps(_mm512_set1_ps(left), _mm512_castsi512_ps(right), sum);
  }

  static void pack_rows(const Element* x, int64_t ld, int64_t depth, int64_t rows, uint32_t* to) {
    // words, as those of twice as many bf16 are
    bf16_pack::pack<kPanel>(reinterpret_cast<const AliasedHalf*>(x), 2 * ld, true, 2 * depth, rows, true, to);
  }
  static void pack_columns(const Element* x, int64_t ld, int64_t rows, int64_t width, uint32_t* to) {
    for (int64_t first = 0; first < width; first += kPanel, to += panel_words(rows)) {
      const __mmask16 one = bf16_pack::lanes(width - first), two = bf16_pack::lanes(width - first - 16);
      for (int64_t i = 0; i < rows; i++) {
        const float* row = x + i * ld + first;
        _mm512_storeu_ps(to + i * kPanel, _mm512_maskz_loadu_ps(one, row));
        _mm512_storeu_ps(to + i * kPanel + 16, _mm512_maskz_loadu_ps(two, row + 16));
      }
    }
  }

  static void store(Element* to, __m512 first, __m512 second) {
    _mm512_storeu_ps(to, first);
    _mm512_storeu_ps(to + 16, second);
  }
  static void store_words(uint32_t* to, int64_t step, __m512 even, __m512 odd) {
    _mm512_storeu_ps(to, even);
    _mm512_storeu_ps(to + step, odd);
  }
  static void store_pair(Element* even_row, Element* odd_row, uint32_t* to, int64_t step, __m512 even,
                         __m512 odd) {
    _mm512_storeu_ps(even_row, even);
    _mm512_storeu_ps(odd_row, odd);
    store_words(to, step, even, odd);
  }

 private:
  using AliasedHalf [[gnu::may_alias]] = uint16_t;
};

/** store(row, first 16 sums, second 16 sums) of kStrip rows of a times one panel b [words][kPanel]. a is rows
 * `step` words apart, or with kAcross the other way: columns, one word of every row together, `step` apart.
 */
template <class Format, bool kAcross, typename Store>
inline __attribute__((always_inline)) void multiply_strip(int64_t words, const typename Format::Word* a,
                                                          int64_t step, const uint32_t* b, Store store) {
  __m512 sum[kStrip][2];
  for (int i = 0; i < kStrip; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
  const typename Format::Word* rows[4] = {a, a + 3 * step, a + 6 * step, a + 9 * step};
  for (int64_t k = 0; k < words; k++, b += kPanel) {
    const __m512i first = _mm512_loadu_si512(b), second = _mm512_loadu_si512(b + 16);
#pragma GCC unroll 12
    for (int i = 0; i < kStrip; i++) {
      const auto left = kAcross ? a[i] : rows[i / 3][i % 3 * step + k];
      sum[i][0] = Format::multiply_add(sum[i][0], left, first);
      sum[i][1] = Format::multiply_add(sum[i][1], left, second);
    }
    if (kAcross) a += step;
  }
#pragma GCC unroll 12
  for (int i = 0; i < kStrip; i++) store(i, sum[i][0], sum[i][1]);
}

}  // namespace sluice::cpu::SLUICE_ISA

#endif
