// Norms over the last axis, H wide, one row after the other.
//   rms:    rstd = 1/sqrt(mean(x^2) + eps), y = x rstd w
//           dx = rstd (g - xhat mean(g xhat)), g = dy w, xhat = x rstd; dw = sum over rows of dy xhat
//   layer:  as rms with x - mean, and dx also loses mean(g); dbias = sum over rows of dy
// Weight gradients are summed per piece of kNormPiece rows, then over the pieces in order.
#include <cstring>

#include "../../../core/scratch.h"
#include "floats.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

/** Sum of up * (weight + offset) * from. A function, for inside the loop over rows the compiler leaves it
 * scalar. */
float weighted_dot(const float* up, const float* weight, float offset, const float* from, int64_t width) {
  float dot = 0;
#pragma omp simd reduction(+ : dot)
  for (int64_t i = 0; i < width; i++) dot += up[i] * (weight[i] + offset) * from[i];
  return dot;
}

/** One row each of up to three bf16 tensors, in the thread's workspace. */
struct Rows {
  float *first, *second, *third;
  Rows(void* workspace, int64_t width)
      : first(static_cast<float*>(workspace)), second(first + width), third(second + width) {}
};
constexpr int64_t kWidest = kTileBytes / 4 / 3;

Status check_width(const KernelCall& call, const Tensor& x) {
  bool half = false;
  for (int i = 0; i < call.inputs; i++) half |= call.in[i].dtype == DType::bf16;
  half |= call.out[0].dtype == DType::bf16;
  if (!half || x.shape.last() <= kWidest) return {};
  return Status::error(format("bf16 rows may be %lld wide", static_cast<long long>(kWidest)));
}

/** to[i] = sum over pieces of partial[piece * step + i]. */
void add_pieces(ThreadPool& pool, const float* partial, int64_t pieces, int64_t step, float* to,
                int64_t width) {
  in_pieces(pool, width, 256, [=](int64_t begin, int64_t end, void*) {
    for (int64_t i = begin; i < end; i++) {
      double total = 0;
      for (int64_t piece = 0; piece < pieces; piece++) total += partial[piece * step + i];
      to[i] = static_cast<float>(total);
    }
  });
}

}  // namespace

Status kernel_rms_norm(const KernelCall& call) {
  const Tensor& in = call.in[0];
  if (Status status = check_width(call, in); !status.ok()) return status;
  const int64_t width = in.shape.last();
  const Source x(in);
  const Sink y(call.out[0]);
  const float* weight = call.in[1].f32();
  float* rstd = call.out[1].f32();
  const double eps = call.op.attribute("eps").real;
  const float offset = call.real("weight_offset");
  in_pieces(call.pool, in.shape.rows(), rows_per_piece(width), [=](int64_t begin, int64_t end, void* space) {
    const Rows rows(space, width);
    for (int64_t row = begin; row < end; row++) {
      const float* from = x.read(row * width, width, rows.first);
      float* to = y.open(row * width, rows.second);
      double squares = 0;
#pragma omp simd reduction(+ : squares)
      for (int64_t i = 0; i < width; i++) squares += static_cast<double>(from[i]) * from[i];
      const float scale = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(width) + eps));
      rstd[row] = scale;
      for (int64_t i = 0; i < width; i++) to[i] = from[i] * scale * (weight[i] + offset);
      y.close(row * width, width, rows.second);
    }
  });
  return {};
}

Status kernel_rms_norm_grad(const KernelCall& call) {
  const Tensor& in = call.in[1];
  const int64_t width = in.shape.last(), rows = in.shape.rows();
  if (Status status = check_width(call, in); !status.ok()) return status;
  const Source dy(call.in[0]), x(in);
  const Sink dx(call.out[0]);
  const float *weight = call.in[2].f32(), *rstd = call.in[3].f32();
  float* dweight = call.out[1] ? call.out[1].f32() : nullptr;
  float* partial = static_cast<float*>(call.scratch);
  const float offset = call.real("weight_offset");
  in_pieces(call.pool, rows, scratch::kNormPiece, [=](int64_t begin, int64_t end, void* space) {
    const Rows at(space, width);
    float* sum = partial + begin / scratch::kNormPiece * width;
    if (dweight) std::memset(sum, 0, static_cast<size_t>(width) * sizeof(float));
    for (int64_t row = begin; row < end; row++) {
      const float* from = x.read(row * width, width, at.first);
      const float* up = dy.read(row * width, width, at.second);
      float* to = dx.open(row * width, at.third);
      const float scale = rstd[row];
      const float dot = weighted_dot(up, weight, offset, from, width);
      const float pull = dot * scale * scale / static_cast<float>(width);
      if (dweight) {
#pragma GCC ivdep
        for (int64_t i = 0; i < width; i++) sum[i] += up[i] * from[i] * scale;
      }
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) to[i] = scale * (up[i] * (weight[i] + offset) - from[i] * pull);
      dx.close(row * width, width, at.third);
    }
  });
  if (dweight)
    add_pieces(call.pool, partial, scratch::pieces(rows, scratch::kNormPiece), width, dweight, width);
  return {};
}

