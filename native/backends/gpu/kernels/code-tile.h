// Quantised weights on their way to a tile of bf16 in group memory.
#pragma once

#include "matmul.h"
#include "matrix-tile.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** Eight codes beside each other, as they lie: one in every word, at the same bits of each. */
struct alignas(16) Codes {
  uint32 words[8];
};

/** What a thread holds of quantised weights between reading them and writing them as bf16. */
template <int count>
struct CodeChunks {
  Codes codes[count];
  float scale[count];
};

/** Blocks of 64 (int8) or 128 columns (nf4) are 64 bytes; a word holds the codes of every sixteenth column.
 */
template <int rows, int threads, int width>
FN void read_codes(CodeChunks<rows * width / 8 / threads>& chunks, const unsigned char* codes,
                   const float* scales, int64 first_row, int64 first_column, int rows_there,
                   int columns_there, const Product& p, int thread) {
  const int64 columns = p.format == weights_int8 ? 64 : 128;
  FN_UNROLL
  for (int i = 0; i < rows * width / 8; i += threads) {
    const int row = (i + thread) / (width / 8), chunk = (i + thread) % (width / 8);
    if (row >= rows_there || chunk * 8 >= columns_there) continue;
    const int64 column = first_column + chunk * 8, line = (first_row + row) * p.padded;
    const int64 block = (line + (column & -columns)) >> (columns == 128);  // its first byte
    chunks.codes[i / threads] = *reinterpret_cast<const Codes*>(codes + block + column % 16 * 4);
    chunks.scale[i / threads] = scales[(line + column) / 64];
  }
}

template <int rows, int threads, int width>
FN void write_codes(Tile<width> to, const CodeChunks<rows * width / 8 / threads>& chunks, const float* table,
                    int64 first_column, int rows_there, int columns_there, const Product& p, int thread) {
  FN_UNROLL
  for (int i = 0; i < rows * width / 8; i += threads) {
    const int row = (i + thread) / (width / 8), chunk = (i + thread) % (width / 8);
    const int there = row < rows_there ? columns_there - chunk * 8 : 0;
    const int64 column = first_column + chunk * 8;
    const int shift = p.format == weights_int8 ? int(column % 64 / 16) * 8 : int(column % 128 / 16) * 4;
    uint32* words = reinterpret_cast<uint32*>(to.chunk(row, chunk));
    const auto value = [&](int j) {
      if (j >= there) return 0.0f;
      const uint32 word = chunks.codes[i / threads].words[j] >> shift;
      const float code = p.format == weights_int8 ? float(int(word << 24) >> 24) : table[word & 15u];
      return code * chunks.scale[i / threads];
    };
    FN_UNROLL
    for (int j = 0; j < 8; j += 2) words[j / 2] = pack_bf16(value(j), value(j + 1));
  }
}

DIALECT_END

#endif
