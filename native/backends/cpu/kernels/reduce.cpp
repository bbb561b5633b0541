// Reductions. Sums accumulate in f64; the order is fixed by the shapes alone.
#include <cstring>

#include "../../../core/scratch.h"
#include "floats.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

double sum_of(const float* x, int64_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < count; i++) total += x[i];
  return total;
}

/** In lanes that are added in order at the end: one running sum would wait for itself. */
double squares_of(const float* x, int64_t count) {
  constexpr int64_t lanes = 32;
  double sums[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
#pragma omp simd
    for (int64_t lane = 0; lane < lanes; lane++) {
      const double value = x[i + lane];
      sums[lane] += value * value;
    }
  }
  for (; i < count; i++) sums[i % lanes] += static_cast<double>(x[i]) * x[i];
  double total = 0;
  for (double sum : sums) total += sum;
  return total;
}

float max_of(const float* x, int64_t count) {
  float most = -INFINITY;
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < count; i++) most = x[i] > most ? x[i] : most;
  return most;
}

/** The walk over one tensor's kept and reduced axes, neighbours of one kind merged. */
struct Walk {
  int kept = 0, reduced = 0;
  int64_t kept_size[Shape::kMaxRank], kept_stride[Shape::kMaxRank];
  int64_t reduced_size[Shape::kMaxRank], reduced_stride[Shape::kMaxRank];
  bool inner_kept = false;

  Walk(const Shape& shape, uint32_t axes) {
    int64_t stride = shape.count();
    int last = -1;  // 1: reduced, 0: kept
    for (int i = 0; i < shape.rank; i++) {
      const int64_t size = shape.dims[i];
      if (size == 1) continue;
      stride /= size;
      const int kind = axes >> i & 1;
      int& count = kind ? reduced : kept;
      int64_t* sizes = kind ? reduced_size : kept_size;
      int64_t* strides = kind ? reduced_stride : kept_stride;
      if (kind != last) sizes[count++] = 1;
      sizes[count - 1] *= size;
      strides[count - 1] = stride;
      last = kind;
    }
    inner_kept = last == 0;
  }

  static int64_t offset(int64_t index, int count, const int64_t* sizes, const int64_t* strides) {
    int64_t at = 0;
    for (int i = count - 1; i >= 0; i--) {
      at += index % sizes[i] * strides[i];
      index /= sizes[i];
    }
    return at;
  }
  static int64_t product(int count, const int64_t* sizes) {
    int64_t total = 1;
    for (int i = 0; i < count; i++) total *= sizes[i];
    return total;
  }
};

constexpr int64_t kColumns = 64;  // of one piece where the innermost axis is kept

struct Split {
  int64_t outer, size, inner;
  Split(const Shape& shape, int64_t axis) {
    const int at = static_cast<int>(axis < 0 ? axis + shape.rank : axis);
    outer = shape.product(0, at);
    size = shape.dims[at];
    inner = shape.product(at + 1, shape.rank);
  }
};

template <typename F>
Status rows(const KernelCall& call, F row) {
  const int64_t width = call.in[0].shape.last(), count = call.in[0].shape.rows();
  in_pieces(call.pool, count, rows_per_piece(width), [&](int64_t begin, int64_t end, void*) {
    for (int64_t i = begin; i < end; i++) row(i * width, width);
  });
  return {};
}

}  // namespace

Status kernel_sum(const KernelCall& call) {
  const Shape& shape = call.in[0].shape;
  const float* x = call.in[0].f32();
  float* y = call.out[0].f32();
  const int64_t outputs = call.out[0].count();
  if (shape.count() == 0) {
    std::fill(y, y + outputs, 0.0f);
    return {};
  }
  uint32_t axes = 0;
  for (int64_t axis : call.op.attribute("axes").integers) axes |= 1u << (axis < 0 ? axis + shape.rank : axis);
  const Walk walk(shape, axes);
  if (walk.inner_kept) {
    // y[outer, column] = sum over the reduced axes of x[.., column]
    const int64_t columns = walk.kept_size[walk.kept - 1], blocks = (columns + kColumns - 1) / kColumns;
    const int64_t steps = Walk::product(walk.reduced, walk.reduced_size);
    call.pool.run(outputs / columns * blocks, [&](int64_t piece, void*) {
      const int64_t outer = piece / blocks, first = piece % blocks * kColumns;
      const int64_t count = std::min(kColumns, columns - first);
      const float* base = x + first + Walk::offset(outer, walk.kept - 1, walk.kept_size, walk.kept_stride);
      double total[kColumns] = {};
      for (int64_t step = 0; step < steps; step++) {
        const float* from = base + Walk::offset(step, walk.reduced, walk.reduced_size, walk.reduced_stride);
        for (int64_t i = 0; i < count; i++) total[i] += from[i];
      }
      for (int64_t i = 0; i < count; i++) y[outer * columns + first + i] = static_cast<float>(total[i]);
    });
    return {};
  }
  const int64_t run = walk.reduced ? walk.reduced_size[walk.reduced - 1] : 1;
  const int64_t steps = walk.reduced ? Walk::product(walk.reduced - 1, walk.reduced_size) : 1;
  in_pieces(call.pool, outputs, rows_per_piece(run * steps), [&](int64_t begin, int64_t end, void*) {
    for (int64_t i = begin; i < end; i++) {
      const float* base = x + Walk::offset(i, walk.kept, walk.kept_size, walk.kept_stride);
      double total = 0;
      for (int64_t step = 0; step < steps; step++) {
        total +=
            sum_of(base + Walk::offset(step, walk.reduced - 1, walk.reduced_size, walk.reduced_stride), run);
      }
      y[i] = static_cast<float>(total);
    }
  });
  return {};
}

