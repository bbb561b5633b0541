// Elementwise ops. Unary ones and gradients run over flat storage; binary ones broadcast as in NumPy.
#include <cstring>

#include "floats.h"
#include "lanes-math.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

// y may be x itself (in place): every element is read before it is written, hence ivdep.
template <typename F>
Status map(const KernelCall& call, F f) {
  const Source source(call.in[0]);
  const Sink sink(call.out[0]);
  in_pieces(call.pool, call.out[0].count(), kElements, [=](int64_t begin, int64_t end, void*) {
    float from[kStage], to[kStage];
    in_stages(begin, end, [&](int64_t at, int64_t count) {
      const float* x = source.read(at, count, from);
      float* y = sink.open(at, to);
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) y[i] = f(x[i]);
      sink.close(at, count, to);
    });
  });
  return {};
}

template <typename F>
Status map2(const KernelCall& call, F f) {
  const Source left(call.in[0]), right(call.in[1]);
  const Sink sink(call.out[0]);
  in_pieces(call.pool, call.out[0].count(), kElements, [=](int64_t begin, int64_t end, void*) {
    float from_a[kStage], from_b[kStage], to[kStage];
    in_stages(begin, end, [&](int64_t at, int64_t count) {
      const float *a = left.read(at, count, from_a), *b = right.read(at, count, from_b);
      float* y = sink.open(at, to);
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) y[i] = f(a[i], b[i]);
      sink.close(at, count, to);
    });
  });
  return {};
}

/** Two operands broadcast to one shape, dimensions merged where both walk through memory in one step. */
struct Broadcast {
  int rank = 0;
  int64_t dims[Shape::kMaxRank], a[Shape::kMaxRank], b[Shape::kMaxRank];  // sizes and element strides

  Broadcast(const Shape& out, const Shape& shape_a, const Shape& shape_b) {
    int64_t stride_a[Shape::kMaxRank], stride_b[Shape::kMaxRank];
    strides(out, shape_a, stride_a);
    strides(out, shape_b, stride_b);
    for (int i = 0; i < out.rank; i++) {
      if (out.dims[i] == 1) continue;
      const bool merges =
          rank && a[rank - 1] == stride_a[i] * out.dims[i] && b[rank - 1] == stride_b[i] * out.dims[i];
      if (!merges) dims[rank++] = 1;
      dims[rank - 1] *= out.dims[i];
      a[rank - 1] = stride_a[i];
      b[rank - 1] = stride_b[i];
    }
    if (!rank) dims[0] = 1, a[0] = b[0] = 0, rank = 1;
  }

  static void strides(const Shape& out, const Shape& shape, int64_t* stride) {
    int64_t step = 1;
    for (int i = out.rank - 1, j = shape.rank - 1; i >= 0; i--, j--) {
      stride[i] = j < 0 || shape.dims[j] == 1 ? 0 : step;
      if (j >= 0) step *= shape.dims[j];
    }
  }
};

template <typename In, typename F>
void broadcast_row(const In* a, int64_t stride_a, const In* b, int64_t stride_b, float* y, int64_t count,
                   F f) {
  if (stride_a == 1 && stride_b == 1) {
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) y[i] = f(a[i], b[i]);
  } else if (stride_a == 1) {
    const In right = *b;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) y[i] = f(a[i], right);
  } else if (stride_b == 1) {
    const In left = *a;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) y[i] = f(left, b[i]);
  } else {
    std::fill(y, y + count, f(*a, *b));
  }
}

/** row(at, offset of a, its stride, offset of b, its stride, count) for runs of the output, strides 0 or 1.
 */
template <typename Row>
void in_rows(const KernelCall& call, Row row) {
  const Tensor& out = call.out[0];
  if (out.count() == 0) return;
  const Broadcast plan(out.shape, call.in[0].shape, call.in[1].shape);
  const int last = plan.rank - 1;
  const int64_t width = plan.dims[last], stride_a = plan.a[last], stride_b = plan.b[last];
  // pieces are cut from the flat output; the first and last row of a piece may be partial
  in_pieces(call.pool, out.count(), kElements, [&](int64_t begin, int64_t end, void*) {
    for (int64_t at = begin; at < end;) {
      int64_t outer = at / width, offset_a = 0, offset_b = 0;
      const int64_t column = at % width, count = std::min(width - column, end - at);
      for (int i = last - 1; i >= 0; i--) {
        offset_a += outer % plan.dims[i] * plan.a[i];
        offset_b += outer % plan.dims[i] * plan.b[i];
        outer /= plan.dims[i];
      }
      row(at, offset_a + column * stride_a, stride_a, offset_b + column * stride_b, stride_b, count);
      at += count;
    }
  });
}

