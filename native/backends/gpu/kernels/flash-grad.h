// Attention of bf16 on matrix units, backward: one kernel for dk and dv, whose groups own keys and go through
// the queries that see them, and one for dq, whose groups own queries and go through the keys. Scores are
// computed again in both; nothing is added by two groups, so the sums have a fixed order.
// With delta = sum(do * o): p = exp(s - lse), ds = p (do v^T - delta), with a softcap c also times 1 -
// (s/c)^2; dv = p^T do, dk = scale ds^T q, dq = scale ds k.
#pragma once

#include "flash-tile.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** scores become p, and do v^T - delta becomes ds. lse (times log2(e)) of an element: of its row or column.
 */
template <int rows, int columns, typename LseOf>
FN void find_weights(float (&scores)[rows][columns][4], float (&ds)[rows][columns][4], const Attention& p,
                     LseOf lse_of, float to_log2) {
  if (p.softcap > 0) {
    const float uncap = 1.0f / p.softcap;
    FN_UNROLL
    for (int i = 0; i < rows * columns * 4; i++) {
      const int r = i / 4 / columns, n = i / 4 % columns, at = i % 4;
      const float s = scores[r][n][at] * uncap;
      ds[r][n][at] *= s > -INFINITY ? 1.0f - s * s : 0.0f;
    }
  }
  FN_UNROLL
  for (int i = 0; i < rows * columns * 4; i++) {
    const int r = i / 4 / columns, n = i / 4 % columns, at = i % 4;
    const float weight = exp2_fast(scores[r][n][at] * to_log2 - lse_of(r, n, at));
    scores[r][n][at] = weight, ds[r][n][at] *= weight;
  }
}

/** Rows of sums into y, of which `there` are its own; the first one's numbers begin at `at`, each next one's
 * `stride` further. */
template <int rows, int columns>
FN void store_sums(void* y, int at, int stride, const float (&sums)[rows][columns][4], float scale, int there,
                   int lane, int is_bf16) {
  FN_UNROLL
  for (int i = 0; i < 2 * rows; i++) {
    const int row = lane / 4 + 8 * i;
    if (row >= there) continue;
    FN_UNROLL
    for (int n = 0; n < columns; n++)
      store_pair(y, at + row * stride + 8 * n + lane % 4 * 2, scale * sums[i / 2][n][i % 2 * 2],
                 scale * sums[i / 2][n][i % 2 * 2 + 1], is_bf16);
  }
}

DIALECT_END

#endif
