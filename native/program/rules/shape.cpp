#include "op-check.h"

namespace sluice {
namespace {

bool axis_exists(OpCheck& op, int64_t axis, int rank) {
  return op.demand(axis >= 0 && axis < rank, "axis " + std::to_string(axis) + " does not exist");
}

Shape from_list(OpCheck& op, const std::vector<int64_t>& dims) {
  Shape shape;
  if (!op.demand(dims.size() <= Shape::kMaxRank, "a shape has at most 8 dimensions")) return shape;
  for (int64_t dim : dims) {
    op.demand(dim >= 0, "a dimension is negative");
    shape.push(dim);
  }
  return shape;
}

}  // namespace

void rule_transpose(OpCheck& op) {
  const Shape& x = op.shape(0);
  const std::vector<int64_t>& perm = op.integers("perm");
  if (!op.demand(static_cast<int>(perm.size()) == x.rank, "perm must list every axis once")) return;
  Shape y;
  uint32_t seen = 0;
  for (int64_t axis : perm) {
    if (!axis_exists(op, axis, x.rank)) return;
    op.demand(!(seen >> axis & 1), "perm must list every axis once");
    seen |= 1u << axis;
    y.push(x[static_cast<int>(axis)]);
  }
  op.output(0, op.dtype(0), y);
}

void rule_slice(OpCheck& op) {
  Shape y = op.shape(0);
  const int64_t axis = op.integer("axis"), start = op.integer("start"), stop = op.integer("stop");
  if (!axis_exists(op, axis, y.rank)) return;
  op.demand(0 <= start && start <= stop && stop <= y[axis],
            "start and stop must lie in order within the axis");
  y[axis] = stop - start;
  op.output(0, op.dtype(0), y);
}

void rule_pad(OpCheck& op) {
  Shape y = op.shape(0);
  const int64_t axis = op.integer("axis"), before = op.integer("before"), after = op.integer("after");
  if (!axis_exists(op, axis, y.rank)) return;
  op.demand(before >= 0 && after >= 0, "before and after may not be negative");
  y[axis] += before + after;
  op.output(0, op.dtype(0), y);
}

void rule_concat(OpCheck& op) {
  if (!op.demand(op.inputs() > 0, "needs an input")) return;
  Shape y = op.shape(0);
  const int64_t axis = op.integer("axis");
  if (!axis_exists(op, axis, y.rank)) return;
  y[axis] = 0;
  for (int i = 0; i < op.inputs(); i++) {
    Shape x = op.shape(i);
    if (!op.demand(x.rank == y.rank, "inputs differ in rank")) return;
    const int64_t size = x[axis];
    x[axis] = y[axis];
    op.demand(x == y && op.dtype(i) == op.dtype(0), "inputs differ in more than the axis");
    y[axis] += size;
  }
  op.output(0, op.dtype(0), y);
}

void rule_expand(OpCheck& op) {
  const Shape y = from_list(op, op.integers("shape"));
  Shape both;
  op.demand(broadcast(op.shape(0), y, both) && both == y, "x does not broadcast to " + y.text());
  op.output(0, op.dtype(0), y);
}

void rule_full(OpCheck& op) {
  DType dtype = DType::f32;
  op.demand(parse_dtype(op.text("dtype"), dtype), "unknown dtype '" + op.text("dtype") + "'");
  op.output(0, dtype, from_list(op, op.integers("shape")));
}

}  // namespace sluice
