// Elementwise ops as launches.
#include "../kernels/elementwise.h"
#include "../call.h"

namespace sluice::gpu {
namespace {

Status unary(Call& call, dialect::UnaryCode code, float a = 0, float b = 0) {
  const Tensor &x = call.in(0), &y = call.out(0);
  const dialect::Unary numbers{y.count(), code, a, b, is_bf16(x), is_bf16(y)};
  return call.launch(Kernel::unary, some_each(y.count()), {x.data, y.data}, numbers);
}

Status unary_grad(Call& call, dialect::UnaryGradCode code, float a = 0, float b = 0) {
  const Tensor &dy = call.in(0), &x = call.in(1), &dx = call.out(0);
  const dialect::UnaryGrad numbers{dx.count(), code, a, b, is_bf16(dy), is_bf16(x), is_bf16(dx)};
  return call.launch(Kernel::unary_grad, some_each(dx.count()), {dy.data, x.data, dx.data}, numbers);
}

/** Element strides of `shape` seen as `out`: 0 where it is broadcast. */
void strides(const Shape& out, const Shape& shape, dialect::int64* stride) {
  int64_t step = 1;
  for (int i = out.rank - 1, j = shape.rank - 1; i >= 0; i--, j--) {
    stride[i] = j < 0 || shape.dims[j] == 1 ? 0 : step;
    if (j >= 0) step *= shape.dims[j];
  }
}

Status binary(Call& call, dialect::BinaryCode code) {
  const Tensor &a = call.in(0), &b = call.in(1), &y = call.out(0);
  dialect::Binary numbers{};
  numbers.count = y.count();
  numbers.code = code;
  numbers.integers = a.dtype == DType::i32;
  numbers.a_bf16 = is_bf16(a), numbers.b_bf16 = is_bf16(b), numbers.y_bf16 = is_bf16(y);
  // dimensions are merged where both operands walk on in one step: most binaries end as one dimension
  dialect::int64 step_a[Shape::kMaxRank], step_b[Shape::kMaxRank];
  strides(y.shape, a.shape, step_a);
  strides(y.shape, b.shape, step_b);
  for (int i = 0; i < y.shape.rank; i++) {
    const int64_t size = y.shape.dims[i];
    if (size == 1) continue;
    const int last = numbers.rank - 1;
    if (last >= 0 && numbers.a_stride[last] == step_a[i] * size &&
        numbers.b_stride[last] == step_b[i] * size) {
      numbers.dims[last] *= size;
    } else {
      numbers.dims[numbers.rank++] = size;
    }
    numbers.a_stride[numbers.rank - 1] = step_a[i];
    numbers.b_stride[numbers.rank - 1] = step_b[i];
  }
  return call.launch(Kernel::binary, some_each(y.count()), {a.data, b.data, y.data}, numbers);
}

}  // namespace

Status op_neg(Call& call) { return unary(call, dialect::unary_neg); }
Status op_exp(Call& call) { return unary(call, dialect::unary_exp); }
Status op_log(Call& call) { return unary(call, dialect::unary_log); }
Status op_sqrt(Call& call) { return unary(call, dialect::unary_sqrt); }
Status op_rsqrt(Call& call) { return unary(call, dialect::unary_rsqrt); }
Status op_reciprocal(Call& call) { return unary(call, dialect::unary_reciprocal); }
Status op_square(Call& call) { return unary(call, dialect::unary_square); }
Status op_tanh(Call& call) { return unary(call, dialect::unary_tanh); }
Status op_sigmoid(Call& call) { return unary(call, dialect::unary_sigmoid); }
Status op_relu(Call& call) { return unary(call, dialect::unary_relu); }
Status op_silu(Call& call) { return unary(call, dialect::unary_silu); }
Status op_gelu(Call& call) {
  return unary(call, call.integer("tanh") ? dialect::unary_gelu_tanh : dialect::unary_gelu_erf);
}
Status op_affine(Call& call) {
  return unary(call, dialect::unary_affine, call.real("scale"), call.real("shift"));
}
Status op_clamp(Call& call) { return unary(call, dialect::unary_clamp, call.real("min"), call.real("max")); }

Status op_silu_grad(Call& call) { return unary_grad(call, dialect::grad_silu); }
Status op_relu_grad(Call& call) { return unary_grad(call, dialect::grad_relu); }
Status op_gelu_grad(Call& call) {
  return unary_grad(call, call.integer("tanh") ? dialect::grad_gelu_tanh : dialect::grad_gelu_erf);
}
Status op_clamp_grad(Call& call) {
  return unary_grad(call, dialect::grad_clamp, call.real("min"), call.real("max"));
}

Status op_cast(Call& call) {
  const Tensor &x = call.in(0), &y = call.out(0);
  if (x.dtype != DType::i32 && y.dtype != DType::i32) return unary(call, dialect::unary_copy);
  const dialect::Convert numbers{y.count(), y.dtype == DType::i32};
  return call.launch(Kernel::convert, one_each(y.count()), {x.data, y.data}, numbers);
}

Status op_add(Call& call) { return binary(call, dialect::binary_add); }
Status op_sub(Call& call) { return binary(call, dialect::binary_sub); }
Status op_mul(Call& call) { return binary(call, dialect::binary_mul); }
Status op_div(Call& call) { return binary(call, dialect::binary_div); }
Status op_maximum(Call& call) { return binary(call, dialect::binary_maximum); }
Status op_minimum(Call& call) { return binary(call, dialect::binary_minimum); }
Status op_not_equal(Call& call) { return binary(call, dialect::binary_not_equal); }
Status op_greater(Call& call) { return binary(call, dialect::binary_greater); }
Status op_silu_mul(Call& call) { return binary(call, dialect::binary_silu_mul); }

Status op_silu_mul_grad(Call& call) {
  const Tensor &dy = call.in(0), &gate = call.in(1), &up = call.in(2), &dgate = call.out(0),
               &dup = call.out(1);
  const dialect::SiluMulGrad numbers{dy.count(),  is_bf16(dy),    is_bf16(gate),
                                     is_bf16(up), is_bf16(dgate), is_bf16(dup)};
  return call.launch(Kernel::silu_mul_grad, some_each(dy.count()),
                     {dy.data, gate.data, up.data, dgate.data, dup.data}, numbers);
}

}  // namespace sluice::gpu