template <typename F>
Status binary(const KernelCall& call, F f) {
  const Source left(call.in[0]), right(call.in[1]);
  const Sink sink(call.out[0]);
  in_rows(call, [&](int64_t at, int64_t a, int64_t stride_a, int64_t b, int64_t stride_b, int64_t count) {
    float from_a[kStage], from_b[kStage], to[kStage];
    in_stages(0, count, [&](int64_t done, int64_t some) {
      broadcast_row(left.read(a + done * stride_a, stride_a ? some : 1, from_a), stride_a,
                    right.read(b + done * stride_b, stride_b ? some : 1, from_b), stride_b,
                    sink.open(at + done, to), some, f);
      sink.close(at + done, some, to);
    });
  });
  return {};
}

template <typename F>
Status compare(const KernelCall& call, F f) {
  if (call.in[0].dtype != DType::i32) return binary(call, f);
  const int32_t *left = call.in[0].i32(), *right = call.in[1].i32();
  float* y = call.out[0].f32();
  in_rows(call, [=](int64_t at, int64_t a, int64_t stride_a, int64_t b, int64_t stride_b, int64_t count) {
    broadcast_row(left + a, stride_a, right + b, stride_b, y + at, count, f);
  });
  return {};
}

/** step(how to read the next sixteen, how to write them) over [0, count), for kernels whose arithmetic
 * costs more than asking each operand for its dtype. */
template <typename Step>
void in_lanes(const KernelCall& call, int64_t count, Step step) {
  in_pieces(call.pool, count, kElements, [=](int64_t begin, int64_t end, void*) {
    int64_t at = begin;
    for (; at + kLanes16 <= end; at += kLanes16) {
      step(
          [=](const Source& from) {
            return from.half ? load16(from.halves() + at) : load16(from.floats() + at);
          },
          [=](const Sink& to, Lanes16 value) {
            to.half ? store16(to.halves() + at, value) : store16(to.floats() + at, value);
          });
    }
    const int64_t rest = end - at;
    if (!rest) return;
    step(
        [=](const Source& from) {
          return from.half ? load_some(from.halves() + at, rest) : load_some(from.floats() + at, rest);
        },
        [=](const Sink& to, Lanes16 value) {
          to.half ? store_some(to.halves() + at, value, rest) : store_some(to.floats() + at, value, rest);
        });
  });
}

// gelu(x) = x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3); or x/2 (1 + erf(x / sqrt(2)))
constexpr float kGeluScale = 0.7978845608028654f, kGeluCube = 0.044715f;
constexpr float kInverseSqrt2 = 0.7071067811865476f, kInverseSqrt2Pi = 0.3989422804014327f;

template <typename To, typename From, typename F>
Status convert(const KernelCall& call, F f) {
  const From* x = static_cast<const From*>(call.in[0].data);
  To* y = static_cast<To*>(call.out[0].data);
  in_pieces(call.pool, call.out[0].count(), kElements, [=](int64_t begin, int64_t end, void*) {
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) y[i] = f(x[i]);
  });
  return {};
}

}  // namespace

Status kernel_neg(const KernelCall& call) {
  return map(call, [](float x) { return -x; });
}
Status kernel_exp(const KernelCall& call) {
  return map(call, [](float x) { return exp_f32(x); });
}
Status kernel_log(const KernelCall& call) {
  return map(call, [](float x) { return log_f32(x); });
}
Status kernel_sqrt(const KernelCall& call) {
  return map(call, [](float x) { return std::sqrt(x); });
}
Status kernel_rsqrt(const KernelCall& call) {
  return map(call, [](float x) { return 1.0f / std::sqrt(x); });
}
Status kernel_reciprocal(const KernelCall& call) {
  return map(call, [](float x) { return 1.0f / x; });
}
Status kernel_square(const KernelCall& call) {
  return map(call, [](float x) { return x * x; });
}
Status kernel_tanh(const KernelCall& call) {
  return map(call, [](float x) { return tanh_f32(x); });
}
Status kernel_sigmoid(const KernelCall& call) {
  return map(call, [](float x) { return sigmoid_f32(x); });
}
Status kernel_relu(const KernelCall& call) {
  return map(call, [](float x) { return x < 0 ? 0.0f : x; });
}
Status kernel_silu(const KernelCall& call) {
  return map(call, [](float x) { return x * sigmoid_f32(x); });
}

Status kernel_silu_grad(const KernelCall& call) {
  return map2(call, [](float dy, float x) {
    const float s = sigmoid_f32(x);
    return dy * s * (1.0f + x * (1.0f - s));
  });
}

Status kernel_relu_grad(const KernelCall& call) {
  return map2(call, [](float dy, float x) { return x > 0 ? dy : 0.0f; });
}

