// Elementwise ops, some elements a thread. The formulas stand beside ops.def's names; y may lie where x does.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

enum UnaryCode {
  unary_neg,
  unary_exp,
  unary_log,
  unary_sqrt,
  unary_rsqrt,
  unary_reciprocal,
  unary_square,
  unary_tanh,
  unary_sigmoid,
  unary_relu,
  unary_silu,
  unary_gelu_tanh,
  unary_gelu_erf,
  unary_affine,
  unary_clamp,
  unary_copy
};
enum UnaryGradCode { grad_silu, grad_relu, grad_gelu_tanh, grad_gelu_erf, grad_clamp };
enum BinaryCode {
  binary_add,
  binary_sub,
  binary_mul,
  binary_div,
  binary_maximum,
  binary_minimum,
  binary_not_equal,
  binary_greater,
  binary_silu_mul
};

FN float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

/** Abramowitz and Stegun 7.1.26, absolute error 1.5e-7. */
FN float error_function(float x) {
  const float size = x < 0 ? -x : x, t = 1.0f / (1.0f + 0.3275911f * size);
  const float series =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float value = 1.0f - series * exp(-size * size);
  return x < 0 ? -value : value;
}

/** The argument of gelu's tanh: sqrt(2/pi) (x + 0.044715 x^3). */
FN float gelu_inner(float x) { return 0.7978845608028654f * (x + 0.044715f * x * x * x); }

FN float unary_value(int code, float x, float a, float b) {
  switch (code) {
    case unary_neg:
      return -x;
    case unary_exp:
      return exp(x);
    case unary_log:
      return log(x);
    case unary_sqrt:
      return sqrt(x);
    case unary_rsqrt:
      return 1.0f / sqrt(x);
    case unary_reciprocal:
      return 1.0f / x;
    case unary_square:
      return x * x;
    case unary_tanh:
      return tanh(x);
    case unary_sigmoid:
      return sigmoid(x);
    case unary_relu:
      return x < 0 ? 0.0f : x;
    case unary_silu:
      return x * sigmoid(x);
    case unary_gelu_tanh:
      return 0.5f * x * (1.0f + tanh(gelu_inner(x)));
    case unary_gelu_erf:
      return 0.5f * x * (1.0f + error_function(x * 0.7071067811865476f));
    case unary_affine:
      return x * a + b;
    case unary_clamp:
      return x < a ? a : x > b ? b : x;
    default:
      return x;
  }
}

FN float unary_slope(int code, float x, float a, float b) {
  switch (code) {
    case grad_silu: {
      const float s = sigmoid(x);
      return s * (1.0f + x * (1.0f - s));
    }
    case grad_relu:
      return x > 0 ? 1.0f : 0.0f;
    case grad_gelu_tanh: {
      const float t = tanh(gelu_inner(x));
      const float inner = 0.7978845608028654f * (1.0f + 3.0f * 0.044715f * x * x);
      return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
    }
    case grad_gelu_erf:
      return 0.5f * (1.0f + error_function(x * 0.7071067811865476f)) +
             x * 0.3989422804014327f * exp(-0.5f * x * x);
    default:
      return x >= a && x <= b ? 1.0f : 0.0f;
  }
}

struct Unary {
  int64 count;
  int code;
  float a, b;
  int x_bf16, y_bf16;
};

KERNEL(unary, READS(0, void, x), WRITES(1, void, y), PARAMS(2, Unary)) {
  float value[SOME];
  for (int j = 0; j < SOME; j++) value[j] = SOME_AT(j) < p.count ? LOAD(x, SOME_AT(j)) : 0.0f;
  for (int j = 0; j < SOME; j++) {
    if (SOME_AT(j) < p.count) STORE(y, SOME_AT(j), unary_value(p.code, value[j], p.a, p.b));
  }
}

struct UnaryGrad {
  int64 count;
  int code;
  float a, b;
  int dy_bf16, x_bf16, dx_bf16;
};

KERNEL(unary_grad, READS(0, void, dy), READS(1, void, x), WRITES(2, void, dx), PARAMS(3, UnaryGrad)) {
  float up[SOME], value[SOME];
  for (int j = 0; j < SOME; j++) {
    up[j] = SOME_AT(j) < p.count ? LOAD(dy, SOME_AT(j)) : 0.0f;
    value[j] = SOME_AT(j) < p.count ? LOAD(x, SOME_AT(j)) : 0.0f;
  }
  for (int j = 0; j < SOME; j++) {
    const float slope = unary_slope(p.code, value[j], p.a, p.b);
    if (SOME_AT(j) < p.count) STORE(dx, SOME_AT(j), slope == 0.0f ? 0.0f : up[j] * slope);
  }
}

