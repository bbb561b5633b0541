// Rows by number. Numbers come from data, so they are checked before anything is read through them.
#include <cstring>

#include "floats.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

/** Fails naming the first index outside [least, size). */
Status check_indices(const Tensor& index, int64_t least, int64_t size, const char* what) {
  const int32_t* at = index.i32();
  const int64_t count = index.count();
  bool bad = false;
  for (int64_t i = 0; i < count; i++) bad |= at[i] < least || at[i] >= size;
  for (int64_t i = 0; bad && i < count; i++) {
    if (at[i] < least || at[i] >= size) {
      return Status::error(format("%s %d at position %lld lies outside 0 .. %lld", what, at[i],
                                  static_cast<long long>(i), static_cast<long long>(size - 1)));
    }
  }
  return {};
}

constexpr int64_t kRowRange = 256;  // rows of the result that one piece owns when rows are added up

/** y[index[i]] += x[i] in the order of i, y zero at first unless it is `kept`; each piece owns a range of y's
 * rows and looks at every index. */
void add_rows(ThreadPool& pool, const Source& x, const int32_t* index, int64_t count, float* y, int64_t rows,
              int64_t width, bool kept = false) {
  const int64_t range = std::max<int64_t>(kRowRange, (rows + 63) / 64);
  in_pieces(pool, rows, range, [=](int64_t begin, int64_t end, void*) {
    if (!kept) std::memset(y + begin * width, 0, static_cast<size_t>((end - begin) * width) * sizeof(float));
    for (int64_t i = 0; i < count; i++) {
      if (index[i] < begin || index[i] >= end) continue;
      in_stages(0, width, [&](int64_t first, int64_t some) {
        float stage[kStage];
        const float* from = x.read(i * width + first, some, stage);
        float* to = y + index[i] * width + first;
#pragma GCC ivdep
        for (int64_t j = 0; j < some; j++) to[j] += from[j];
      });
    }
  });
}

/** y[i] = x[index[i]], zeros for -1. */
void copy_rows(ThreadPool& pool, const char* x, const int32_t* index, int64_t count, char* y, int64_t bytes) {
  in_pieces(pool, count, rows_per_piece(bytes / 4), [=](int64_t begin, int64_t end, void*) {
    for (int64_t i = begin; i < end; i++) {
      if (index[i] < 0)
        std::memset(y + i * bytes, 0, static_cast<size_t>(bytes));
      else
        std::memcpy(y + i * bytes, x + index[i] * bytes, static_cast<size_t>(bytes));
    }
  });
}

int64_t row_width(const Tensor& x) { return x.shape.product(1, x.shape.rank); }

}  // namespace

Status kernel_embedding(const KernelCall& call) {
  const Tensor &weight = call.in[0], &ids = call.in[1];
  if (Status status = check_indices(ids, 0, weight.shape[0], "id"); !status.ok()) return status;
  const int64_t width = weight.shape[1];
  if (weight.dtype == call.out[0].dtype) {
    copy_rows(call.pool, static_cast<const char*>(weight.data), ids.i32(), ids.count(),
              static_cast<char*>(call.out[0].data), width * size_of(weight.dtype));
    return {};
  }
  const Source from(weight);
  const Sink to(call.out[0]);
  in_pieces(call.pool, ids.count(), rows_per_piece(width), [=, &ids](int64_t begin, int64_t end, void*) {
    for (int64_t i = begin; i < end; i++) {
      in_stages(0, width, [&](int64_t first, int64_t some) {
        float read[kStage], written[kStage];
        const float* x = from.read(ids.i32()[i] * width + first, some, read);
        std::copy(x, x + some, to.open(i * width + first, written));
        to.close(i * width + first, some, written);
      });
    }
  });
  return {};
}

Status kernel_embedding_grad(const KernelCall& call) {
  const int64_t rows = call.integer("rows");
  if (Status status = check_indices(call.in[1], 0, rows, "id"); !status.ok()) return status;
  add_rows(call.pool, Source(call.in[0]), call.in[1].i32(), call.in[1].count(), call.out[0].f32(), rows,
           call.out[0].shape[1]);
  return {};
}

