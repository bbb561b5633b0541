#include "op-check.h"

namespace sluice {
namespace {

void last_axis(OpCheck& op) {
  op.is(0, DType::f32);
  op.rank(0, 1, Shape::kMaxRank);
  op.demand(op.shape(0).last() > 0, "the last axis is empty");
  op.output(0, DType::f32, op.shape(0));
}

void last_axis_gradient(OpCheck& op) {
  op.is(1, DType::f32, op.shape(0));
  last_axis(op);
}

/** The axis counted from the front; demands that it exists. */
int axis_of(OpCheck& op) {
  const int rank = op.shape(0).rank;
  const int64_t axis = op.integer("axis");
  if (!op.demand(axis >= -rank && axis < rank, "axis " + std::to_string(axis) + " does not exist")) return 0;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Shape reduced(const Shape& shape, uint32_t axes, bool keepdims) {
  Shape out;
  for (int i = 0; i < shape.rank; i++) {
    if (!(axes >> i & 1))
      out.push(shape.dims[i]);
    else if (keepdims)
      out.push(1);
  }
  return out;
}

}  // namespace

void rule_sum(OpCheck& op) {
  const Shape& shape = op.shape(0);
  uint32_t axes = 0;
  op.is(0, DType::f32);
  for (int64_t axis : op.integers("axes")) {
    const int64_t at = axis < 0 ? axis + shape.rank : axis;
    if (!op.demand(at >= 0 && at < shape.rank, "axis " + std::to_string(axis) + " does not exist")) return;
    op.demand(!(axes >> at & 1), "axis " + std::to_string(axis) + " stands twice");
    axes |= 1u << at;
  }
  op.output(0, DType::f32, reduced(shape, axes, op.integer("keepdims")));
}

void rule_max(OpCheck& op) {
  op.is(0, DType::f32);
  const int axis = axis_of(op);
  if (!op.demand(op.shape(0).rank > 0 && op.shape(0)[axis] > 0, "the axis is empty")) return;
  op.output(0, DType::f32, reduced(op.shape(0), 1u << axis, op.integer("keepdims")));
}

void rule_argmax(OpCheck& op) {
  op.is(0, DType::f32);
  const int axis = axis_of(op);
  if (!op.demand(op.shape(0).rank > 0 && op.shape(0)[axis] > 0, "the axis is empty")) return;
  op.output(0, DType::i32, reduced(op.shape(0), 1u << axis, false));
}

void rule_softmax(OpCheck& op) { last_axis(op); }
void rule_log_softmax(OpCheck& op) { last_axis(op); }
void rule_softmax_grad(OpCheck& op) { last_axis_gradient(op); }
void rule_log_softmax_grad(OpCheck& op) { last_axis_gradient(op); }

void rule_sum_squares(OpCheck& op) {
  int64_t bytes = 0;
  for (int i = 0; i < op.inputs(); i++) {
    op.is_float(i);
    bytes += scratch::sum_squares(op.shape(i).count());
  }
  op.scratch(bytes);
  op.output(0, DType::f32, shape_of({1}));
}

}  // namespace sluice
