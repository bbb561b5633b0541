// Ops that only move elements, of any dtype.
#include <cstring>

#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

struct Axes {
  int rank = 0;
  int64_t size[Shape::kMaxRank], from[Shape::kMaxRank], to[Shape::kMaxRank];  // element strides
};

/** The output's axes with both strides, merged where they are neighbours on both sides. */
Axes transposed_axes(const Shape& x, const std::vector<int64_t>& perm) {
  int64_t stride[Shape::kMaxRank], step = 1;
  for (int i = x.rank - 1; i >= 0; i--) {
    stride[i] = step;
    step *= x.dims[i];
  }
  Axes axes;
  for (int i = 0; i < x.rank; i++) {
    const int64_t size = x.dims[perm[i]], from = stride[perm[i]];
    if (size == 1) continue;
    if (axes.rank && axes.from[axes.rank - 1] == from * size) {
      axes.size[axes.rank - 1] *= size;
      axes.from[axes.rank - 1] = from;
    } else {
      axes.size[axes.rank] = size;
      axes.from[axes.rank++] = from;
    }
  }
  for (int64_t i = axes.rank - 1, to = 1; i >= 0; i--) {
    axes.to[i] = to;
    to *= axes.size[i];
  }
  return axes;
}

/** y[i, j] = x[j, i] for one plane, in tiles that keep both sides' lines in the cache. */
template <typename T>
void transpose_plane(const T* x, T* y, int64_t rows, int64_t columns, int64_t row_from, int64_t row_to,
                     int64_t column_from, int64_t column_to) {
  constexpr int64_t kTile = 16;
  for (int64_t i = 0; i < rows; i += kTile) {
    for (int64_t j = 0; j < columns; j += kTile) {
      const int64_t last_row = std::min(rows, i + kTile), last_column = std::min(columns, j + kTile);
      for (int64_t r = i; r < last_row; r++) {
        for (int64_t c = j; c < last_column; c++)
          y[r * row_to + c * column_to] = x[r * row_from + c * column_from];
      }
    }
  }
}

template <typename T>
void transpose(const KernelCall& call) {
  const Axes axes = transposed_axes(call.in[0].shape, call.op.attribute("perm").integers);
  const T* x = static_cast<const T*>(call.in[0].data);
  T* y = static_cast<T*>(call.out[0].data);
  const int64_t count = call.in[0].count();
  if (!count) return;
  if (axes.rank == 0) {
    *y = *x;
    return;
  }
  const int last = axes.rank - 1;
  int inner = last;  // the axis that is innermost in x
  for (int i = 0; i < axes.rank; i++) {
    if (axes.from[i] == 1) inner = i;
  }
  // planes: all axes but the innermost of either side
  int64_t planes = 1;
  for (int i = 0; i < axes.rank; i++) planes *= i == last || i == inner ? 1 : axes.size[i];
  // large planes are cut along x's innermost axis
  const int64_t rows = inner == last ? 1 : axes.size[inner];
  const int64_t rows_each =
      std::max<int64_t>(16, kElements / std::max<int64_t>(1, axes.size[last]) / 16 * 16);
  const int64_t cuts = (rows + rows_each - 1) / rows_each;
  const int64_t planes_each = std::max<int64_t>(1, kElements / (std::min(rows, rows_each) * axes.size[last]));
  in_pieces(call.pool, planes * cuts, cuts > 1 ? 1 : planes_each, [&](int64_t begin, int64_t end, void*) {
    for (int64_t piece = begin; piece < end; piece++) {
      int64_t plane = piece / cuts, from = 0, to = 0;
      for (int i = axes.rank - 1; i >= 0; i--) {
        if (i == last || i == inner) continue;
        from += plane % axes.size[i] * axes.from[i];
        to += plane % axes.size[i] * axes.to[i];
        plane /= axes.size[i];
      }
      if (inner == last) {
        std::memcpy(y + to, x + from, static_cast<size_t>(axes.size[last]) * sizeof(T));
        continue;
      }
      const int64_t first = piece % cuts * rows_each;
      transpose_plane(x + from + first, y + to + first * axes.to[inner], std::min(rows_each, rows - first),
                      axes.size[last], 1, axes.to[inner], axes.from[last], 1);
    }
  });
}

struct Run {  // a tensor seen as [outer, bytes]
  int64_t outer, bytes;
  Run(const Tensor& tensor, int64_t axis) {
    const int at = static_cast<int>(axis);
    outer = tensor.shape.product(0, at);
    bytes = tensor.shape.product(at, tensor.shape.rank) * size_of(tensor.dtype);
  }
};

/** Copies `bytes` of each of `outer` runs, the starts of which lie `from_step` and `to_step` bytes apart. */
void copy_runs(ThreadPool& pool, const char* from, int64_t from_step, char* to, int64_t to_step,
               int64_t outer, int64_t bytes) {
  if (!bytes || !outer) return;
  constexpr int64_t kCopy = 1 << 17;
  const int64_t cuts = (bytes + kCopy - 1) / kCopy;
  in_pieces(pool, outer * cuts, cuts > 1 ? 1 : std::max<int64_t>(1, kCopy / bytes),
            [=](int64_t begin, int64_t end, void*) {
              for (int64_t i = begin; i < end; i++) {
                const int64_t at = i % cuts * kCopy;
                std::memcpy(to + i / cuts * to_step + at, from + i / cuts * from_step + at,
                            static_cast<size_t>(std::min(kCopy, bytes - at)));
              }
            });
}

