// Rows by number. Numbers come from data: one that lies outside its range lowers `bad` to p.op, the op's
// place in the program, and nothing is read through it. Sums go in the order of the index: no unordered
// atomics.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

/** y [count, width] = x[index / divide] with index in least .. rows*divide-1; a negative one gives zeros. */
struct GatherRows {
  int64 count, width, rows, divide;
  int least, op;
  int x_bf16, y_bf16;
};

KERNEL(gather_rows, READS(0, void, x), READS(1, int, index), WRITES(2, void, y), WRITES(3, int, bad),
       PARAMS(4, GatherRows)) {
  float value[SOME];
  for (int j = 0; j < SOME; j++) {
    value[j] = 0.0f;
    if (SOME_AT(j) >= p.count * p.width) continue;
    const int64 row = quotient(SOME_AT(j), p.width), from = index[row], column = SOME_AT(j) - row * p.width;
    if (from < p.least || from >= p.rows * p.divide)
      lower(bad, p.op);
    else if (from >= 0)
      value[j] = LOAD(x, quotient(from, p.divide) * p.width + column);
  }
  for (int j = 0; j < SOME; j++) {
    if (SOME_AT(j) < p.count * p.width) STORE(y, SOME_AT(j), value[j]);
  }
}

/** y [rows, width]: row r is the sum, in order, of the rows of x whose index is r; added to what is there
 * where that is kept. */
struct AddRows {
  int64 count, width, rows;
  int least, op;
  int x_bf16, kept;
};

KERNEL(add_rows, READS(0, void, x), READS(1, int, index), WRITES(2, float, y), WRITES(3, int, bad),
       PARAMS(4, AddRows)) {
  GROUP_MEMORY(float, shared, 32);
  GROUP_MEMORY(int, tile, 1024);
  const int64 row = GROUP;
  for (int64 column = THREAD; !p.kept && column < p.width; column += THREADS)
    y[row * p.width + column] = 0.0f;
  for (int64 first = 0; first < p.count; first += THREADS) {
    const int mine = first + THREAD < p.count ? index[first + THREAD] : -1;
    if (row == 0 && (mine < p.least || mine >= p.rows) && first + THREAD < p.count) lower(bad, p.op);
    tile[THREAD] = mine;
    if (GROUP_MAX(mine == row ? 1.0f : 0.0f, shared) > 0.0f) {
      for (int i = 0; i < THREADS; i++) {
        if (tile[i] != row) continue;
        for (int64 column = THREAD; column < p.width; column += THREADS)
          y[row * p.width + column] += LOAD(x, (first + i) * p.width + column);
      }
    }
    BARRIER();
  }
}

/** x [rows, size], index [rows, k]; the values of y = x[row, index] are moved as they are. */
struct TakeAlong {
  int64 rows, size, k;
  int op;
};

KERNEL(take_along, READS(0, uint32, x), READS(1, int, index), WRITES(2, uint32, y), WRITES(3, int, bad),
       PARAMS(4, TakeAlong)) {
  const int64 i = AT;
  if (i >= p.rows * p.k) return;
  const int at = index[i];
  if (at < 0 || at >= p.size)
    lower(bad, p.op);
  else
    y[i] = x[i / p.k * p.size + at];
}

KERNEL(take_along_grad, READS(0, float, dy), READS(1, int, index), WRITES(2, float, dx), WRITES(3, int, bad),
       PARAMS(4, TakeAlong)) {
  const int64 i = AT;
  if (i >= p.rows * p.size) return;
  const int64 row = i / p.size;
  float sum = 0.0f;
  for (int64 j = 0; j < p.k; j++) {
    const int at = index[row * p.k + j];
    if (at < 0 || at >= p.size) lower(bad, p.op);
    if (at == i % p.size) sum += dy[row * p.k + j];
  }
  dx[i] = sum;
}

struct OneHot {
  int64 count, depth;
};

KERNEL(one_hot, READS(0, int, index), WRITES(1, float, y), PARAMS(2, OneHot)) {
  const int64 i = AT;
  if (i < p.count * p.depth) y[i] = index[i / p.depth] == i % p.depth ? 1.0f : 0.0f;
}

struct TopK {
  int64 size, k;
};

/** A group per row; the next one is the largest below the last, the lower index first among equals. */
KERNEL(topk, READS(0, float, x), WRITES(1, float, values), WRITES(2, int, indices), PARAMS(3, TopK)) {
  GROUP_MEMORY(float, shared, 32);
  GROUP_MEMORY(int, place, 1);
  const int64 row = GROUP * p.size;
  float last = INFINITY;
  int last_at = -1;
  for (int64 j = 0; j < p.k; j++) {
    float most = -INFINITY;
    for (int64 i = THREAD; i < p.size; i += THREADS) {
      const float value = x[row + i];
      if ((value < last || (value == last && i > last_at)) && value > most) most = value;
    }
    most = GROUP_MAX(most, shared);
    if (THREAD == 0) place[0] = int(p.size);
    BARRIER();
    for (int64 i = THREAD; i < p.size; i += THREADS) {
      if (x[row + i] == most && (most < last || i > last_at)) {
        lower_shared(place, int(i));
        break;
      }
    }
    BARRIER();
    last = most;
    last_at = place[0];
    BARRIER();
    if (THREAD == 0) {
      values[GROUP * p.k + j] = most;
      indices[GROUP * p.k + j] = last_at;
    }
  }
}

DIALECT_END
