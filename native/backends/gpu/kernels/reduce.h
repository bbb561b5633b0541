// Reductions, a group per result or per row. The order of every sum follows from the shapes and the group's
// size alone.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

/** The result's place among the kept axes, and the terms' places among the reduced ones. */
struct Sum {
  int64 outputs, terms, piece;
  int64 kept[8], kept_stride[8], reduced[8], reduced_stride[8];
  int kept_rank, reduced_rank;
};

FN int64 offset_of(int64 index, int rank, const CONSTANT int64* dims, const CONSTANT int64* stride) {
  int64 at = 0;
  for (int axis = rank - 1; axis > 0; axis--) {
    const int64 above = quotient(index, dims[axis]);
    at += (index - above * dims[axis]) * stride[axis];
    index = above;
  }
  return rank > 0 ? at + index * stride[0] : 0;
}

/** Adds `term` to a sum of two floats (Kahan), which is as good as one of twice the digits. */
struct Pair {
  float sum, rest;
};
FN Pair added(Pair pair, float term) {
  const float y = term - pair.rest, total = pair.sum + y;
  pair.rest = (total - pair.sum) - y;
  pair.sum = total;
  return pair;
}

/** Results whose terms lie side by side: a group each. */
KERNEL(sum_rows, READS(0, float, x), WRITES(1, float, y), PARAMS(2, Sum)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 base = offset_of(GROUP, p.kept_rank, p.kept, p.kept_stride);
  Pair total = {0.0f, 0.0f};
  for (int64 i = THREAD; i < p.terms; i += THREADS)
    total = added(total, x[base + offset_of(i, p.reduced_rank, p.reduced, p.reduced_stride)]);
  const float all = GROUP_SUM(total.sum, shared);
  if (THREAD == 0) y[GROUP] = all;
}

/** Results that lie side by side themselves: a group for 32 of them and piece GROUP_Y of the terms, whose
 * sums lie behind each other in y. Each subgroup takes every so many of the terms. */
KERNEL(sum_columns, READS(0, float, x), WRITES(1, float, y), PARAMS(2, Sum)) {
  GROUP_MEMORY(float, sums, 256);
  const int lane = THREAD % SUBGROUP, subgroups = THREADS / SUBGROUP;
  const int64 i = GROUP * SUBGROUP + lane, begin = GROUP_Y * p.piece;
  const int64 end = begin + p.piece < p.terms ? begin + p.piece : p.terms;
  const int64 base = offset_of(i, p.kept_rank, p.kept, p.kept_stride);
  Pair total = {0.0f, 0.0f};
  for (int64 j = begin + THREAD / SUBGROUP; j < end && i < p.outputs; j += subgroups)
    total = added(total, x[base + offset_of(j, p.reduced_rank, p.reduced, p.reduced_stride)]);
  sums[THREAD] = total.sum;
  BARRIER();
  if (THREAD != lane || i >= p.outputs) return;
  float all = 0.0f;
  for (int subgroup = 0; subgroup < subgroups; subgroup++) all += sums[subgroup * SUBGROUP + lane];
  y[GROUP_Y * p.outputs + i] = all;
}

/** x [outer, size, inner]; result o*inner+i looks at x[o, :, i]. */
struct Axis {
  int64 size, inner;
};

KERNEL(max_axis, READS(0, float, x), WRITES(1, float, y), PARAMS(2, Axis)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 base = GROUP / p.inner * p.size * p.inner + GROUP % p.inner;
  float most = x[base];
  for (int64 j = THREAD; j < p.size; j += THREADS) {
    const float value = x[base + j * p.inner];
    most = value > most || value != value ? value : most;
  }
  const float all = GROUP_MAX(most, shared);
  if (THREAD == 0) y[GROUP] = all;
}

KERNEL(argmax_axis, READS(0, float, x), WRITES(1, int, y), PARAMS(2, Axis)) {
  GROUP_MEMORY(float, shared, 32);
  GROUP_MEMORY(int, first, 1);
  const int64 base = GROUP / p.inner * p.size * p.inner + GROUP % p.inner;
  float most = x[base];
  for (int64 j = THREAD; j < p.size; j += THREADS) {
    const float value = x[base + j * p.inner];
    most = value > most ? value : most;
  }
  const float all = GROUP_MAX(most, shared);
  if (THREAD == 0) first[0] = int(p.size);
  BARRIER();
  for (int64 j = THREAD; j < p.size; j += THREADS) {
    if (x[base + j * p.inner] == all) {
      lower_shared(first, int(j));
      break;
    }
  }
  BARRIER();
  if (THREAD == 0) y[GROUP] = first[0] < p.size ? first[0] : 0;
}

struct Softmax {
  int64 width;
  int log;
};

/** y = exp(x - max) / sum, or with log: x - max - ln sum. A group per row. */
KERNEL(softmax, READS(0, float, x), WRITES(1, float, y), PARAMS(2, Softmax)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 row = GROUP * p.width;
  float most = x[row];
  for (int64 i = THREAD; i < p.width; i += THREADS) most = x[row + i] > most ? x[row + i] : most;
  most = GROUP_MAX(most, shared);
  const float shift = most == -INFINITY ? 0.0f : most;
  Pair total = {0.0f, 0.0f};
  for (int64 i = THREAD; i < p.width; i += THREADS) total = added(total, exp(x[row + i] - shift));
  const float all = GROUP_SUM(total.sum, shared);
  for (int64 i = THREAD; i < p.width; i += THREADS)
    y[row + i] = p.log ? x[row + i] - (shift + log(all)) : exp(x[row + i] - shift) / all;
}

/** dx = y (dy - sum(dy y)), or with log: dy - exp(y) sum(dy). */
KERNEL(softmax_grad, READS(0, float, dy), READS(1, float, y), WRITES(2, float, dx), PARAMS(3, Softmax)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 row = GROUP * p.width;
  Pair total = {0.0f, 0.0f};
  for (int64 i = THREAD; i < p.width; i += THREADS)
    total = added(total, p.log ? dy[row + i] : dy[row + i] * y[row + i]);
  const float all = GROUP_SUM(total.sum, shared);
  for (int64 i = THREAD; i < p.width; i += THREADS)
    dx[row + i] = p.log ? dy[row + i] - exp(y[row + i]) * all : y[row + i] * (dy[row + i] - all);
}

struct Squares {
  int64 count, piece;
  int x_bf16;
};

/** partial[g] = the sum of x^2 over piece g; as sum_rows adds them, or with p.piece 0: the plain sum of all.
 */
KERNEL(sum_squares_of_pieces, READS(0, void, x), WRITES(1, float, partial), PARAMS(2, Squares)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 begin = GROUP * p.piece, end = begin + p.piece < p.count ? begin + p.piece : p.count;
  Pair total = {0.0f, 0.0f};
  for (int64 i = begin + THREAD; i < end; i += THREADS) {
    const float value = LOAD(x, i);
    total = added(total, value * value);
  }
  const float all = GROUP_SUM(total.sum, shared);
  if (THREAD == 0) partial[GROUP] = all;
}

DIALECT_END