Status kernel_max(const KernelCall& call) {
  const Split split(call.in[0].shape, call.integer("axis"));
  const float* x = call.in[0].f32();
  float* y = call.out[0].f32();
  in_pieces(call.pool, split.outer * split.inner, rows_per_piece(split.size),
            [&](int64_t begin, int64_t end, void*) {
              for (int64_t i = begin; i < end; i++) {
                const float* from = x + i / split.inner * split.size * split.inner + i % split.inner;
                float most = from[0];
                // a NaN, once met, stays
                for (int64_t j = 1; j < split.size; j++) {
                  const float value = from[j * split.inner];
                  most = value > most || value != value ? value : most;
                }
                y[i] = most;
              }
            });
  return {};
}

Status kernel_argmax(const KernelCall& call) {
  const Split split(call.in[0].shape, call.integer("axis"));
  const float* x = call.in[0].f32();
  int32_t* y = call.out[0].i32();
  in_pieces(call.pool, split.outer * split.inner, rows_per_piece(split.size),
            [&](int64_t begin, int64_t end, void*) {
              for (int64_t i = begin; i < end; i++) {
                const float* from = x + i / split.inner * split.size * split.inner + i % split.inner;
                int64_t best = 0;
                for (int64_t j = 1; j < split.size; j++) {
                  if (from[j * split.inner] > from[best * split.inner]) best = j;
                }
                y[i] = static_cast<int32_t>(best);
              }
            });
  return {};
}

Status kernel_softmax(const KernelCall& call) {
  const float* x = call.in[0].f32();
  float* y = call.out[0].f32();
  return rows(call, [=](int64_t at, int64_t width) {
    const float most = max_of(x + at, width);
    const float shift = most == -INFINITY ? 0.0f : most;
    double total = 0;
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) y[at + i] = exp_f32(x[at + i] - shift);
    total = sum_of(y + at, width);
    const float scale = static_cast<float>(1.0 / total);
    for (int64_t i = 0; i < width; i++) y[at + i] *= scale;
  });
}

Status kernel_softmax_grad(const KernelCall& call) {
  const float *dy = call.in[0].f32(), *y = call.in[1].f32();
  float* dx = call.out[0].f32();
  return rows(call, [=](int64_t at, int64_t width) {
    double dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t i = 0; i < width; i++) dot += static_cast<double>(dy[at + i]) * y[at + i];
    const float shift = static_cast<float>(dot);
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) dx[at + i] = y[at + i] * (dy[at + i] - shift);
  });
}

Status kernel_log_softmax(const KernelCall& call) {
  const float* x = call.in[0].f32();
  float* y = call.out[0].f32();
  return rows(call, [=](int64_t at, int64_t width) {
    const float most = max_of(x + at, width);
    const float shift = most == -INFINITY ? 0.0f : most;
    double total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < width; i++) total += exp_f32(x[at + i] - shift);
    const float lse = shift + static_cast<float>(std::log(total));
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) y[at + i] = x[at + i] - lse;
  });
}

Status kernel_log_softmax_grad(const KernelCall& call) {
  const float *dy = call.in[0].f32(), *y = call.in[1].f32();
  float* dx = call.out[0].f32();
  return rows(call, [=](int64_t at, int64_t width) {
    const float total = static_cast<float>(sum_of(dy + at, width));
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) dx[at + i] = dy[at + i] - exp_f32(y[at + i]) * total;
  });
}

Status kernel_sum_squares(const KernelCall& call) {
  double* partial = static_cast<double*>(call.scratch);
  int64_t pieces = 0;
  for (int input = 0; input < call.inputs; input++) {
    const Source x(call.in[input]);
    double* into = partial + pieces;
    in_pieces(call.pool, call.in[input].count(), scratch::kSumPiece, [=](int64_t begin, int64_t end, void*) {
      double total = 0;
      float stage[kStage];
      if (x.half)
        in_stages(begin, end,
                  [&](int64_t at, int64_t some) { total += squares_of(x.read(at, some, stage), some); });
      else
        total = squares_of(x.read(begin, end - begin, stage), end - begin);
      into[begin / scratch::kSumPiece] = total;
    });
    pieces += scratch::pieces(call.in[input].count(), scratch::kSumPiece);
  }
  double total = 0;
  for (int64_t i = 0; i < pieces; i++) total += partial[i];
  call.out[0].f32()[0] = static_cast<float>(total);
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