char* bytes_of(const Tensor& tensor) { return static_cast<char*>(tensor.data); }

void zero(ThreadPool& pool, char* data, int64_t bytes) {
  in_pieces(pool, bytes, 1 << 17, [=](int64_t begin, int64_t end, void*) {
    std::memset(data + begin, 0, static_cast<size_t>(end - begin));
  });
}

template <typename T>
void expand(const KernelCall& call) {
  const Shape &in = call.in[0].shape, &out = call.out[0].shape;
  int64_t stride[Shape::kMaxRank], step = 1;
  for (int i = out.rank - 1, j = in.rank - 1; i >= 0; i--, j--) {
    stride[i] = j < 0 || in.dims[j] == 1 ? 0 : step;
    if (j >= 0) step *= in.dims[j];
  }
  const T* x = static_cast<const T*>(call.in[0].data);
  T* y = static_cast<T*>(call.out[0].data);
  const int64_t width = out.last(), last = out.rank ? stride[out.rank - 1] : 0;
  in_pieces(call.pool, out.rows(), rows_per_piece(width), [&](int64_t begin, int64_t end, void*) {
    for (int64_t row = begin; row < end; row++) {
      int64_t rest = row, from = 0;
      for (int i = out.rank - 2; i >= 0; i--) {
        from += rest % out.dims[i] * stride[i];
        rest /= out.dims[i];
      }
      if (last)
        std::memcpy(y + row * width, x + from, static_cast<size_t>(width) * sizeof(T));
      else
        std::fill(y + row * width, y + (row + 1) * width, x[from]);
    }
  });
}

/** Calls f with a value of the unsigned type that is as wide as the dtype. */
template <typename F>
Status by_width(DType dtype, F f) {
  if (size_of(dtype) == 4)
    f(uint32_t{});
  else if (size_of(dtype) == 2)
    f(uint16_t{});
  else
    f(uint8_t{});
  return {};
}

}  // namespace

Status kernel_transpose(const KernelCall& call) {
  return by_width(call.in[0].dtype, [&](auto type) { transpose<decltype(type)>(call); });
}

Status kernel_slice(const KernelCall& call) {
  const int64_t axis = call.integer("axis");
  const Run from(call.in[0], axis), to(call.out[0], axis);
  const int64_t size = call.in[0].shape.dims[axis];
  const int64_t skip = size ? from.bytes / size * call.integer("start") : 0;
  copy_runs(call.pool, bytes_of(call.in[0]) + skip, from.bytes, bytes_of(call.out[0]), to.bytes, to.outer,
            to.bytes);
  return {};
}

Status kernel_pad(const KernelCall& call) {
  const int64_t axis = call.integer("axis");
  const Run from(call.in[0], axis), to(call.out[0], axis);
  const int64_t size = call.out[0].shape.dims[axis];
  zero(call.pool, bytes_of(call.out[0]), to.outer * to.bytes);
  const int64_t skip = size ? to.bytes / size * call.integer("before") : 0;
  copy_runs(call.pool, bytes_of(call.in[0]), from.bytes, bytes_of(call.out[0]) + skip, to.bytes, from.outer,
            from.bytes);
  return {};
}

Status kernel_concat(const KernelCall& call) {
  const int64_t axis = call.integer("axis");
  const Run to(call.out[0], axis);
  int64_t at = 0;
  for (int i = 0; i < call.inputs; i++) {
    const Run from(call.in[i], axis);
    copy_runs(call.pool, bytes_of(call.in[i]), from.bytes, bytes_of(call.out[0]) + at, to.bytes, to.outer,
              from.bytes);
    at += from.bytes;
  }
  return {};
}

Status kernel_expand(const KernelCall& call) {
  if (!call.out[0].count()) return {};
  return by_width(call.in[0].dtype, [&](auto type) { expand<decltype(type)>(call); });
}

Status kernel_full(const KernelCall& call) {
  const Tensor& y = call.out[0];
  const double value = call.op.attribute("value").real;
  uint32_t bits = 0;
  if (y.dtype == DType::f32 || y.dtype == DType::bf16) {
    const float number = static_cast<float>(value);
    std::memcpy(&bits, &number, 4);
    // round to nearest even; a NaN keeps its upper half
    if (y.dtype == DType::bf16)
      bits = number != number ? bits >> 16 : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  } else {
    bits = y.dtype == DType::u8 ? static_cast<uint8_t>(value)
                                : static_cast<uint32_t>(static_cast<int32_t>(value));
  }
  return by_width(y.dtype, [&](auto type) {
    using T = decltype(type);
    T* data = static_cast<T*>(y.data);
    in_pieces(call.pool, y.count(), kElements, [=](int64_t begin, int64_t end, void*) {
      std::fill(data + begin, data + end, static_cast<T>(bits));
    });
  });
}

}  // namespace sluice::cpu::SLUICE_ISA
