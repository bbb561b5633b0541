// y [...,N] = sum_i a_i op(b_i) (+ bias) (+ addend): products whose sum is rounded once and goes to memory
// once. Where the machine multiplies bf16 a tile is summed in registers, elsewhere in the cache.
#include "../../../core/op-table.h"
#include "bf16.h"
#include "kernels.h"
#include "product.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

struct MatmulSum {
  GemmTerm terms[kMostProductTerms];
  GemmSum whole;
  int64_t depth = 0;  // of all
  DType operands;

  explicit MatmulSum(const KernelCall& call) {
    const Tensor &addend = call.in[0], &bias = call.in[1], &y = call.out[0];
    const auto& trans_b = call.op.attribute("trans_b").integers;
    operands = call.in[2].dtype;
    whole.m = y.shape.rows(), whole.n = y.shape.last();
    for (; whole.count < static_cast<int>(trans_b.size()); whole.count++) {
      const Tensor &a = call.in[2 + 2 * whole.count], &b = call.in[3 + 2 * whole.count];
      GemmTerm& term = terms[whole.count];
      term.trans_b = trans_b[static_cast<size_t>(whole.count)] != 0;
      term.k = term.lda = a.shape.last();
      term.a = a.data;
      term.b = b.data, term.ldb = b.shape.last();
      depth += term.k;
    }
    whole.bias = bias ? bias.f32() : nullptr;
    whole.addend = addend ? addend.f32() : nullptr, whole.ld_addend = whole.n;
    whole.c = y.data, whole.ldc = whole.n;
    whole.result = y.dtype;
  }

  /** The tile that starts at (row, column); its terms lie in `own`. */
  GemmSum part(int64_t row, int64_t column, const Tiles& tiles, GemmTerm* own) const {
    GemmSum part = whole;
    part.m = std::min(tiles.m, whole.m - row), part.n = std::min(tiles.n, whole.n - column);
    for (int i = 0; i < whole.count; i++) {
      own[i] = terms[i];
      own[i].a = advance(own[i].a, operands, row * own[i].lda);
      own[i].b = advance(own[i].b, operands, own[i].trans_b ? column * own[i].ldb : column);
    }
    part.terms = own;
    if (part.bias) part.bias += column;
    if (part.addend) part.addend += row * part.ld_addend + column;
    part.c = advance(part.c, part.result, row * part.ldc + column);
    return part;
  }
};

/** One product after the other into f32 beside c, then what is added to them. */
[[maybe_unused]] void sum_aside(const GemmSum& sum, DType operands, Gemm gemm, void* workspace) {
  float* aside = static_cast<float*>(workspace);
  GemmCall product;
  product.m = sum.m, product.n = sum.n;
  product.operands = operands;
  product.c = aside, product.ldc = sum.n;
  for (int i = 0; i < sum.count; i++) {
    const GemmTerm& term = sum.terms[i];
    product.trans_b = term.trans_b;
    product.k = term.k;
    product.a = term.a, product.lda = term.lda;
    product.b = term.b, product.ldb = term.ldb;
    if (term.k == 0) continue;
    multiply(gemm, product, workspace);
    product.accumulate = true;
  }
  if (!product.accumulate) std::fill(aside, aside + sum.m * sum.n, 0.0f);
  for (int64_t i = 0; i < sum.m; i++) {
    float* row = aside + i * sum.n;
    void* to = advance(sum.c, sum.result, i * sum.ldc);
    const float* addend = sum.addend ? sum.addend + i * sum.ld_addend : nullptr;
    float* out = sum.result == DType::f32 ? static_cast<float*>(to) : row;
    for (int64_t j = 0; sum.bias && j < sum.n; j++) row[j] += sum.bias[j];
    if (addend) {
#pragma omp simd
      for (int64_t j = 0; j < sum.n; j++) out[j] = row[j] + addend[j];
    } else if (out != row) {
      std::copy(row, row + sum.n, out);
    }
    if (sum.result == DType::bf16) narrow(row, static_cast<uint16_t*>(to), sum.n);
  }
}

}  // namespace

Status kernel_matmul_sum(const KernelCall& call) {
  const MatmulSum sum(call);
  const GemmSum& whole = sum.whole;
  if (whole.m == 0 || whole.n == 0) return {};
  const bool in_registers = kMultipliesBf16 && sum.operands == DType::bf16;
  const Tiles tiles = in_registers ? Tiles::of_bf16(whole.m, whole.n, sum.depth, call.pool.threads())
                                   : Tiles(whole.m, whole.n, sum.depth);
  const int64_t down = Tiles::count(whole.m, tiles.m), across = Tiles::count(whole.n, tiles.n);
  call.pool.run(down * across, [&](int64_t piece, void* workspace) {
    GemmTerm own[kMostProductTerms];
    const GemmSum part = sum.part(piece % down * tiles.m, piece / down * tiles.n, tiles, own);
#if defined(__AVX512BF16__)
    if (in_registers) return bf16_gemm_sum(part, workspace);
#endif
    sum_aside(part, sum.operands, call.gemm, workspace);
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
