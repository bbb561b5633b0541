#include "op-check.h"

namespace sluice {

void rule_assign(OpCheck& op) { op.is(1, op.dtype(0), op.shape(0)); }

void rule_fill(OpCheck& op) { op.is(0, DType::f32); }

void rule_accumulate(OpCheck& op) {
  op.is(0, DType::f32);
  op.is(1, DType::f32, op.shape(0));
}

void rule_adamw(OpCheck& op) {
  op.is_float(0);
  for (int i : {1, 2, 3}) op.is_float(i, op.shape(0));
  op.is(4, DType::f32, shape_of({3}));
  if (op.has(5)) op.is(5, DType::i32, shape_of({4}));
}

}  // namespace sluice
