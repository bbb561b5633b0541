// Rows of quantised weights, sixteen values at a time. A row of K columns is padded to whole groups of 128
// columns with codes for 0; every 64 columns share a scale, their largest absolute value (over 127 for int8).
//   int8: one signed byte each: w = scale * code; column 16 i + j of a block of 64 is byte i of the block's
//   32-bit
//         word j, so that shifts give sixteen neighbours
//   nf4:  four bits each: w = scale * table[code]; column 16 i + j of a group of 128 is nibble i of word j
//   alike
#pragma once

#include "../../../core/nf4.h"
#include "row-product.h"

namespace sluice::cpu::SLUICE_ISA {

inline constexpr int64_t kQuantGroup = 128, kQuantBlock = 64;  // columns

struct Int8Rows {
  static constexpr int64_t kStep = kQuantBlock;
  static constexpr bool kSplit = false;
  static constexpr int kAlone = 2;
  static constexpr int64_t kAhead = 0;
  static constexpr int64_t bytes(int64_t padded) { return padded; }
  const uint8_t* codes;  // [n, padded]
  const float* scales;   // [n, padded / 64]
  int64_t padded;
  inline __attribute__((always_inline)) Lanes16 at(int64_t row, int64_t k, int64_t i) const {
    const int64_t block = row * padded + k;
    const Ints16 code = bits_as<Ints16>(load_words(codes + block) << static_cast<uint32_t>(24 - 8 * i)) >> 24;
    return converted<Lanes16>(code) * scales[block / kQuantBlock];
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t i, int64_t) const {
    return at(row, k, i);
  }
  const char* from(int64_t row) const { return reinterpret_cast<const char*>(codes + row * padded); }
};

#if defined(__AVX2__) && !defined(__AVX512F__)
/** table[code % 16] of each lane: of its lower and of its upper half, and bit 3 of the code chooses. */
SLUICE_LANES Lanes8 looked_up(Lanes16 table, Words8 code) {
  const __m256i index = (__m256i)code;
  const __m256 low = _mm256_permutevar8x32_ps((__m256)table.low, index);
  const __m256 high = _mm256_permutevar8x32_ps((__m256)table.high, index);
  return (Lanes8)_mm256_blendv_ps(low, high, (__m256)(code << 28));
}
#endif

/** table[code % 16] of each lane. */
SLUICE_LANES Lanes16 looked_up(Lanes16 table, Words16 code) {
#if defined(__AVX512F__)
  return (Lanes16)_mm512_permutexvar_ps((__m512i)code, (__m512)table);
#elif defined(__AVX2__)
  return {looked_up(table, code.low), looked_up(table, code.high)};
#else
  float numbers[kLanes16], values[kLanes16];
  uint32_t codes[kLanes16];
  store16(numbers, table);
  store_vector(codes, code);
  for (int64_t lane = 0; lane < kLanes16; lane++) values[lane] = numbers[codes[lane] % kLanes16];
  return load16(values);
#endif
}

struct Nf4Rows {
  static constexpr int64_t kStep = kQuantGroup;
  static constexpr bool kSplit = false;
  static constexpr int kAlone = 2;
  static constexpr int64_t kAhead = 0;
  static constexpr int64_t bytes(int64_t padded) { return padded / 2; }
  const uint8_t* codes;  // [n, padded / 2]
  const float* scales;   // [n, padded / 64]
  int64_t padded;
  inline __attribute__((always_inline)) Lanes16 at(int64_t row, int64_t k, int64_t i) const {
    alignas(64) static constexpr float values[kLanes16] = {SLUICE_NF4_VALUES};
    const Lanes16 table = load16(values);
    const int64_t group = row * padded + k;
    const Words16 code = load_words(codes + group / 2) >> static_cast<uint32_t>(4 * i);
    // a scaled table serves four sixteens, and gives the same products
    return looked_up(table * scales[group / kQuantBlock + i * kLanes16 / kQuantBlock], code);
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t i, int64_t) const {
    return at(row, k, i);
  }
  const char* from(int64_t row) const { return reinterpret_cast<const char*>(codes + row * padded / 2); }
};

/** Columns [begin, end) of rows [first, last) as f32, `stride` apart; begin is a multiple of 128, end of 16.
 */
template <typename W>
void dequantize(const W& w, int64_t first, int64_t last, int64_t begin, int64_t end, float* to,
                int64_t stride) {
  for (int64_t row = first; row < last; row++, to += stride) {
    int64_t k = begin;
    for (; k + W::kStep <= end; k += W::kStep) {
#pragma GCC unroll 8
      for (int64_t i = 0; i < W::kStep / kLanes16; i++)
        store16(to + k - begin + i * kLanes16, w.at(row, k, i));
    }
    for (int64_t i = 0; k + (i + 1) * kLanes16 <= end; i++)
      store16(to + k - begin + i * kLanes16, w.at(row, k, i));
  }
}

}  // namespace sluice::cpu::SLUICE_ISA