Status kernel_gelu(const KernelCall& call) {
  if (call.integer("tanh")) {
    return map(
        call, [](float x) { return 0.5f * x * (1.0f + tanh_f32(kGeluScale * (x + kGeluCube * x * x * x))); });
  }
  return map(call, [](float x) { return 0.5f * x * (1.0f + erf_f32(x * kInverseSqrt2)); });
}

Status kernel_gelu_grad(const KernelCall& call) {
  if (call.integer("tanh")) {
    return map2(call, [](float dy, float x) {
      const float t = tanh_f32(kGeluScale * (x + kGeluCube * x * x * x));
      const float slope = kGeluScale * (1.0f + 3.0f * kGeluCube * x * x);
      return dy * (0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * slope);
    });
  }
  return map2(call, [](float dy, float x) {
    return dy * (0.5f * (1.0f + erf_f32(x * kInverseSqrt2)) + x * kInverseSqrt2Pi * exp_f32(-0.5f * x * x));
  });
}

Status kernel_affine(const KernelCall& call) {
  const float scale = call.real("scale"), shift = call.real("shift");
  return map(call, [=](float x) { return x * scale + shift; });
}

Status kernel_clamp(const KernelCall& call) {
  const float least = call.real("min"), most = call.real("max");
  return map(call, [=](float x) {
    const float raised = x < least ? least : x;
    return raised > most ? most : raised;
  });
}

Status kernel_clamp_grad(const KernelCall& call) {
  const float least = call.real("min"), most = call.real("max");
  return map2(call, [=](float dy, float x) { return x >= least && x <= most ? dy : 0.0f; });
}

Status kernel_cast(const KernelCall& call) {
  const DType from = call.in[0].dtype, to = call.out[0].dtype;
  if (to == DType::bf16 || from == DType::bf16) return map(call, [](float x) { return x; });
  if (from == DType::i32)
    return convert<float, int32_t>(call, [](int32_t x) { return static_cast<float>(x); });
  return convert<int32_t, float>(call, [](float x) { return static_cast<int32_t>(x); });
}

Status kernel_add(const KernelCall& call) {
  return binary(call, [](float a, float b) { return a + b; });
}
Status kernel_sub(const KernelCall& call) {
  return binary(call, [](float a, float b) { return a - b; });
}
Status kernel_mul(const KernelCall& call) {
  return binary(call, [](float a, float b) { return a * b; });
}
Status kernel_div(const KernelCall& call) {
  return binary(call, [](float a, float b) { return a / b; });
}

// NaN in either operand gives NaN, as in NumPy and PyTorch
Status kernel_maximum(const KernelCall& call) {
  return binary(call, [](float a, float b) { return a > b || a != a ? a : b; });
}
Status kernel_minimum(const KernelCall& call) {
  return binary(call, [](float a, float b) { return a < b || a != a ? a : b; });
}

Status kernel_not_equal(const KernelCall& call) {
  return compare(call, [](auto a, auto b) { return a != b ? 1.0f : 0.0f; });
}
Status kernel_greater(const KernelCall& call) {
  return compare(call, [](auto a, auto b) { return a > b ? 1.0f : 0.0f; });
}

Status kernel_silu_mul(const KernelCall& call) {
  const Source gate(call.in[0]), up(call.in[1]);
  const Sink y(call.out[0]);
  in_lanes(call, call.out[0].count(), [=](auto read, auto write) {
    const Lanes16 g = read(gate);
    write(y, g * sigmoid16(g) * read(up));
  });
  return {};
}

Status kernel_silu_mul_grad(const KernelCall& call) {
  const Source dy(call.in[0]), gate(call.in[1]), up(call.in[2]);
  const Sink dgate(call.out[0]), dup(call.out[1]);
  in_lanes(call, call.in[0].count(), [=](auto read, auto write) {
    const Lanes16 d = read(dy), g = read(gate), s = sigmoid16(g);
    write(dup, d * g * s);
    write(dgate, d * read(up) * s * (1.0f + g * (1.0f - s)));
  });
  return {};
}

bool all_finite(const Tensor& tensor, ThreadPool& pool) {
  if (tensor.dtype != DType::f32 && tensor.dtype != DType::bf16) return true;
  std::atomic<bool> bad{false};
  in_pieces(pool, tensor.count(), kElements, [&](int64_t begin, int64_t end, void*) {
    uint32_t found = 0;
    if (tensor.dtype == DType::f32) {
      const uint32_t* x = static_cast<const uint32_t*>(tensor.data);
      for (int64_t i = begin; i < end; i++) found |= (x[i] & 0x7f800000u) == 0x7f800000u;
    } else {
      const uint16_t* x = static_cast<const uint16_t*>(tensor.data);
      for (int64_t i = begin; i < end; i++) found |= (x[i] & 0x7f80u) == 0x7f80u;
    }
    if (found) bad.store(true, std::memory_order_relaxed);
  });
  return !bad.load();
}

}  // namespace sluice::cpu::SLUICE_ISA
