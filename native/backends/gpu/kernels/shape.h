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
  const int64 i = AT;
  if (i >= p.count) return;
  int64 rest = i, from = p.x_start, to = p.y_start;
  for (int axis = p.rank - 1; axis > 0; axis--) {
    const int64 place = rest % p.dims[axis];
    rest /= p.dims[axis];
    from += place * p.x_stride[axis];
    to += place * p.y_stride[axis];
  }
  from += rest * p.x_stride[0];
  to += rest * p.y_stride[0];
  if (p.bytes == 4)
    ((DEVICE uint32*)y)[to] = ((const DEVICE uint32*)x)[from];
  else if (p.bytes == 2)
    ((DEVICE bf16*)y)[to] = ((const DEVICE bf16*)x)[from];
  else
    ((DEVICE unsigned char*)y)[to] = ((const DEVICE unsigned char*)x)[from];
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
