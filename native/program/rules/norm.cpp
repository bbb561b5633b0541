#include "op-check.h"

namespace sluice {

void rule_rms_norm(OpCheck& op) {
  op.is_float(0);
  if (!op.rank(0, 1, 8)) return;
  op.is(1, DType::f32, shape_of({op.shape(0).last()}));
  op.output_float(0, op.shape(0));
  op.output(1, DType::f32, without_last(op.shape(0)));
}

void rule_rms_norm_grad(OpCheck& op) {
  op.is_float(0);
  if (!op.rank(0, 1, 8)) return;
  const Shape& x = op.shape(0);
  op.is_float(1, x);
  op.is(2, DType::f32, shape_of({x.last()}));
  op.is(3, DType::f32, without_last(x));
  op.scratch(scratch::rms_norm_grad(x.rows(), x.last()));
  op.output_float(0, x);
  op.output(1, DType::f32, shape_of({x.last()}));
}

void rule_layer_norm(OpCheck& op) {
  op.is_float(0);
  if (!op.rank(0, 1, 8)) return;
  const Shape& x = op.shape(0);
  op.is(1, DType::f32, shape_of({x.last()}));
  if (op.has(2)) op.is(2, DType::f32, shape_of({x.last()}));
  op.output_float(0, x);
  op.output(1, DType::f32, without_last(x));
  op.output(2, DType::f32, without_last(x));
}

void rule_layer_norm_grad(OpCheck& op) {
  op.is_float(0);
  if (!op.rank(0, 1, 8)) return;
  const Shape& x = op.shape(0);
  op.is_float(1, x);
  op.is(2, DType::f32, shape_of({x.last()}));
  op.is(3, DType::f32, without_last(x));
  op.is(4, DType::f32, without_last(x));
  op.scratch(scratch::layer_norm_grad(x.rows(), x.last()));
  op.output_float(0, x);
  op.output(1, DType::f32, shape_of({x.last()}));
  op.output(2, DType::f32, shape_of({x.last()}));
}

}  // namespace sluice
