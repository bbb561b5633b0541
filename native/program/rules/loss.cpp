#include "op-check.h"

namespace sluice {
namespace {

bool projection(OpCheck& op, int at) {
  op.is_float(at);
  op.is(at + 1, op.dtype(at));
  if (!op.rank(at, 2, 2) || !op.rank(at + 1, 2, 2)) return false;
  op.demand(op.shape(at)[1] == op.shape(at + 1)[1], "h and w differ in width");
  op.demand(op.shape(at + 1)[0] > 0, "w has no rows");
  return op.is(at + 2, DType::i32, shape_of({op.shape(at)[0]}));
}

}  // namespace

void rule_linear_cross_entropy(OpCheck& op) {
  if (!projection(op, 0)) return;
  const Shape each = shape_of({op.shape(0)[0]});
  op.scratch(scratch::linear_cross_entropy(each[0]));
  for (int i : {0, 1, 2}) op.output(i, DType::f32, each);
}

void rule_linear_cross_entropy_grad(OpCheck& op) {
  if (!projection(op, 1)) return;
  const Shape each = shape_of({op.shape(1)[0]});
  op.is(0, DType::f32, each);
  op.is(4, DType::f32, each);
  op.scratch(scratch::linear_cross_entropy_grad(each[0], op.shape(2)[0], size_of(op.dtype(1)), op.gives(1)));
  op.output_product(0, op.dtype(1), op.shape(1));
  op.output(1, DType::f32, op.shape(2));
}

void rule_linear_cross_entropy_train(OpCheck& op) {
  if (!projection(op, 0)) return;
  const Shape each = shape_of({op.shape(0)[0]});
  op.is(3, DType::f32, each);
  op.scratch(scratch::linear_cross_entropy_train(each[0], op.shape(1)[0], size_of(op.dtype(0)), op.gives(4)));
  for (int i : {0, 1, 2}) op.output(i, DType::f32, each);
  op.output_product(3, op.dtype(0), op.shape(0));
  op.output(4, DType::f32, op.shape(1));
}

void rule_accumulate_linear_cross_entropy_train(OpCheck& op) {
  if (!projection(op, 1)) return;
  const Shape each = shape_of({op.shape(1)[0]});
  op.is(0, DType::f32, op.shape(2));
  op.is(4, DType::f32, each);
  op.scratch(scratch::linear_cross_entropy_train(each[0], op.shape(2)[0], size_of(op.dtype(1)), true));
  for (int i : {0, 1, 2}) op.output(i, DType::f32, each);
  op.output_product(3, op.dtype(1), op.shape(1));
}

}  // namespace sluice