Status kernel_layer_norm(const KernelCall& call) {
  const Tensor& in = call.in[0];
  const int64_t width = in.shape.last();
  if (Status status = check_width(call, in); !status.ok()) return status;
  const Source x(in);
  const Sink y(call.out[0]);
  const float* weight = call.in[1].f32();
  const float* bias = call.in[2] ? call.in[2].f32() : nullptr;
  float *mean = call.out[1].f32(), *rstd = call.out[2].f32();
  const double eps = call.op.attribute("eps").real;
  in_pieces(call.pool, in.shape.rows(), rows_per_piece(width), [=](int64_t begin, int64_t end, void* space) {
    const Rows rows(space, width);
    for (int64_t row = begin; row < end; row++) {
      const float* from = x.read(row * width, width, rows.first);
      float* to = y.open(row * width, rows.second);
      double total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
      for (int64_t i = 0; i < width; i++) total += from[i];
      const double centre = total / static_cast<double>(width);
#pragma omp simd reduction(+ : squares)
      for (int64_t i = 0; i < width; i++) squares += (from[i] - centre) * (from[i] - centre);
      const float shift = static_cast<float>(centre);
      const float scale = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(width) + eps));
      mean[row] = shift;
      rstd[row] = scale;
      if (bias) {
        for (int64_t i = 0; i < width; i++) to[i] = (from[i] - shift) * scale * weight[i] + bias[i];
      } else {
        for (int64_t i = 0; i < width; i++) to[i] = (from[i] - shift) * scale * weight[i];
      }
      y.close(row * width, width, rows.second);
    }
  });
  return {};
}

Status kernel_layer_norm_grad(const KernelCall& call) {
  const Tensor& in = call.in[1];
  const int64_t width = in.shape.last(), rows = in.shape.rows();
  if (Status status = check_width(call, in); !status.ok()) return status;
  const Source dy(call.in[0]), x(in);
  const Sink dx(call.out[0]);
  const float *weight = call.in[2].f32(), *mean = call.in[3].f32(), *rstd = call.in[4].f32();
  float* dweight = call.out[1] ? call.out[1].f32() : nullptr;
  float* dbias = call.out[2] ? call.out[2].f32() : nullptr;
  float* partial = static_cast<float*>(call.scratch);  // [pieces, 2, width]
  in_pieces(call.pool, rows, scratch::kNormPiece, [=](int64_t begin, int64_t end, void* space) {
    const Rows at(space, width);
    float* sum = partial + begin / scratch::kNormPiece * 2 * width;
    float* sum_bias = sum + width;
    std::memset(sum, 0, static_cast<size_t>(2 * width) * sizeof(float));
    for (int64_t row = begin; row < end; row++) {
      const float* from = x.read(row * width, width, at.first);
      const float* up = dy.read(row * width, width, at.second);
      float* to = dx.open(row * width, at.third);
      const float scale = rstd[row], shift = mean[row];
      float dot = 0, total = 0;
#pragma omp simd reduction(+ : dot, total)
      for (int64_t i = 0; i < width; i++) {
        const float g = up[i] * weight[i];
        total += g;
        dot += g * (from[i] - shift);
      }
      const float pull = dot * scale * scale / static_cast<float>(width);
      const float centre = total / static_cast<float>(width);
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) {
        sum[i] += up[i] * (from[i] - shift) * scale;
        sum_bias[i] += up[i];
      }
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++)
        to[i] = scale * (up[i] * weight[i] - centre - (from[i] - shift) * pull);
      dx.close(row * width, width, at.third);
    }
  });
  const int64_t pieces = scratch::pieces(rows, scratch::kNormPiece);
  if (dweight) add_pieces(call.pool, partial, pieces, 2 * width, dweight, width);
  if (dbias) add_pieces(call.pool, partial + width, pieces, 2 * width, dbias, width);
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
