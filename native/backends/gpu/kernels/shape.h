// Ops that only move elements, of 1, 2 or 4 bytes.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

/** Element [c0, c1, …] of dims goes from x[x_start + sum of c x_stride] to y[y_start + sum of c y_stride]. */
struct Move {
  int64 count, x_start, y_start;
  int64 dims[8], x_stride[8], y_stride[8];
  int rank, bytes;
};

KERNEL(move, READS(0, void, x), WRITES(1, void, y), PARAMS(2, Move)) {
  uint32 value[SOME];
  int64 place_of[SOME];
  for (int j = 0; j < SOME; j++) {
    int64 rest = SOME_AT(j) < p.count ? SOME_AT(j) : 0, from = p.x_start, to = p.y_start;
    for (int axis = p.rank - 1; axis > 0; axis--) {
      const int64 above = quotient(rest, p.dims[axis]), place = rest - above * p.dims[axis];
      from += place * p.x_stride[axis];
      to += place * p.y_stride[axis];
      rest = above;
    }
    from += rest * p.x_stride[0];
    place_of[j] = to + rest * p.y_stride[0];
    value[j] = p.bytes == 4   ? ((const DEVICE uint32*)x)[from]
               : p.bytes == 2 ? uint32(((const DEVICE bf16*)x)[from])
                              : uint32(((const DEVICE unsigned char*)x)[from]);
  }
  for (int j = 0; j < SOME; j++) {
    if (SOME_AT(j) >= p.count) continue;
    if (p.bytes == 4)
      ((DEVICE uint32*)y)[place_of[j]] = value[j];
    else if (p.bytes == 2)
      ((DEVICE bf16*)y)[place_of[j]] = bf16(value[j]);
    else
      ((DEVICE unsigned char*)y)[place_of[j]] = (unsigned char)value[j];
  }
}

struct Fill {
  int64 count;
  uint32 bits;
  int bytes;
};

KERNEL(fill, WRITES(0, void, y), PARAMS(1, Fill)) {
  const int64 i = AT;
  if (i >= p.count) return;
  if (p.bytes == 4)
    ((DEVICE uint32*)y)[i] = p.bits;
  else if (p.bytes == 2)
    ((DEVICE bf16*)y)[i] = bf16(p.bits);
  else
    ((DEVICE unsigned char*)y)[i] = (unsigned char)p.bits;
}

DIALECT_END