/** Both operands broadcast to dims; a stride of 0 stays where it is. */
struct Binary {
  int64 count;
  int64 dims[8], a_stride[8], b_stride[8];
  int rank, code, integers;
  int a_bf16, b_bf16, y_bf16;
};

FN float binary_value(int code, float a, float b) {
  switch (code) {
    case binary_add:
      return a + b;
    case binary_sub:
      return a - b;
    case binary_mul:
      return a * b;
    case binary_div:
      return a / b;
    case binary_maximum:
      return a > b || a != a ? a : b;
    case binary_minimum:
      return a < b || a != a ? a : b;
    case binary_not_equal:
      return a != b ? 1.0f : 0.0f;
    case binary_greater:
      return a > b ? 1.0f : 0.0f;
    default:
      return a * sigmoid(a) * b;
  }
}

KERNEL(binary, READS(0, void, a), READS(1, void, b), WRITES(2, void, y), PARAMS(3, Binary)) {
  float left[SOME], right[SOME];
  for (int j = 0; j < SOME; j++) {
    int64 rest = SOME_AT(j) < p.count ? SOME_AT(j) : 0, at_a = 0, at_b = 0;
    for (int axis = p.rank - 1; axis > 0; axis--) {
      const int64 above = quotient(rest, p.dims[axis]), place = rest - above * p.dims[axis];
      at_a += place * p.a_stride[axis];
      at_b += place * p.b_stride[axis];
      rest = above;
    }
    // one dimension, as most are, divides nothing
    left[j] = LOAD(a, at_a + rest * p.a_stride[0]);
    right[j] = LOAD(b, at_b + rest * p.b_stride[0]);
  }
  for (int j = 0; j < SOME; j++) {
    float value;
    if (p.integers) {
      const int first = int(float_to_bits(left[j])), second = int(float_to_bits(right[j]));
      value = (p.code == binary_greater ? first > second : first != second) ? 1.0f : 0.0f;
    } else {
      value = binary_value(p.code, left[j], right[j]);
    }
    if (SOME_AT(j) < p.count) STORE(y, SOME_AT(j), value);
  }
}

struct SiluMulGrad {
  int64 count;
  int dy_bf16, gate_bf16, up_bf16, dgate_bf16, dup_bf16;
};

KERNEL(silu_mul_grad, READS(0, void, dy), READS(1, void, gate), READS(2, void, up), WRITES(3, void, dgate),
       WRITES(4, void, dup), PARAMS(5, SiluMulGrad)) {
  float d[SOME], g[SOME], u[SOME];
  for (int j = 0; j < SOME; j++) {
    const bool there = SOME_AT(j) < p.count;
    d[j] = there ? LOAD(dy, SOME_AT(j)) : 0.0f;
    g[j] = there ? LOAD(gate, SOME_AT(j)) : 0.0f;
    u[j] = there ? LOAD(up, SOME_AT(j)) : 0.0f;
  }
  for (int j = 0; j < SOME; j++) {
    if (SOME_AT(j) >= p.count) continue;
    const float s = sigmoid(g[j]);
    STORE(dup, SOME_AT(j), d[j] * g[j] * s);
    STORE(dgate, SOME_AT(j), d[j] * u[j] * s * (1.0f + g[j] * (1.0f - s)));
  }
}

struct Convert {
  int64 count;
  int to_integers;
};

/** i32 -> f32, or f32 -> i32 towards zero. */
KERNEL(convert, READS(0, void, x), WRITES(1, void, y), PARAMS(2, Convert)) {
  const int64 i = AT;
  if (i >= p.count) return;
  if (p.to_integers)
    ((DEVICE int*)y)[i] = int(((const DEVICE float*)x)[i]);
  else
    ((DEVICE float*)y)[i] = float(((const DEVICE int*)x)[i]);
}

struct Finite {
  int64 count;
  int x_bf16;
};

/** Lowers found to 0 where an element is infinite or NaN. */
KERNEL(find_non_finite, READS(0, void, x), WRITES(1, int, found), PARAMS(2, Finite)) {
  const int64 i = AT;
  if (i >= p.count) return;
  const float value = LOAD(x, i);
  if (value - value != 0.0f) lower(found, 0);
}

DIALECT_END
