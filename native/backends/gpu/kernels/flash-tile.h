// What the three kernels of attention on matrix units share: a subgroup's scores of 16 x rows by `columns`
// tokens in registers, one kind of token (queries or keys) along each side, and which pairs see each other.
//
// scores[r][n][i] is of row 16 r + 8 (i / 2) + lane / 4 and column 8 n + 2 (lane % 4) + i % 2.
#pragma once

#include "attention.h"
#include "matrix-tile.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

#define FLASH_THREADS 128
#define LOG2_E 1.44269504f

/** What a tile holds of segments; least > most: there are none but padding. */
struct SegmentRange {
  int least, most;
  bool padded;

  FN bool may_meet(const SegmentRange& that) const {
    return least <= most && that.least <= that.most && least <= that.most && that.least <= most;
  }
  FN bool is_one_with(const SegmentRange& that) const {
    return least == most && that.least == that.most && least == that.least && !padded && !that.padded;
  }
};

/** The segments of 32 x count tokens, of which each thread of a subgroup holds every 32nd. */
template <int count>
struct Segments {
  int of[count];

  /** `there` tokens from `from`; what follows is padding. */
  FN void load(const int* from, int there, int lane) {
    FN_UNROLL
    for (int i = 0; i < count; i++) of[i] = lane + i * SUBGROUP < there ? from[lane + i * SUBGROUP] : 0;
  }
  /** `looked_at`: tokens from there on count as nothing. */
  FN SegmentRange range(int looked_at, int lane) const {
    int low = 0x7fffffff, high = -0x7fffffff, zeros = 0;
    FN_UNROLL
    for (int i = 0; i < count; i++) {
      const bool counts = lane + i * SUBGROUP < looked_at;
      if (counts && of[i] != 0) low = of[i] < low ? of[i] : low, high = of[i] > high ? of[i] : high;
      zeros |= counts && of[i] == 0;
    }
    return {subgroup_min(low), subgroup_max(high), subgroup_max(zeros) != 0};
  }
};

/** scores += a b^T: rows of a from `base` on, and all rows of b as columns. */
template <int rows, int columns, int width>
FN void add_scores(float (&scores)[rows][columns][4], Tile<width> a, int base, Tile<width> b, int lane) {
#ifdef __CUDACC__
#pragma unroll 1
#endif
  for (int d = 0; d < width / 8; d += 2) {
    uint32 left[rows][4];
    FN_UNROLL
    for (int r = 0; r < rows; r++) load_a(left[r], a, base + 16 * r, d, lane);
    FN_UNROLL
    for (int n = 0; n < columns; n += 2) {
      uint32 two[2][2];
      load_b(two, b, 8 * n, d, lane);
      FN_UNROLL
      for (int r = 0; r < rows; r++) {
        mma_bf16(scores[r][n], left[r], two[0]);
        mma_bf16(scores[r][n + 1], left[r], two[1]);
      }
    }
  }
}

/** sums += weights b, the weights narrowed to bf16: one for each row of b. */
template <int rows, int columns, int width>
FN void add_weighted(float (&sums)[rows][width / 8][4], const float (&weights)[rows][columns][4],
                     Tile<width> b, int lane) {
  FN_UNROLL
  for (int n = 0; n < columns; n += 2) {
    uint32 left[rows][4];
    FN_UNROLL
    for (int r = 0; r < rows; r++) pack_a(left[r], weights[r][n], weights[r][n + 1]);
    FN_UNROLL
    for (int d = 0; d < width / 8; d += 2) {
      uint32 two[2][2];
      load_b_transposed(two, b, 8 * n, d, lane);
      FN_UNROLL
      for (int r = 0; r < rows; r++) {
        mma_bf16(sums[r][d], left[r], two[0]);
        mma_bf16(sums[r][d + 1], left[r], two[1]);
      }
    }
  }
}

/** Which pairs causality and the window leave: those with least <= column - row <= most. */
struct Band {
  int least, most;

  /** Of keys along the columns, with the first query `ahead` of the first key. */
  FN static Band of_keys(const Attention& p, int ahead) {
    return {p.window > 0 ? ahead - int(p.window) + 1 : -kFar, p.causal ? ahead : kFar};
  }
  /** Of queries along the columns, with the first key `ahead` of the first query. */
  FN static Band of_queries(const Attention& p, int ahead) {
    return {p.causal ? ahead : -kFar, p.window > 0 ? ahead + int(p.window) - 1 : kFar};
  }
  FN bool has_none(int rows, int columns) const { return columns - 1 < least || 1 - rows > most; }
  FN bool has_all(int rows, int columns) const { return 1 - rows >= least && columns - 1 <= most; }

  static constexpr int kFar = 1 << 30;
};

template <int rows, int columns>
FN void hide_outside(float (&scores)[rows][columns][4], Band band, int lane) {
  const int least = band.least + lane / 4, most = band.most + lane / 4;
  FN_UNROLL
  for (int i = 0; i < rows * columns * 4; i++) {
    const int r = i / 4 / columns, n = i / 4 % columns;
    const int apart = 8 * n + i % 2 + lane % 4 * 2 - 16 * r - i % 4 / 2 * 8;
    if (apart < least || apart > most) scores[r][n][i % 4] = -INFINITY;
  }
}

/** Rows are tokens with the segments `of_rows`, columns with `of_columns`; so many of them are there. */
template <int rows, int columns>
FN void hide_others(float (&scores)[rows][columns][4], const int* of_rows, int rows_there,
                    const int* of_columns, int columns_there, int lane) {
  Segments<columns / 4> held;
  held.load(of_columns, columns_there, lane);
  int of_row[rows][2];
  FN_UNROLL
  for (int i = 0; i < 2 * rows; i++) {
    const int row = lane / 4 + 8 * i;
    of_row[i / 2][i % 2] = row < rows_there ? of_rows[row] : 0;
  }
  FN_UNROLL
  for (int n = 0; n < 2 * columns; n++) {
    const int of_column = shuffle(held.of[n / 8], n / 2 % 4 * 8 + lane % 4 * 2 + n % 2);
    FN_UNROLL
    for (int i = 0; i < 2 * rows; i++) {
      if (of_column == 0 || of_column != of_row[i / 2][i % 2])
        scores[i / 2][n / 2][i % 2 * 2 + n % 2] = -INFINITY;
    }
  }
}

/** Scores as softcap leaves them, and what they are to be multiplied with to be exponents of 2. */
template <int rows, int columns>
FN float cap(float (&scores)[rows][columns][4], const Attention& p) {
  if (p.softcap <= 0) return p.scale * LOG2_E;
  FN_UNROLL
  for (int i = 0; i < rows * columns * 4; i++) {
    float& s = scores[i / 4 / columns][i / 4 % columns][i % 4];
    s = p.softcap * tanh(p.scale * s / p.softcap);
  }
  return LOG2_E;
}

DIALECT_END

#endif