Status kernel_accumulate_embedding_grad(const KernelCall& call) {
  const Tensor &sum = call.in[0], &ids = call.in[2];
  if (Status status = check_indices(ids, 0, sum.shape[0], "id"); !status.ok()) return status;
  add_rows(call.pool, Source(call.in[1]), ids.i32(), ids.count(), sum.f32(), sum.shape[0], sum.shape[1],
           true);
  return {};
}

Status kernel_gather_rows(const KernelCall& call) {
  const Tensor &x = call.in[0], &index = call.in[1];
  if (Status status = check_indices(index, -1, x.shape[0], "index"); !status.ok()) return status;
  copy_rows(call.pool, static_cast<const char*>(x.data), index.i32(), index.count(),
            static_cast<char*>(call.out[0].data), row_width(x) * size_of(x.dtype));
  return {};
}

Status kernel_scatter_add_rows(const KernelCall& call) {
  const int64_t rows = call.integer("rows");
  if (Status status = check_indices(call.in[1], -1, rows, "index"); !status.ok()) return status;
  add_rows(call.pool, Source(call.in[0]), call.in[1].i32(), call.in[1].count(), call.out[0].f32(), rows,
           row_width(call.in[0]));
  return {};
}

Status kernel_take_along(const KernelCall& call) {
  const int64_t size = call.in[0].shape.last(), k = call.in[1].shape.last();
  if (Status status = check_indices(call.in[1], 0, size, "index"); !status.ok()) return status;
  const uint32_t* x = static_cast<const uint32_t*>(call.in[0].data);
  const int32_t* index = call.in[1].i32();
  uint32_t* y = static_cast<uint32_t*>(call.out[0].data);
  in_pieces(call.pool, call.in[1].shape.rows(), rows_per_piece(k), [=](int64_t begin, int64_t end, void*) {
    for (int64_t row = begin; row < end; row++) {
      for (int64_t j = 0; j < k; j++) y[row * k + j] = x[row * size + index[row * k + j]];
    }
  });
  return {};
}

Status kernel_take_along_grad(const KernelCall& call) {
  const int64_t size = call.integer("size"), k = call.in[1].shape.last();
  if (Status status = check_indices(call.in[1], 0, size, "index"); !status.ok()) return status;
  const float* dy = call.in[0].f32();
  const int32_t* index = call.in[1].i32();
  float* dx = call.out[0].f32();
  in_pieces(call.pool, call.in[1].shape.rows(), rows_per_piece(size), [=](int64_t begin, int64_t end, void*) {
    std::memset(dx + begin * size, 0, static_cast<size_t>((end - begin) * size) * sizeof(float));
    for (int64_t row = begin; row < end; row++) {
      for (int64_t j = 0; j < k; j++) dx[row * size + index[row * k + j]] += dy[row * k + j];
    }
  });
  return {};
}

Status kernel_one_hot(const KernelCall& call) {
  const int64_t depth = call.integer("depth");
  const int32_t* index = call.in[0].i32();
  float* y = call.out[0].f32();
  in_pieces(call.pool, call.in[0].count(), rows_per_piece(depth), [=](int64_t begin, int64_t end, void*) {
    std::memset(y + begin * depth, 0, static_cast<size_t>((end - begin) * depth) * sizeof(float));
    for (int64_t i = begin; i < end; i++) {
      if (index[i] >= 0 && index[i] < depth) y[i * depth + index[i]] = 1.0f;
    }
  });
  return {};
}

/** Insertion into a sorted list of k: fine for the small k of routing and sampling. */
Status kernel_topk(const KernelCall& call) {
  const int64_t size = call.in[0].shape.last(), k = call.integer("k");
  const float* x = call.in[0].f32();
  float* values = call.out[0].f32();
  int32_t* indices = call.out[1].i32();
  in_pieces(call.pool, call.in[0].shape.rows(), rows_per_piece(size), [=](int64_t begin, int64_t end, void*) {
    for (int64_t row = begin; row < end; row++) {
      const float* from = x + row * size;
      float* value = values + row * k;
      int32_t* index = indices + row * k;
      int64_t held = 0;
      for (int64_t i = 0; i < size; i++) {
        if (held == k && !(from[i] > value[k - 1])) continue;
        int64_t at = held < k ? held++ : k - 1;
        for (; at > 0 && from[i] > value[at - 1]; at--) {
          value[at] = value[at - 1];
          index[at] = index[at - 1];
        }
        value[at] = from[i];
        index[at] = static_cast<int32_t>(i);
      }
    }
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
