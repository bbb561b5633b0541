// The product for programs whose rows are independent: every element is summed in an order that follows from
// the inner size alone. Where b lies in rows (trans_b) see row-product.h; the built-in product serves the
// rest, for it too adds in one order whatever the number of rows.
#include "row-product.h"

namespace sluice::cpu::SLUICE_ISA {

void row_gemm(const GemmCall& call, void* workspace) {
  if (call.trans_a || !call.trans_b) return builtin_gemm(call, workspace);
  RowProduct product;
  product.m = call.m, product.n = call.n, product.k = call.k;
  product.x = static_cast<const float*>(call.a), product.ldx = call.lda;
  product.y = static_cast<float*>(call.c), product.ldy = call.ldc;
  product.accumulate = call.accumulate;
  const FloatRows rows{static_cast<const float*>(call.b), call.ldb};
  row_product(product, rows, 0, call.n, static_cast<char*>(workspace) + kTileBytes,
              static_cast<int64_t>(ThreadPool::kWorkspaceBytes) - kTileBytes);
}

float read_sum(const float* from, int64_t count) {
  Lanes16 sums[4] = {};
  for (int64_t i = 0; i + 4 * kLanes16 <= count; i += 4 * kLanes16) {
#pragma GCC unroll 4
    for (int64_t j = 0; j < 4; j++) sums[j] += load16(from + i + j * kLanes16);
  }
  return total16((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/** x [M,K] times the rows of w [N,K], f32 or bf16: for few rows of x, independent ones, or wide x and narrow
 * w. */
void row_matmul(const KernelCall& call) {
  const Tensor &x = call.in[0], &w = call.in[1], &y = call.out[0];
  RowProduct product;
  product.m = x.shape.rows(), product.n = w.shape[0], product.k = w.shape[1];
  product.x = x.f32(), product.ldx = product.k;
  product.y = y.f32(), product.ldy = product.n;
  product.bias = call.inputs > 2 && call.in[2] ? call.in[2].f32() : nullptr;
  if (w.dtype == DType::bf16) {
    const BfloatRows rows{static_cast<const uint16_t*>(w.data), product.k};
    return spread_row_product(call.pool, product, rows, product.k * 2);
  }
  spread_row_product(call.pool, product, FloatRows{w.f32(), product.k}, product.k * 4);
}

}  // namespace sluice::cpu::SLUICE_ISA
