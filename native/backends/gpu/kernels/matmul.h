// The portable matrix product, in tiles of 64 x 64: plain, batched, grouped by expert, and with quantised
// weights. Where a backend has a library for products, this one is the fallback and the judge.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

#define TILE 64
#define TILE_DEPTH 16

enum ProductMode {
  product_batched,      // GROUP_Y is the batch
  product_expert_rows,  // rows of a and y are grouped by expert, and b is the expert's
  product_expert_sums   // GROUP_Y is the expert, k runs over its rows
};
enum WeightFormat { weights_plain, weights_int8, weights_nf4 };

/** y[i, j] = sum over l of a[i, l] b[l, j] (+ bias[j]) (+ y[i, j]); a[i, l] lies at i*a_row + l*a_column. */
struct Product {
  int64 m, n, k;
  int64 a_row, a_column, b_row, b_column, y_row;
  int64 a_step, b_step, y_step;  // from one batch or expert to the next
  int64 padded;                  // columns of a row of codes
  int mode, experts, format, accumulate, has_bias;
  int a_bf16, b_bf16, y_bf16;
  int a_aligned, b_aligned;  // to 16 bytes, as are their rows and steps: for matrix-product.h
};

/** What a code of 4 bits stands for, before its scale. */
FN float nf4_value(int code) {
  const float table[16] = {-1.0f,
                           -0.6961928009986877f,
                           -0.5250730514526367f,
                           -0.39491748809814453f,
                           -0.28444138169288635f,
                           -0.18477343022823334f,
                           -0.09105003625154495f,
                           0.0f,
                           0.07958029955625534f,
                           0.16093020141124725f,
                           0.24611230194568634f,
                           0.33791524171829224f,
                           0.44070982933044434f,
                           0.5626170039176941f,
                           0.7229568362236023f,
                           1.0f};
  return table[code];
}

/** Value at `column` of a row of codes that are `padded` columns; quantised_value's layout is in the CPU's
 * kernels. */
FN float code_value(const DEVICE unsigned char* codes, const DEVICE float* scales, int64 row, int64 column,
                    int64 padded, int format) {
  const int64 block = row * padded + column / 64 * 64;
  if (format == weights_int8) {
    const int64 within = column % 64;
    const signed char code = (signed char)codes[block + within % 16 * 4 + within / 16];
    return float(code) * scales[block / 64];
  }
  const int64 group = row * padded + column / 128 * 128, within = column % 128, nibble = within / 16;
  const int both = codes[group / 2 + within % 16 * 4 + nibble / 2];
  return nf4_value(nibble % 2 ? both >> 4 : both & 15) * scales[block / 64];
}

KERNEL(product, READS(0, void, a), READS(1, void, b), READS(2, float, bias), READS(3, int, offsets),
       READS(4, float, scales), WRITES(5, void, y), PARAMS(6, Product)) {
  GROUP_MEMORY(float, tile_a, TILE* TILE_DEPTH);
  GROUP_MEMORY(float, tile_b, TILE* TILE_DEPTH);
  const int64 across = (p.n + TILE - 1) / TILE;
  int64 row = GROUP / across * TILE, end = p.m, expert = GROUP_Y, from = 0, depth = p.k;
  if (p.mode == product_expert_rows) {
    // which expert has the row tile this group is: every expert's rows begin a tile of their own
    int64 tile = GROUP / across;
    for (expert = 0; expert < p.experts; expert++) {
      const int64 tiles = (offsets[expert + 1] - offsets[expert] + TILE - 1) / TILE;
      if (tile < tiles) break;
      tile -= tiles;
    }
    if (expert == p.experts) return;  // the same for the whole group
    row = offsets[expert] + tile * TILE;
    end = offsets[expert + 1];
  } else if (p.mode == product_expert_sums) {
    from = offsets[expert];
    depth = offsets[expert + 1] - from;
  }
  const int64 column = GROUP % across * TILE;
  const int64 a_start = (p.mode == product_batched ? GROUP_Y * p.a_step : 0) + from * p.a_column;
  const int64 b_start = (p.mode == product_expert_sums ? 0 : expert * p.b_step) + from * p.b_row;
  const int64 y_start = p.mode == product_expert_rows ? 0 : GROUP_Y * p.y_step;
  // 256 threads, each with 4 x 4 of the tile: rows THREAD / 16 + 16 i, columns THREAD % 16 + 16 j
  float sums[4][4];
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) sums[i][j] = 0.0f;
  }
  for (int64 first = 0; first < depth; first += TILE_DEPTH) {
    for (int at = THREAD; at < TILE * TILE_DEPTH; at += THREADS) {
      const int64 i = row + at / TILE_DEPTH, l = first + at % TILE_DEPTH;
      tile_a[at] = i < end && l < depth ? LOAD(a, a_start + i * p.a_row + l * p.a_column) : 0.0f;
      const int64 j = column + at % TILE, deep = first + at / TILE;
      const bool inside = j < p.n && deep < depth;
      float value = 0.0f;
      if (inside && p.format == weights_plain) {
        value = LOAD(b, b_start + deep * p.b_row + j * p.b_column);
      } else if (inside) {
        const bool transposed = p.b_row == 1;  // codes are rows of n columns, or here of k
        const int64 code_row = (transposed ? j : deep) + expert * p.b_step;
        value = code_value((const DEVICE unsigned char*)b, scales, code_row, transposed ? deep : j, p.padded,
                           p.format);
      }
      tile_b[at] = value;
    }
    BARRIER();
    for (int l = 0; l < TILE_DEPTH; l++) {
      for (int i = 0; i < 4; i++) {
        const float left = tile_a[(THREAD / 16 + 16 * i) * TILE_DEPTH + l];
        for (int j = 0; j < 4; j++) sums[i][j] += left * tile_b[l * TILE + THREAD % 16 + 16 * j];
      }
    }
    BARRIER();
  }
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++) {
      const int64 to_row = row + THREAD / 16 + 16 * i, to_column = column + THREAD % 16 + 16 * j;
      if (to_row >= end || to_column >= p.n) continue;
      const int64 to = y_start + to_row * p.y_row + to_column;
      const float more = (p.has_bias ? bias[to_column] : 0.0f) + (p.accumulate ? LOAD(y, to) : 0.0f);
      STORE(y, to, sums[i][j] + more);
    }
  }
}

struct Unused {
  int64 rows, width;
  int experts, op;
  int y_bf16;
};

/** Zeros for the rows that no expert has; and checks that offsets rise from 0 to at most rows. */
KERNEL(clear_unused_rows, READS(0, int, offsets), WRITES(1, void, y), WRITES(2, int, bad),
       PARAMS(3, Unused)) {
  const int64 i = AT;
  if (i < p.experts) {
    if (offsets[i] > offsets[i + 1] || offsets[0] != 0 || offsets[p.experts] > p.rows) lower(bad, p.op);
  }
  if (i < p.rows * p.width && i / p.width >= offsets[p.experts]) STORE(y, i, 0.0f);
}

DIALECT_END
