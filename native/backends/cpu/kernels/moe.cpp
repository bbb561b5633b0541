// Mixture of experts: sort slots by expert, gather tokens, combine the experts' rows. Slot t*K+j is choice j
// of token t.
#include <cstring>
#include <vector>

#include "floats.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

Status check_rows(const Tensor& index, int64_t rows, const char* what) {
  const int32_t* at = index.i32();
  for (int64_t i = 0; i < index.count(); i++) {
    if (at[i] < -1 || at[i] >= rows) {
      return Status::error(format("%s %d at position %lld lies outside -1 .. %lld", what, at[i],
                                  static_cast<long long>(i), static_cast<long long>(rows - 1)));
    }
  }
  return {};
}

/** y[t] = sum over the k choices j of token t of weights[t,j] (or 1) * rows[inverse[t*k+j]]. */
void add_choices(const KernelCall& call, const Source& rows, const int32_t* inverse, const float* weights,
                 int64_t k, int64_t width) {
  const Sink y(call.out[0]);
  in_pieces(call.pool, call.out[0].shape[0], rows_per_piece(width * k),
            [=](int64_t begin, int64_t end, void*) {
              for (int64_t token = begin; token < end; token++) {
                in_stages(0, width, [&](int64_t first, int64_t some) {
                  float read[kStage], written[kStage];
                  float* to = y.open(token * width + first, written);
                  std::fill(to, to + some, 0.0f);
                  for (int64_t j = 0; j < k; j++) {
                    const int64_t row = inverse[token * k + j];
                    if (row < 0) continue;
                    const float weight = weights ? weights[token * k + j] : 1.0f;
                    const float* from = rows.read(row * width + first, some, read);
#pragma GCC ivdep
                    for (int64_t i = 0; i < some; i++) to[i] += weight * from[i];
                  }
                  y.close(token * width + first, some, written);
                });
              }
            });
}

}  // namespace

/** A counting sort: stable, so that slots of one expert keep their order. */
Status kernel_moe_dispatch(const KernelCall& call) {
  const int32_t* expert = call.in[0].i32();
  const int64_t slots = call.in[0].count(), experts = call.integer("experts");
  if (Status status = check_rows(call.in[0], experts, "expert"); !status.ok()) return status;
  int32_t *order = call.out[0].i32(), *inverse = call.out[1].i32(), *offsets = call.out[2].i32();
  std::fill(offsets, offsets + experts + 1, 0);
  for (int64_t slot = 0; slot < slots; slot++) {
    if (expert[slot] >= 0) offsets[expert[slot] + 1]++;
  }
  for (int64_t e = 0; e < experts; e++) offsets[e + 1] += offsets[e];
  std::vector<int32_t> next(offsets, offsets + experts);
  std::fill(order + offsets[experts], order + slots, -1);
  for (int64_t slot = 0; slot < slots; slot++) {
    inverse[slot] = expert[slot] < 0 ? -1 : next[static_cast<size_t>(expert[slot])]++;
    if (inverse[slot] >= 0) order[inverse[slot]] = static_cast<int32_t>(slot);
  }
  return {};
}

Status kernel_moe_gather(const KernelCall& call) {
  const int64_t k = call.integer("k"), width = call.in[0].shape[1];
  if (Status status = check_rows(call.in[1], call.in[0].shape[0] * k, "slot"); !status.ok()) return status;
  const char* x = static_cast<const char*>(call.in[0].data);
  const int32_t* order = call.in[1].i32();
  char* y = static_cast<char*>(call.out[0].data);
  const int64_t bytes = width * size_of(call.in[0].dtype);
  in_pieces(call.pool, call.in[1].count(), rows_per_piece(width), [=](int64_t begin, int64_t end, void*) {
    for (int64_t row = begin; row < end; row++) {
      if (order[row] < 0)
        std::memset(y + row * bytes, 0, static_cast<size_t>(bytes));
      else
        std::memcpy(y + row * bytes, x + order[row] / k * bytes, static_cast<size_t>(bytes));
    }
  });
  return {};
}

Status kernel_moe_gather_grad(const KernelCall& call) {
  const int64_t k = call.integer("k"), width = call.in[0].shape[1];
  if (Status status = check_rows(call.in[1], call.in[0].shape[0], "row"); !status.ok()) return status;
  add_choices(call, Source(call.in[0]), call.in[1].i32(), nullptr, k, width);
  return {};
}

Status kernel_moe_combine(const KernelCall& call) {
  const int64_t width = call.in[0].shape[1], k = call.in[2].shape[1];
  if (Status status = check_rows(call.in[1], call.in[0].shape[0], "row"); !status.ok()) return status;
  add_choices(call, Source(call.in[0]), call.in[1].i32(), call.in[2].f32(), k, width);
  return {};
}

Status kernel_moe_combine_grad(const KernelCall& call) {
  const int64_t width = call.in[1].shape[1], k = call.in[3].shape[1];
  const int64_t row_count = call.in[1].shape[0], slots = call.in[2].count();
  if (Status status = check_rows(call.in[2], row_count, "row"); !status.ok()) return status;
  if (Status status = check_rows(call.in[4], slots, "slot"); !status.ok()) return status;
  const Source dy(call.in[0]), rows(call.in[1]);
  const Sink drows(call.out[0]);
  const float* weights = call.in[3].f32();
  const int32_t *inverse = call.in[2].i32(), *order = call.in[4].i32();
  float* dweights = call.out[1].f32();
  in_pieces(call.pool, row_count, rows_per_piece(width), [=](int64_t begin, int64_t end, void*) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t slot = order[row];
      const float weight = slot < 0 ? 0.0f : weights[slot];
      in_stages(0, width, [&](int64_t first, int64_t some) {
        float read[kStage], written[kStage];
        const float* from = dy.read((slot < 0 ? 0 : slot / k) * width + first, some, read);
        float* to = drows.open(row * width + first, written);
        if (slot < 0) {
          std::fill(to, to + some, 0.0f);
        } else {
#pragma GCC ivdep
          for (int64_t i = 0; i < some; i++) to[i] = weight * from[i];
        }
        drows.close(row * width + first, some, written);
      });
    }
  });
  in_pieces(call.pool, slots, rows_per_piece(width), [=](int64_t begin, int64_t end, void*) {
    for (int64_t slot = begin; slot < end; slot++) {
      float dot = 0;
      in_stages(0, inverse[slot] < 0 ? 0 : width, [&](int64_t first, int64_t some) {
        float read_up[kStage], read_row[kStage];
        const float* up = dy.read(slot / k * width + first, some, read_up);
        const float* from = rows.read(inverse[slot] * width + first, some, read_row);
        float total = 0;
#pragma omp simd reduction(+ : total)
        for (int64_t i = 0; i < some; i++) total += up[i] * from[i];
        dot += total;
      });
      dweights[slot] = dot;
    }
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
