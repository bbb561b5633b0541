// Ops that only move elements, as launches of one kernel that walks two sets of strides.
#include <cstring>

#include "../call.h"
#include "../kernels/shape.h"

namespace sluice::gpu {
namespace {

/** Dense, row-major. */
void dense(const Shape& shape, dialect::int64* stride) {
  int64_t step = 1;
  for (int i = shape.rank - 1; i >= 0; i--) {
    stride[i] = step;
    step *= shape.dims[i];
  }
}

dialect::Move moving(const Shape& shape, DType dtype) {
  dialect::Move numbers{};
  numbers.count = shape.count();
  numbers.rank = shape.rank;
  numbers.bytes = static_cast<int>(size_of(dtype));
  for (int i = 0; i < shape.rank; i++) numbers.dims[i] = shape.dims[i];
  return numbers;
}

Status move(Call& call, const Tensor& x, const Tensor& y, const dialect::Move& numbers) {
  return call.launch(Kernel::move, some_each(numbers.count), {x.data, y.data}, numbers);
}

Status fill(Call& call, const Tensor& y, uint32_t bits) {
  const dialect::Fill numbers{y.count(), bits, static_cast<int>(size_of(y.dtype))};
  return call.launch(Kernel::fill, one_each(y.count()), {y.data}, numbers);
}

int axis_of(Call& call, const Shape& shape) {
  const int64_t axis = call.integer("axis");
  return static_cast<int>(axis < 0 ? axis + shape.rank : axis);
}

}  // namespace

Status op_transpose(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  dialect::Move numbers = moving(y.shape, x.dtype);
  dialect::int64 stride[Shape::kMaxRank];
  dense(x.shape, stride);
  dense(y.shape, numbers.y_stride);
  const auto& perm = call.attribute("perm").integers;
  for (int i = 0; i < y.shape.rank; i++) numbers.x_stride[i] = stride[perm[static_cast<size_t>(i)]];
  return move(call, x, y, numbers);
}

Status op_slice(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  dialect::Move numbers = moving(y.shape, x.dtype);
  dense(x.shape, numbers.x_stride);
  dense(y.shape, numbers.y_stride);
  numbers.x_start = call.integer("start") * numbers.x_stride[axis_of(call, x.shape)];
  return move(call, x, y, numbers);
}

Status op_pad(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  SLUICE_TRY(fill(call, y, 0));
  dialect::Move numbers = moving(x.shape, x.dtype);
  dense(x.shape, numbers.x_stride);
  dense(y.shape, numbers.y_stride);
  numbers.y_start = call.integer("before") * numbers.y_stride[axis_of(call, x.shape)];
  return move(call, x, y, numbers);
}

Status op_concat(Call& call) {
  const Tensor& y = call.out(0);
  const int axis = axis_of(call, y.shape);
  int64_t at = 0;
  for (int i = 0; i < call.inputs(); i++) {
    const Tensor& x = call.in(i);
    dialect::Move numbers = moving(x.shape, x.dtype);
    dense(x.shape, numbers.x_stride);
    dense(y.shape, numbers.y_stride);
    numbers.y_start = at * numbers.y_stride[axis];
    SLUICE_TRY(move(call, x, y, numbers));
    at += x.shape.dims[axis];
  }
  return {};
}

Status op_expand(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  dialect::Move numbers = moving(y.shape, x.dtype);
  dense(y.shape, numbers.y_stride);
  int64_t step = 1;
  for (int i = y.shape.rank - 1, j = x.shape.rank - 1; i >= 0; i--, j--) {
    numbers.x_stride[i] = j < 0 || x.shape.dims[j] == 1 ? 0 : step;
    if (j >= 0) step *= x.shape.dims[j];
  }
  return move(call, x, y, numbers);
}

Status op_full(Call& call) {
  const Tensor& y = call.out(0);
  const double value = call.attribute("value").real;
  if (y.dtype == DType::u8) return fill(call, y, static_cast<uint8_t>(value));
  if (y.dtype == DType::i32) return fill(call, y, static_cast<uint32_t>(static_cast<int32_t>(value)));
  const float number = static_cast<float>(value);
  return fill(call, y, y.dtype == DType::bf16 ? dialect::to_bf16(number) : dialect::float_to_bits(number));
}

Status op_fill(Call& call) { return fill(call, call.in(0), dialect::float_to_bits(call.real("value"))); }

Status op_assign(Call& call) {
  const Tensor &state = call.in(0), &x = call.in(1);
  dialect::Move numbers = moving(state.shape, state.dtype);
  dense(state.shape, numbers.x_stride);
  dense(state.shape, numbers.y_stride);
  return move(call, x, state, numbers);
}

}  // namespace sluice::gpu
