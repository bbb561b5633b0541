#include "op-check.h"

namespace sluice {
namespace {

/** rows [R,H], inverse i32[T*K] and weights [T,K] at the given inputs. */
bool combination(OpCheck& op, int rows, int inverse, int weights) {
  op.is_float(rows);
  op.is(inverse, DType::i32);
  op.is(weights, DType::f32);
  if (!op.rank(rows, 2, 2) || !op.rank(inverse, 1, 1) || !op.rank(weights, 2, 2)) return false;
  return op.demand(op.shape(inverse)[0] == op.shape(weights).count(), "inverse and weights differ in slots");
}

}  // namespace

void rule_moe_dispatch(OpCheck& op) {
  op.is(0, DType::i32);
  if (!op.rank(0, 2, 2)) return;
  const int64_t slots = op.shape(0).count(), experts = op.integer("experts");
  op.demand(experts >= 1 && experts <= 65536, "experts must lie in 1 .. 65536");
  op.output(0, DType::i32, shape_of({slots}));
  op.output(1, DType::i32, shape_of({slots}));
  op.output(2, DType::i32, shape_of({experts + 1}));
}

void rule_moe_gather(OpCheck& op) {
  op.is_float(0);
  op.is(1, DType::i32);
  if (!op.rank(0, 2, 2) || !op.rank(1, 1, 1)) return;
  op.demand(op.integer("k") >= 1, "k must be positive");
  op.output(0, op.dtype(0), shape_of({op.shape(1)[0], op.shape(0)[1]}));
}

void rule_moe_gather_grad(OpCheck& op) {
  op.is_float(0);
  op.is(1, DType::i32);
  if (!op.rank(0, 2, 2) || !op.rank(1, 1, 1)) return;
  const int64_t k = op.integer("k");
  if (!op.demand(k >= 1 && op.shape(1)[0] % k == 0, "the slots must be a multiple of k")) return;
  op.output_float(0, shape_of({op.shape(1)[0] / k, op.shape(0)[1]}));
}

void rule_moe_combine(OpCheck& op) {
  if (!combination(op, 0, 1, 2)) return;
  op.output_float(0, shape_of({op.shape(2)[0], op.shape(0)[1]}));
}

void rule_moe_combine_grad(OpCheck& op) {
  if (!combination(op, 1, 2, 3)) return;
  const Shape &rows = op.shape(1), &weights = op.shape(3);
  op.is_float(0, shape_of({weights[0], rows[1]}));
  op.is(4, DType::i32, shape_of({rows[0]}));
  op.output_float(0, rows);
  op.output(1, DType::f32, weights);
}

}  // namespace sluice
