// The built-in matrix product of one thread: blocks of b and a are packed into panels that stay in the cache,
// and a register tile of kRows x kColumns accumulates over the block's depth. Used where there is no oneDNN
// or BLAS, and with ENGINE_MATMUL=builtin.
#include <cstring>

#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kRows = 12;  // 24 accumulators, 2 of b, 1 of a: within 32 registers
#elif defined(__AVX__)
constexpr int kLanes = 8, kRows = 6;  // 12 + 2 + 1 of 16
#elif defined(__aarch64__)
constexpr int kLanes = 4, kRows = 8;  // 16 + 2 + 1 of 32
#else
constexpr int kLanes = 4, kRows = 4;
#endif
constexpr int kColumns = 2 * kLanes;

// packed b: kDepth x kWide floats (512 KiB); packed a: kDepth x kTall (192 KiB)
constexpr int64_t kDepth = 256, kWide = 512, kTall = 192;
static_assert((kDepth * kWide + kDepth * kTall) * 4 <= (int64_t{1} << 20));

using Vector [[gnu::vector_size(kLanes * 4), gnu::aligned(4), gnu::may_alias]] = float;
struct Register {
  typedef float Type __attribute__((vector_size(kLanes * 4)));
};
using Lanes = Register::Type;

inline Lanes load(const float* from) { return (Lanes)(*reinterpret_cast<const Vector*>(from)); }

/** c[kRows, kColumns] += a b over `depth`, a packed [depth, kRows], b packed [depth, kColumns]. */
inline __attribute__((always_inline)) void tile(int64_t depth, const float* __restrict a,
                                                const float* __restrict b, Lanes (&sum)[kRows][2]) {
  for (int i = 0; i < kRows; i++) sum[i][0] = sum[i][1] = Lanes{};
  for (int64_t k = 0; k < depth; k++, a += kRows, b += kColumns) {
    const Lanes b0 = load(b), b1 = load(b + kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; i++) {
      const Lanes each = a[i] - Lanes{};
      sum[i][0] += each * b0;
      sum[i][1] += each * b1;
    }
  }
}

void multiply_panels(int64_t depth, const float* a, const float* b, float* c, int64_t ldc, int64_t rows,
                     int64_t columns, bool accumulate) {
  Lanes sum[kRows][2];
  tile(depth, a, b, sum);
  if (rows == kRows && columns == kColumns) {
    for (int i = 0; i < kRows; i++) {
      for (int j = 0; j < 2; j++) {
        Vector* to = reinterpret_cast<Vector*>(c + i * ldc + j * kLanes);
        *to = accumulate ? (Vector)(*to + sum[i][j]) : (Vector)sum[i][j];
      }
    }
    return;
  }
  float edge[kRows][kColumns];
  std::memcpy(edge, sum, sizeof edge);
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++)
      c[i * ldc + j] = accumulate ? c[i * ldc + j] + edge[i][j] : edge[i][j];
  }
}

/** to [panels, depth, kWidth] from x[k * k_stride + i * i_stride], zero past `count`. */
template <int kWidth>
void pack(const float* x, int64_t k_stride, int64_t i_stride, int64_t depth, int64_t count, float* to) {
  for (int64_t first = 0; first < count; first += kWidth, to += depth * kWidth) {
    const float* from = x + first * i_stride;
    const int width = static_cast<int>(std::min<int64_t>(kWidth, count - first));
    if (width < kWidth) std::memset(to, 0, static_cast<size_t>(depth * kWidth) * sizeof(float));
    if (i_stride == 1) {
      for (int64_t k = 0; k < depth; k++) {
        for (int i = 0; i < width; i++) to[k * kWidth + i] = from[k * k_stride + i];
      }
    } else {
      for (int i = 0; i < width; i++) {
        for (int64_t k = 0; k < depth; k++) to[k * kWidth + i] = from[k * k_stride + i * i_stride];
      }
    }
  }
}

}  // namespace

void builtin_gemm(const GemmCall& call, void* workspace) {
  float* packed_b = reinterpret_cast<float*>(static_cast<char*>(workspace) + kTileBytes);
  float* packed_a = packed_b + kDepth * kWide;
  const float *a = static_cast<const float*>(call.a), *b = static_cast<const float*>(call.b);
  float* c = static_cast<float*>(call.c);
  const int64_t a_row = call.trans_a ? 1 : call.lda, a_depth = call.trans_a ? call.lda : 1;
  const int64_t b_depth = call.trans_b ? 1 : call.ldb, b_column = call.trans_b ? call.ldb : 1;
  if (call.k == 0 && !call.accumulate) {
    for (int64_t i = 0; i < call.m; i++) std::fill(c + i * call.ldc, c + i * call.ldc + call.n, 0.0f);
  }
  for (int64_t column = 0; column < call.n; column += kWide) {
    const int64_t wide = std::min(kWide, call.n - column);
    for (int64_t depth = 0; depth < call.k; depth += kDepth) {
      const int64_t deep = std::min(kDepth, call.k - depth);
      const bool accumulate = call.accumulate || depth > 0;
      pack<kColumns>(b + depth * b_depth + column * b_column, b_depth, b_column, deep, wide, packed_b);
      for (int64_t row = 0; row < call.m; row += kTall) {
        const int64_t tall = std::min(kTall, call.m - row);
        pack<kRows>(a + row * a_row + depth * a_depth, a_depth, a_row, deep, tall, packed_a);
        for (int64_t j = 0; j < wide; j += kColumns) {
          for (int64_t i = 0; i < tall; i += kRows) {
            multiply_panels(deep, packed_a + i * deep, packed_b + j * deep,
                            c + (row + i) * call.ldc + column + j, call.ldc,
                            std::min<int64_t>(kRows, tall - i), std::min<int64_t>(kColumns, wide - j),
                            accumulate);
          }
        }
      }
    }
  }
}

}  // namespace sluice::cpu::SLUICE_ISA
