// Products of random shapes on memory of exactly their size, against plain sums: built with sanitizers for
// one instruction set (SLUICE_ISA) by native/sanitize-products.sh. Operands are multiples of 1/16 up to 2, so
// that f32 sums are exact.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "native/backends/cpu/kernels/kernels.h"
#include "native/backends/cpu/kernels/quantized-rows.h"
#include "native/backends/cpu/kernels/row-product.h"
#include "native/core/op-table.h"
#include "native/program/quantize-rows.h"
#include "native/program/stored-floats.h"

using namespace sluice;
using namespace sluice::cpu;
using namespace sluice::cpu::SLUICE_ISA;

namespace {

std::mt19937 random_bits(7);
int failures = 0;

int64_t below(int64_t bound) { return static_cast<int64_t>(random_bits() % static_cast<uint64_t>(bound)); }
bool coin() { return below(2) == 1; }

/** Often a few, sometimes dozens, else up to `most`. */
int64_t size_up_to(int64_t most) {
  const int64_t kind = below(4);
  return 1 + below(kind == 0 ? 8 : kind == 1 ? 40 : most);
}

std::vector<float> numbers(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(below(65) - 32) / 16;
  return values;
}

std::vector<uint16_t> halves(const std::vector<float>& values) {
  std::vector<uint16_t> narrow(values.size());
  to_bf16(values.data(), narrow.data(), static_cast<int64_t>(values.size()));
  return narrow;
}

float widened(uint16_t half) {
  float value;
  to_f32(StoredType::bf16, reinterpret_cast<const std::byte*>(&half), &value, 1);
  return value;
}

void expect(double got, double wanted, double tolerance, const char* what, int64_t m, int64_t n, int64_t k) {
  if (std::fabs(got - wanted) <= tolerance) return;
  if (++failures <= 10)
    std::printf("%s %ld x %ld x %ld: %g, expected %g\n", what, static_cast<long>(m), static_cast<long>(n),
                static_cast<long>(k), got, wanted);
}

void bf16_product(bool deep, void* workspace) {
  GemmCall call;
  call.operands = DType::bf16;
  call.m = deep ? size_up_to(40) : size_up_to(560), call.n = deep ? size_up_to(40) : size_up_to(560);
  call.k = deep ? 2000 + below(2400) : size_up_to(300);
  call.trans_a = coin(), call.trans_b = coin();
  call.result = coin() ? DType::bf16 : DType::f32;
  call.accumulate = call.result == DType::f32 && coin();
  const int64_t gap = below(3) ? 0 : below(7);
  const int64_t rows_a = call.trans_a ? call.k : call.m, columns_a = call.trans_a ? call.m : call.k;
  const int64_t rows_b = call.trans_b ? call.n : call.k, columns_b = call.trans_b ? call.k : call.n;
  call.lda = columns_a + gap, call.ldb = columns_b + gap, call.ldc = call.n;
  const std::vector<float> a = numbers((rows_a - 1) * call.lda + columns_a);
  const std::vector<float> b = numbers((rows_b - 1) * call.ldb + columns_b), bias = numbers(call.n);
  const std::vector<uint16_t> narrow_a = halves(a), narrow_b = halves(b);
  std::vector<float> wide(static_cast<size_t>(call.m * call.n), 1.0f);
  std::vector<uint16_t> narrow(wide.size());
  call.a = narrow_a.data(), call.b = narrow_b.data();
  if (coin()) call.bias = bias.data();
  call.c = call.result == DType::f32 ? static_cast<void*>(wide.data()) : narrow.data();
  bf16_gemm(call, workspace, builtin_gemm);
  for (int sample = 0; sample < 60; sample++) {
    const int64_t i = below(call.m), j = below(call.n);
    double sum = (call.accumulate ? 1.0 : 0.0) + (call.bias ? bias[static_cast<size_t>(j)] : 0.0f);
    for (int64_t k = 0; k < call.k; k++) {
      sum += a[static_cast<size_t>(call.trans_a ? k * call.lda + i : i * call.lda + k)] *
             b[static_cast<size_t>(call.trans_b ? j * call.ldb + k : k * call.ldb + j)];
    }
    const size_t at = static_cast<size_t>(i * call.n + j);
    const bool is_narrow = call.result == DType::bf16;
    expect(is_narrow ? widened(narrow[at]) : wide[at], sum, is_narrow ? std::fabs(sum) / 256 : 0, "bf16",
           call.m, call.n, call.k);
  }
}

#if defined(__AVX512BF16__)
void bf16_sum(bool deep, void* workspace) {
  GemmSum call;
  call.m = size_up_to(deep ? 40 : 560), call.n = size_up_to(deep ? 40 : 560);
  call.count = static_cast<int>(1 + below(kMostProductTerms));
  call.result = coin() ? DType::bf16 : DType::f32;
  GemmTerm terms[kMostProductTerms];
  std::vector<float> a[kMostProductTerms], b[kMostProductTerms];
  std::vector<uint16_t> narrow_a[kMostProductTerms], narrow_b[kMostProductTerms];
  int64_t depth = 0;
  for (int i = 0; i < call.count; i++) {
    GemmTerm& term = terms[i];
    term.k = below(4) == 0 ? 0 : deep ? below(1500) : size_up_to(200);
    term.trans_b = coin();
    term.lda = term.k + (below(3) ? 0 : below(7)), term.ldb = (term.trans_b ? term.k : call.n) + below(3);
    a[i] = numbers(std::max<int64_t>(0, (call.m - 1) * term.lda + term.k));
    const int64_t rows_b = term.trans_b ? call.n : term.k, columns_b = term.trans_b ? term.k : call.n;
    b[i] = numbers(rows_b == 0 ? 0 : (rows_b - 1) * term.ldb + columns_b);
    narrow_a[i] = halves(a[i]), narrow_b[i] = halves(b[i]);
    term.a = narrow_a[i].data(), term.b = narrow_b[i].data();
    depth += term.k;
  }
  call.terms = terms;
  const std::vector<float> bias = numbers(call.n);
  call.ld_addend = call.n + below(3), call.ldc = call.n;
  const std::vector<float> addend = numbers(call.m * call.ld_addend);
  if (coin()) call.bias = bias.data();
  if (coin()) call.addend = addend.data();
  std::vector<float> wide(static_cast<size_t>(call.m * call.n), 1.0f);
  std::vector<uint16_t> narrow(wide.size());
  const bool is_narrow = call.result == DType::bf16;
  call.c = is_narrow ? static_cast<void*>(narrow.data()) : wide.data();
  bf16_gemm_sum(call, workspace);
  for (int sample = 0; sample < 60; sample++) {
    const int64_t i = below(call.m), j = below(call.n);
    double sum = (call.bias ? bias[static_cast<size_t>(j)] : 0.0f) +
                 (call.addend ? addend[static_cast<size_t>(i * call.ld_addend + j)] : 0.0f);
    for (int t = 0; t < call.count; t++) {
      for (int64_t k = 0; k < terms[t].k; k++)
        sum += a[t][static_cast<size_t>(i * terms[t].lda + k)] *
               b[t][static_cast<size_t>(terms[t].trans_b ? j * terms[t].ldb + k : k * terms[t].ldb + j)];
    }
    const size_t at = static_cast<size_t>(i * call.n + j);
    expect(is_narrow ? widened(narrow[at]) : wide[at], sum, is_narrow ? std::fabs(sum) / 256 : 0, "bf16 sum",
           call.m, call.n, depth);
  }
}
#endif

enum class Weights { f32, bf16, int8, nf4 };

/** Only that nothing beside the operands is touched: the values are checked by other tests. */
void quantized_rows(const RowProduct& call, const std::vector<float>& w, bool int8, void* workspace) {
  const QuantizedLayout layout(int8, call.k);
  std::vector<uint8_t> codes(static_cast<size_t>(call.n * layout.code_bytes), layout.zero);
  std::vector<float> scales(static_cast<size_t>(call.n * layout.scales));
  quantize_rows(layout, w.data(), call.n, codes.data(), scales.data());
  const int64_t padded = (call.k + 127) / 128 * 128;
  if (int8)
    row_product(call, Int8Rows{codes.data(), scales.data(), padded}, 0, call.n, workspace, kTileBytes);
  else
    row_product(call, Nf4Rows{codes.data(), scales.data(), padded}, 0, call.n, workspace, kTileBytes);
}

void product_of_rows(Weights held, void* workspace) {
  RowProduct call;
  call.m = size_up_to(90), call.n = size_up_to(200), call.k = size_up_to(700);
  call.ldx = call.k + (below(3) ? 0 : below(5)), call.ldy = call.n;
  const std::vector<float> x = numbers((call.m - 1) * call.ldx + call.k), w = numbers(call.n * call.k);
  const std::vector<float> bias = numbers(call.n);
  std::vector<float> y(static_cast<size_t>(call.m * call.n), 1.0f);
  call.x = x.data(), call.y = y.data();
  if (coin()) call.bias = bias.data();
  call.accumulate = coin();
  if (held == Weights::int8 || held == Weights::nf4)
    return quantized_rows(call, w, held == Weights::int8, workspace);
  const std::vector<uint16_t> narrow = halves(w);
  if (held == Weights::bf16)
    row_product(call, BfloatRows{narrow.data(), call.k}, 0, call.n, workspace, kTileBytes);
  else
    row_product(call, FloatRows{w.data(), call.k}, 0, call.n, workspace, kTileBytes);
  for (int sample = 0; sample < 40; sample++) {
    const int64_t i = below(call.m), j = below(call.n);
    double sum = (call.accumulate ? 1.0 : 0.0) + (call.bias ? bias[static_cast<size_t>(j)] : 0.0f);
    for (int64_t k = 0; k < call.k; k++)
      sum += x[static_cast<size_t>(i * call.ldx + k)] * w[static_cast<size_t>(j * call.k + k)];
    expect(y[static_cast<size_t>(i * call.n + j)], sum, 0, "rows", call.m, call.n, call.k);
  }
}

}  // namespace

int main() {
  void* workspace = std::aligned_alloc(64, ThreadPool::kWorkspaceBytes);
  for (int i = 0; i < 240; i++) bf16_product(i % 20 == 0, workspace);
#if defined(__AVX512BF16__)
  for (int i = 0; i < 240; i++) bf16_sum(i % 8 == 0, workspace);
#endif
  for (int i = 0; i < 200; i++) product_of_rows(static_cast<Weights>(i % 4), workspace);
  std::free(workspace);
  std::printf(
      "240 bf16 products, as many sums of them where a kernel makes such, and 200 of rows: %d wrong\n",
      failures);
  return failures == 0 ? 0 : 1;
}
