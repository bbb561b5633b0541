// Mixture of experts: sort slots by expert, combine the experts' rows. Slot t*K+j is choice j of token t.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

struct Dispatch {
  int64 slots;
  int experts, op;
};

/** offsets[e+1] = how many slots chose expert e = GROUP; offsets[0] = 0. */
KERNEL(moe_count, READS(0, int, expert), WRITES(1, int, offsets), WRITES(2, int, bad), PARAMS(3, Dispatch)) {
  GROUP_MEMORY(float, shared, 32);
  int count = 0;
  for (int64 slot = THREAD; slot < p.slots; slot += THREADS) {
    if (expert[slot] < -1 || expert[slot] >= p.experts) lower(bad, p.op);
    count += expert[slot] == GROUP ? 1 : 0;
  }
  const float all = GROUP_SUM(float(count), shared);  // exact up to 2^24 slots
  if (THREAD == 0) offsets[GROUP + 1] = int(all);
  if (THREAD == 0 && GROUP == 0) offsets[0] = 0;
}

/** Counts to sums, by one thread. */
KERNEL(moe_offsets, WRITES(0, int, offsets), PARAMS(1, Dispatch)) {
  if (AT != 0) return;
  for (int e = 0; e < p.experts; e++) offsets[e + 1] += offsets[e];
}

/** The slots of expert GROUP in their order; group `experts` has those that chose none, at the end. */
KERNEL(moe_place, READS(0, int, expert), READS(1, int, offsets), WRITES(2, int, order),
       WRITES(3, int, inverse), PARAMS(4, Dispatch)) {
  GROUP_MEMORY(int, before, 1024);
  const int wanted = GROUP == p.experts ? -1 : int(GROUP);
  int64 next = offsets[GROUP];
  for (int64 first = 0; first < p.slots; first += THREADS) {
    const int64 slot = first + THREAD;
    const int mine = slot < p.slots && expert[slot] == wanted ? 1 : 0;
    // how many threads up to this one have a slot: sums over 1, 2, 4, … neighbours
    before[THREAD] = mine;
    BARRIER();
    for (int reach = 1; reach < THREADS; reach *= 2) {
      const int more = THREAD >= reach ? before[THREAD - reach] : 0;
      BARRIER();
      before[THREAD] += more;
      BARRIER();
    }
    const int64 row = next + before[THREAD] - 1;
    if (mine) {
      inverse[slot] = wanted < 0 ? -1 : int(row);
      order[row] = wanted < 0 ? -1 : int(slot);
    }
    next += before[THREADS - 1];
    BARRIER();
  }
}

/** y[t] = sum over the choices j of token t of weights[t,j] (or 1) * rows[inverse[t*k+j]]. */
struct Combine {
  int64 tokens, k, width, rows;
  int weighted, op;
  int rows_bf16, y_bf16;
};

KERNEL(moe_combine, READS(0, void, rows), READS(1, int, inverse), READS(2, float, weights),
       WRITES(3, void, y), WRITES(4, int, bad), PARAMS(5, Combine)) {
  int64 token[SOME];
  float sum[SOME];
  for (int j = 0; j < SOME; j++) token[j] = quotient(SOME_AT(j), p.width), sum[j] = 0.0f;
  for (int64 choice = 0; choice < p.k; choice++) {
    for (int j = 0; j < SOME; j++) {
      if (token[j] >= p.tokens) continue;
      const int64 slot = token[j] * p.k + choice, row = inverse[slot];
      if (row < -1 || row >= p.rows)
        lower(bad, p.op);
      else if (row >= 0)
        sum[j] += (p.weighted ? weights[slot] : 1.0f) * LOAD(rows, (row - token[j]) * p.width + SOME_AT(j));
    }
  }
  for (int j = 0; j < SOME; j++) {
    if (token[j] < p.tokens) STORE(y, SOME_AT(j), sum[j]);
  }
}

struct CombineGrad {
  int64 count, slots, k, width;
  int op;
  int dy_bf16, rows_bf16, drows_bf16;
};

/** drows[r] = weights[order[r]] dy[order[r] / k], zeros for -1. */
KERNEL(moe_rows_grad, READS(0, void, dy), READS(1, int, order), READS(2, float, weights),
       WRITES(3, void, drows), WRITES(4, int, bad), PARAMS(5, CombineGrad)) {
  float value[SOME];
  for (int j = 0; j < SOME; j++) {
    const int64 row = quotient(SOME_AT(j), p.width);
    value[j] = 0.0f;
    if (row >= p.count) continue;
    const int64 slot = order[row];
    if (slot < -1 || slot >= p.slots)
      lower(bad, p.op);
    else if (slot >= 0)
      value[j] = weights[slot] * LOAD(dy, (quotient(slot, p.k) - row) * p.width + SOME_AT(j));
  }
  for (int j = 0; j < SOME; j++) {
    if (SOME_AT(j) < p.count * p.width) STORE(drows, SOME_AT(j), value[j]);
  }
}

/** dweights[slot] = dy[slot / k] . rows[inverse[slot]], a group per slot. */
KERNEL(moe_weights_grad, READS(0, void, dy), READS(1, void, rows), READS(2, int, inverse),
       WRITES(3, float, dweights), WRITES(4, int, bad), PARAMS(5, CombineGrad)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 slot = GROUP, row = inverse[slot];
  const bool inside = row >= 0 && row < p.count;
  if (THREAD == 0 && (row < -1 || row >= p.count)) lower(bad, p.op);
  float dot = 0.0f;
  for (int64 i = THREAD; inside && i < p.width; i += THREADS)
    dot += LOAD(dy, slot / p.k * p.width + i) * LOAD(rows, row * p.width + i);
  const float all = GROUP_SUM(dot, shared);
  if (THREAD == 0) dweights[slot] = all;
}

DIALECT_END
