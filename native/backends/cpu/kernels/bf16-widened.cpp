// The bf16 matrix product of one thread where the machine does not multiply bf16: blocks are widened and the
// f32 product does the work.
#if !defined(__AVX512BF16__)

#include <algorithm>

#include "../../../core/op-table.h"
#include "bf16.h"
#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kTall = 264, kWide = 512;  // of a block of c

/** [kTall, kWide] */
float* block_of_c(void* workspace) {
  return reinterpret_cast<float*>(static_cast<char*>(workspace) + kTileBytes);
}

const uint16_t* half(const void* data) { return static_cast<const uint16_t*>(data); }

/** Elements [first, first + count) by [depth, depth + deep) of an operand as f32, rows kept as rows. */
const float* widen_block(const uint16_t* x, int64_t ld, bool depth_in_rows, int64_t first, int64_t depth,
                         int64_t count, int64_t deep, float* to) {
  const int64_t rows = depth_in_rows ? deep : count, width = depth_in_rows ? count : deep;
  x += depth_in_rows ? depth * ld + first : first * ld + depth;
  for (int64_t i = 0; i < rows; i++) widen(x + i * ld, to + i * width, width);
  return to;
}

/** A block of bf16 results: summed as f32, then narrowed. */
void narrow_blocks(const GemmCall& call, void* workspace, Gemm f32) {
  for (int64_t row = 0; row < call.m; row += kTall) {
    for (int64_t column = 0; column < call.n; column += kWide) {
      GemmCall part = call;
      part.m = std::min(kTall, call.m - row), part.n = std::min(kWide, call.n - column);
      part.a = half(call.a) + (call.trans_a ? row : row * call.lda);
      part.b = half(call.b) + (call.trans_b ? column * call.ldb : column);
      part.c = block_of_c(workspace), part.ldc = kWide;
      part.result = DType::f32;
      if (call.bias) part.bias += column;
      bf16_gemm(part, workspace, f32);
      for (int64_t i = 0; i < part.m; i++) {
        narrow(block_of_c(workspace) + i * kWide,
               static_cast<uint16_t*>(call.c) + (row + i) * call.ldc + column, part.n);
      }
    }
  }
}

}  // namespace

void bf16_gemm(const GemmCall& call, void* workspace, Gemm f32) {
  if (call.result == DType::bf16) return narrow_blocks(call, workspace, f32);
  constexpr int64_t kDepth = 256;
  float* wide_a = block_of_c(workspace) + kTall * kWide;
  float* wide_b = wide_a + kTall * kDepth;
  // the f32 product packs behind its own tile bytes: its workspace begins so much later
  void* rest = static_cast<char*>(workspace) + 4 * (kTall * kWide + kTall * kDepth + kDepth * kWide);
  for (int64_t row = 0; row < call.m; row += kTall) {
    for (int64_t column = 0; column < call.n; column += kWide) {
      for (int64_t depth = 0; depth == 0 || depth < call.k; depth += kDepth) {
        GemmCall part = call;
        part.operands = DType::f32;
        part.m = std::min(kTall, call.m - row), part.n = std::min(kWide, call.n - column);
        part.k = std::min(kDepth, call.k - depth);
        part.a = widen_block(half(call.a), call.lda, call.trans_a, row, depth, part.m, part.k, wide_a);
        part.b = widen_block(half(call.b), call.ldb, !call.trans_b, column, depth, part.n, part.k, wide_b);
        part.lda = call.trans_a ? part.m : part.k;
        part.ldb = call.trans_b ? part.k : part.n;
        float* c = static_cast<float*>(call.c) + row * call.ldc + column;
        part.c = c;
        part.bias = nullptr;
        for (int64_t i = 0; call.bias && depth == 0 && i < part.m; i++) {
          for (int64_t j = 0; j < part.n; j++)
            c[i * call.ldc + j] = call.bias[column + j] + (call.accumulate ? c[i * call.ldc + j] : 0.0f);
        }
        part.accumulate = call.accumulate || call.bias || depth > 0;
        f32(part, rest);
      }
    }
  }
}

}  // namespace sluice::cpu::SLUICE_ISA

#endif
