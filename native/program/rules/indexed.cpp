#include "op-check.h"

namespace sluice {
namespace {

/** [first, x's dimensions but the first] */
Shape with_first(int64_t first, const Shape& x) {
  Shape shape = shape_of({first});
  for (int i = 1; i < x.rank; i++) shape.push(x[i]);
  return shape;
}

bool same_leading(const Shape& a, const Shape& b) { return without_last(a) == without_last(b); }

}  // namespace

void rule_embedding(OpCheck& op) {
  op.is_float(0);
  op.is(1, DType::i32);
  if (!op.rank(0, 2, 2) || !op.rank(1, 0, 7)) return;
  Shape y = op.shape(1);
  y.push(op.shape(0)[1]);
  op.output_float(0, y);
}

void rule_embedding_grad(OpCheck& op) {
  op.is_float(0);
  op.is(1, DType::i32);
  if (!op.rank(0, 1, 8)) return;
  op.demand(op.shape(1) == without_last(op.shape(0)), "ids must have the leading dimensions of dy");
  op.demand(op.integer("rows") >= 0, "rows may not be negative");
  op.output(0, DType::f32, shape_of({op.integer("rows"), op.shape(0).last()}));
}

void rule_accumulate_embedding_grad(OpCheck& op) {
  op.is_float(1);
  op.is(2, DType::i32);
  if (!op.rank(0, 2, 2) || !op.rank(1, 1, 8)) return;
  op.demand(op.shape(2) == without_last(op.shape(1)), "ids must have the leading dimensions of dy");
  op.is(0, DType::f32, shape_of({op.shape(0)[0], op.shape(1).last()}));
}

void rule_gather_rows(OpCheck& op) {
  op.is(1, DType::i32);
  if (!op.rank(0, 1, 8) || !op.rank(1, 1, 1)) return;
  op.output(0, op.dtype(0), with_first(op.shape(1)[0], op.shape(0)));
}

void rule_scatter_add_rows(OpCheck& op) {
  op.is(0, DType::f32);
  op.is(1, DType::i32);
  if (!op.rank(0, 1, 8) || !op.rank(1, 1, 1)) return;
  op.demand(op.shape(0)[0] == op.shape(1)[0], "x and index differ in rows");
  op.demand(op.integer("rows") >= 0, "rows may not be negative");
  op.output(0, DType::f32, with_first(op.integer("rows"), op.shape(0)));
}

void rule_take_along(OpCheck& op) {
  op.is(1, DType::i32);
  op.demand(op.dtype(0) == DType::f32 || op.dtype(0) == DType::i32, "x must be f32 or i32");
  if (!op.rank(0, 1, 8) || !op.rank(1, 1, 8)) return;
  op.demand(same_leading(op.shape(0), op.shape(1)), "x and index differ in leading dimensions");
  op.output(0, op.dtype(0), op.shape(1));
}

void rule_take_along_grad(OpCheck& op) {
  op.is(0, DType::f32);
  if (!op.rank(0, 1, 8)) return;
  op.is(1, DType::i32, op.shape(0));
  op.demand(op.integer("size") >= 0, "size may not be negative");
  op.output(0, DType::f32, with_last(op.shape(0), op.integer("size")));
}

void rule_one_hot(OpCheck& op) {
  op.is(0, DType::i32);
  op.demand(op.integer("depth") >= 0, "depth may not be negative");
  if (!op.rank(0, 0, 7)) return;
  Shape y = op.shape(0);
  y.push(op.integer("depth"));
  op.output(0, DType::f32, y);
}

void rule_topk(OpCheck& op) {
  op.is(0, DType::f32);
  if (!op.rank(0, 1, 8)) return;
  const int64_t k = op.integer("k");
  op.demand(k >= 1 && k <= op.shape(0).last(), "k must lie in 1 .. the last dimension");
  op.output(0, DType::f32, with_last(op.shape(0), k));
  op.output(1, DType::i32, with_last(op.shape(0), k));
}

}  // namespace sluice
