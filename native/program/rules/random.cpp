#include "op-check.h"

namespace sluice {
namespace {

void rng(OpCheck& op, int i) {
  op.is(i, DType::i32, shape_of({4}));
  op.demand(op.integer("stream") >= 0 && op.integer("stream") <= UINT32_MAX,
            "stream must lie in 0 .. 2^32-1");
}

void draws(OpCheck& op) {
  rng(op, 0);
  Shape y;
  if (!op.demand(op.integers("shape").size() <= Shape::kMaxRank, "a shape has at most 8 dimensions")) return;
  for (int64_t dim : op.integers("shape")) y.push(dim);
  op.output(0, DType::f32, y);
}

}  // namespace

void rule_random_normal(OpCheck& op) { draws(op); }
void rule_random_uniform(OpCheck& op) { draws(op); }

void rule_dropout(OpCheck& op) {
  op.is_float(0);
  rng(op, 1);
  op.demand(op.real("p") >= 0 && op.real("p") < 1, "p must lie in [0, 1)");
  op.output_float(0, op.shape(0));
}

}  // namespace sluice
