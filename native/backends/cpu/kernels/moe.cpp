// Mixture of experts: sort slots by expert, gather tokens, combine the experts' rows. Slot t*K+j is choice j
// of token t.
#include <cstring>
#include <vector>

#include "kernels.h"

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
  const float* x = call.in[0].f32();
  const int32_t* order = call.in[1].i32();
  float* y = call.out[0].f32();
  in_pieces(call.pool, call.in[1].count(), rows_per_piece(width), [=](int64_t begin, int64_t end, void*) {
    const size_t bytes = static_cast<size_t>(width) * sizeof(float);
    for (int64_t row = begin; row < end; row++) {
      if (order[row] < 0)
        std::memset(y + row * width, 0, bytes);
      else
        std::memcpy(y + row * width, x + order[row] / k * width, bytes);
    }
  });
  return {};
}

Status kernel_moe_gather_grad(const KernelCall& call) {
  const int64_t k = call.integer("k"), width = call.in[0].shape[1];
  if (Status status = check_rows(call.in[1], call.in[0].shape[0], "row"); !status.ok()) return status;
  const float* dy = call.in[0].f32();
  const int32_t* inverse = call.in[1].i32();
  float* dx = call.out[0].f32();
  in_pieces(call.pool, call.out[0].shape[0], rows_per_piece(width * k),
            [=](int64_t begin, int64_t end, void*) {
              for (int64_t token = begin; token < end; token++) {
                float* to = dx + token * width;
                std::memset(to, 0, static_cast<size_t>(width) * sizeof(float));
                for (int64_t j = 0; j < k; j++) {
                  const int64_t row = inverse[token * k + j];
                  if (row < 0) continue;
                  const float* from = dy + row * width;
#pragma GCC ivdep
                  for (int64_t i = 0; i < width; i++) to[i] += from[i];
                }
              }
            });
  return {};
}

Status kernel_moe_combine(const KernelCall& call) {
  const int64_t width = call.in[0].shape[1], k = call.in[2].shape[1];
  if (Status status = check_rows(call.in[1], call.in[0].shape[0], "row"); !status.ok()) return status;
  const float *rows = call.in[0].f32(), *weights = call.in[2].f32();
  const int32_t* inverse = call.in[1].i32();
  float* y = call.out[0].f32();
  in_pieces(call.pool, call.out[0].shape[0], rows_per_piece(width * k),
            [=](int64_t begin, int64_t end, void*) {
              for (int64_t token = begin; token < end; token++) {
                float* to = y + token * width;
                std::memset(to, 0, static_cast<size_t>(width) * sizeof(float));
                for (int64_t j = 0; j < k; j++) {
                  const int64_t row = inverse[token * k + j];
                  if (row < 0) continue;
                  const float weight = weights[token * k + j];
                  const float* from = rows + row * width;
#pragma GCC ivdep
                  for (int64_t i = 0; i < width; i++) to[i] += weight * from[i];
                }
              }
            });
  return {};
}

Status kernel_moe_combine_grad(const KernelCall& call) {
  const int64_t width = call.in[1].shape[1], k = call.in[3].shape[1];
  const int64_t row_count = call.in[1].shape[0], slots = call.in[2].count();
  if (Status status = check_rows(call.in[2], row_count, "row"); !status.ok()) return status;
  if (Status status = check_rows(call.in[4], slots, "slot"); !status.ok()) return status;
  const float *dy = call.in[0].f32(), *rows = call.in[1].f32(), *weights = call.in[3].f32();
  const int32_t *inverse = call.in[2].i32(), *order = call.in[4].i32();
  float *drows = call.out[0].f32(), *dweights = call.out[1].f32();
  in_pieces(call.pool, row_count, rows_per_piece(width), [=](int64_t begin, int64_t end, void*) {
    for (int64_t row = begin; row < end; row++) {
      const int64_t slot = order[row];
      const float weight = slot < 0 ? 0.0f : weights[slot];
      const float* from = dy + (slot < 0 ? 0 : slot / k) * width;
      float* to = drows + row * width;
      if (slot < 0) std::memset(to, 0, static_cast<size_t>(width) * sizeof(float));
#pragma GCC ivdep
      for (int64_t i = 0; slot >= 0 && i < width; i++) to[i] = weight * from[i];
    }
  });
  in_pieces(call.pool, slots, rows_per_piece(width), [=](int64_t begin, int64_t end, void*) {
    for (int64_t slot = begin; slot < end; slot++) {
      const float *up = dy + slot / k * width, *from = rows + std::max(0, inverse[slot]) * width;
      float dot = 0;
      if (inverse[slot] >= 0) {
#pragma omp simd reduction(+ : dot)
        for (int64_t i = 0; i < width; i++) dot += up[i] * from[i];
      }
      dweights[slot] = dot;
    }
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
