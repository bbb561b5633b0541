// Tiles of bf16 in group memory, and the fragments of matrix-units.h that are read from them.
#pragma once

#include "../matrix-units.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** Rows of `width` numbers, a multiple of 32, aligned to 128 bytes. The chunks of a row (8 numbers, 16 bytes)
 * are turned by its number: the same chunk of 8 rows in a row lies in all banks, so that no access of a
 * fragment meets another. */
template <int width>
struct Tile {
  static constexpr int chunks = width / 8;
  // rows of 64 or 192 bytes begin in two different banks already, those of 128 bytes in one
  static constexpr int turned = width % 64 ? 4 : 8;
  bf16* memory;

  FN static int turn(int row) { return width % 64 ? row >> 1 & 3 : row & 7; }
  FN bf16* chunk(int row, int number) const { return memory + row * width + (number ^ turn(row)) * 8; }
  /** chunk(row + lane_row, chunk + lane_chunk), where row is a multiple of 8, chunk is even and lane_chunk 0
   * or 1: with one number a thread that is kept, and constants. */
  FN bf16* chunk(int row, int lane_row, int number, int lane_chunk) const {
    const int kept = lane_row * width + (lane_chunk ^ turn(lane_row)) * 8;
    return memory + ((kept ^ (number % turned * 8)) + number / turned * turned * 8 + row * width);
  }
};

/** rows x width numbers on their way to group memory, by all threads of the group; rows lie `stride` apart,
 * and those from `there` on become zeros. */
template <int rows, int threads, int width>
FN void copy_tile(Tile<width> to, const bf16* from, int stride, int there, int thread) {
  FN_UNROLL
  for (int i = 0; i < rows * Tile<width>::chunks; i += threads) {
    const int row = (i + thread) / Tile<width>::chunks, chunk = (i + thread) % Tile<width>::chunks;
    if (rows * Tile<width>::chunks % threads && row >= rows) break;
    const bool is_there = row < there;
    copy_async(to.chunk(row, chunk), from + (is_there ? row * stride : 0) + chunk * 8, is_there ? 16 : 0);
  }
}

/** a [16,16]: rows from `row`, columns from chunk `chunk`. */
template <int width>
FN void load_a(uint32 (&a)[4], Tile<width> tile, int row, int chunk, int lane) {
  load_matrices(a, tile.chunk(row, lane % 16, chunk, lane / 16));
}
/** a [16,16] of a tile whose rows are a's columns: those from `row`, a's rows from chunk `chunk`. */
template <int width>
FN void load_a_transposed(uint32 (&a)[4], Tile<width> tile, int row, int chunk, int lane) {
  load_matrices_transposed(a, tile.chunk(row, lane % 8 + lane / 16 * 8, chunk, lane / 8 % 2));
}
/** Two b [16,8] beside each other of a tile whose rows are b's columns: words 0 and 1, and 2 and 3. */
template <int width>
FN void load_b(uint32 (&b)[2][2], Tile<width> tile, int column, int chunk, int lane) {
  uint32 words[4];
  load_matrices(words, tile.chunk(column, lane % 8 + lane / 16 * 8, chunk, lane / 8 % 2));
  b[0][0] = words[0], b[0][1] = words[1], b[1][0] = words[2], b[1][1] = words[3];
}
/** Two b [16,8] beside each other of a tile whose rows are b's rows. */
template <int width>
FN void load_b_transposed(uint32 (&b)[2][2], Tile<width> tile, int row, int chunk, int lane) {
  uint32 words[4];
  load_matrices_transposed(words, tile.chunk(row, lane % 16, chunk, lane / 16));
  b[0][0] = words[0], b[0][1] = words[1], b[1][0] = words[2], b[1][1] = words[3];
}

/** Two sums [16,8] beside each other as a [16,16] in bf16: they lie in the same threads. */
FN void pack_a(uint32 (&a)[4], const float (&left)[4], const float (&right)[4]) {
  a[0] = pack_bf16(left[0], left[1]), a[1] = pack_bf16(left[2], left[3]);
  a[2] = pack_bf16(right[0], right[1]), a[3] = pack_bf16(right[2], right[3]);
}

/** Two numbers beside each other; `at` is even. */
FN void store_pair(void* y, int64 at, float first, float second, int is_bf16) {
  if (is_bf16) {
    static_cast<uint32*>(y)[at / 2] = pack_bf16(first, second);
  } else {
    static_cast<float*>(y)[at] = first;
    static_cast<float*>(y)[at + 1] = second;
  }
}

DIALECT_END

#endif
