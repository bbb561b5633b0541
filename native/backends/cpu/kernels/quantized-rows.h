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

typedef int32_t Integers16 __attribute__((vector_size(64)));

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
    const Integers16 code =
        (Integers16)(load_words(codes + block) << static_cast<uint32_t>(24 - 8 * i)) >> 24;
    return __builtin_convertvector(code, Lanes16) * scales[block / kQuantBlock];
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t i, int64_t) const {
    return at(row, k, i);
  }
  const char* from(int64_t row) const { return reinterpret_cast<const char*>(codes + row * padded); }
};

/** table[code % 16] of each lane. */
SLUICE_LANES Lanes16 looked_up(Lanes16 table, Words16 code) {
#if defined(__clang__)
  Lanes16 values;
  for (int64_t lane = 0; lane < kLanes16; lane++) values[lane] = table[code[lane] % kLanes16];
  return values;
#else
  return __builtin_shuffle(table, code);
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
    static constexpr Lanes16 table = {SLUICE_NF4_VALUES};
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
