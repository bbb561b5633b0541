#include "op-check.h"

namespace sluice {
namespace {

void one_input(OpCheck& op) {
  op.is_float(0);
  op.output_float(0, op.shape(0));
}

void gradient(OpCheck& op) {
  op.is_float(0);
  op.is_float(1, op.shape(0));
  op.output_float(0, op.shape(0));
}

void two_inputs(OpCheck& op) {
  Shape shape;
  op.is_float(0);
  op.is_float(1);
  op.rank(0, 0, 6);
  op.rank(1, 0, 6);
  op.demand(broadcast(op.shape(0), op.shape(1), shape), "shapes do not broadcast");
  op.output_float(0, shape);
}

void comparison(OpCheck& op) {
  Shape shape;
  op.demand(op.dtype(0) == DType::f32 || op.dtype(0) == DType::i32, "takes f32 or i32");
  op.is(1, op.dtype(0));
  op.rank(0, 0, 6);
  op.rank(1, 0, 6);
  op.demand(broadcast(op.shape(0), op.shape(1), shape), "shapes do not broadcast");
  op.output(0, DType::f32, shape);
}

}  // namespace

void rule_neg(OpCheck& op) { one_input(op); }
void rule_exp(OpCheck& op) { one_input(op); }
void rule_log(OpCheck& op) { one_input(op); }
void rule_sqrt(OpCheck& op) { one_input(op); }
void rule_rsqrt(OpCheck& op) { one_input(op); }
void rule_reciprocal(OpCheck& op) { one_input(op); }
void rule_square(OpCheck& op) { one_input(op); }
void rule_tanh(OpCheck& op) { one_input(op); }
void rule_sigmoid(OpCheck& op) { one_input(op); }
void rule_relu(OpCheck& op) { one_input(op); }
void rule_silu(OpCheck& op) { one_input(op); }
void rule_gelu(OpCheck& op) { one_input(op); }
void rule_affine(OpCheck& op) { one_input(op); }
void rule_clamp(OpCheck& op) { one_input(op); }

void rule_silu_grad(OpCheck& op) { gradient(op); }
void rule_gelu_grad(OpCheck& op) { gradient(op); }
void rule_clamp_grad(OpCheck& op) { gradient(op); }
void rule_relu_grad(OpCheck& op) { gradient(op); }

void rule_cast(OpCheck& op) {
  DType to = DType::f32;
  const DType from = op.dtype(0);
  if (!op.demand(parse_dtype(op.text("dtype"), to), "unknown dtype '" + op.text("dtype") + "'")) return;
  const bool known = (from == DType::f32 && (to == DType::bf16 || to == DType::i32)) ||
                     ((from == DType::bf16 || from == DType::i32) && to == DType::f32);
  op.demand(known, std::string("no cast from ") + name_of(from) + " to " + name_of(to));
  op.output(0, to, op.shape(0));
}

void rule_add(OpCheck& op) { two_inputs(op); }
void rule_sub(OpCheck& op) { two_inputs(op); }
void rule_mul(OpCheck& op) { two_inputs(op); }
void rule_div(OpCheck& op) { two_inputs(op); }
void rule_maximum(OpCheck& op) { two_inputs(op); }
void rule_minimum(OpCheck& op) { two_inputs(op); }
void rule_not_equal(OpCheck& op) { comparison(op); }
void rule_greater(OpCheck& op) { comparison(op); }

void rule_silu_mul(OpCheck& op) { gradient(op); }

void rule_silu_mul_grad(OpCheck& op) {
  op.is_float(0);
  op.is_float(1, op.shape(0));
  op.is_float(2, op.shape(0));
  op.output_float(0, op.shape(0));
  op.output_float(1, op.shape(0));
}

}  // namespace sluice
