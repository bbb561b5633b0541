#include "op-check.h"

namespace sluice {
namespace {

/** q [B,T,Hq,D], k [B,S,Hk,D], v [B,S,Hk,Dv] at inputs `at`, at+1, at+2; segments at `segments`. */
bool products(OpCheck& op, int at, int segments) {
  for (int i = at; i < at + 3; i++) {
    if (!op.is_float(i) || !op.is(i, op.dtype(at)) || !op.rank(i, 4, 4)) return false;
  }
  const Shape &q = op.shape(at), &k = op.shape(at + 1), &v = op.shape(at + 2);
  op.demand(q[0] == k[0] && q[3] == k[3], "q and k differ in batch or head size");
  op.demand(v[0] == k[0] && v[1] == k[1] && v[2] == k[2], "k and v differ in more than the head size");
  op.demand(k[2] > 0 && q[2] % k[2] == 0, "the heads of q must be a multiple of those of k");
  op.demand(q[3] >= 1 && q[3] <= 512 && v[3] >= 1 && v[3] <= 512, "head sizes must lie in 1 .. 512");
  op.is(segments, DType::i32, shape_of({q[0], q[1]}));
  return op.is(segments + 1, DType::i32, shape_of({k[0], k[1]}));
}

/** i32[1] for all rows, or i32[rows]. */
void starts(OpCheck& op, int at, int64_t rows) {
  if (!op.is(at, DType::i32) || !op.rank(at, 1, 1)) return;
  const int64_t count = op.shape(at)[0];
  op.demand(count == 1 || count == rows, "the first indices must be one, or one for each row");
}

}  // namespace

void rule_rope(OpCheck& op) {
  op.is_float(0);
  op.is(2, DType::f32);
  if (!op.rank(0, 4, 4) || !op.rank(2, 1, 1)) return;
  const Shape& x = op.shape(0);
  op.is(1, DType::i32, shape_of({x[0], x[1]}));
  op.demand(2 * op.shape(2)[0] <= x[3], "inv_freq rotates more than the head holds");
  op.output_float(0, x);
}

void rule_attention(OpCheck& op) {
  if (!products(op, 0, 3)) return;
  const Shape &q = op.shape(0), &k = op.shape(1), &v = op.shape(2);
  if (op.has(5)) starts(op, 5, q[0]);
  if (op.has(6)) op.is(6, DType::f32, shape_of({q[2], q[1], k[1]}));
  op.output_product(0, op.dtype(0), shape_of({q[0], q[1], q[2], v[3]}));
  op.output(1, DType::f32, shape_of({q[0], q[2], q[1]}));
}

void rule_attention_grad(OpCheck& op) {
  if (!products(op, 1, 6)) return;
  const Shape &q = op.shape(1), &k = op.shape(2), &v = op.shape(3);
  const Shape o = shape_of({q[0], q[1], q[2], v[3]});
  op.is(0, op.dtype(1), o);
  op.is_float(4, o);
  op.is(5, DType::f32, shape_of({q[0], q[2], q[1]}));
  if (op.has(8)) op.is(8, DType::f32, shape_of({q[2], q[1], k[1]}));
  op.scratch(scratch::attention_grad(q[0], q[2], q[1], q[3], op.dtype(1) == DType::bf16));
  op.output_product(0, op.dtype(1), q);
  op.output_product(1, op.dtype(1), k);
  op.output_product(2, op.dtype(1), v);
  op.output(3, DType::f32, shape_of({q[2], q[1], k[1]}));
}

void rule_cache_write(OpCheck& op) {
  if (!op.rank(0, 2, 8)) return;
  Shape x = op.shape(0);
  if (!op.demand(op.shape(1).rank == x.rank, "cache and x differ in rank")) return;
  x[1] = op.shape(1)[1];
  op.is(1, op.dtype(0), x);
  starts(op, 2, x[0]);
  op.demand(x[1] <= op.shape(0)[1], "x is longer than the cache");
}

}  // namespace sluice
