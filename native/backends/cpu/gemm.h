// One matrix product on the calling thread: c = op(a) op(b), or c += with accumulate. Row-major with row
// strides in elements. Operands are both f32 or both bf16; sums are f32 either way.
#pragma once

#include <cstdint>

#include "../../core/dtype.h"

namespace sluice::cpu {

struct GemmCall {
  bool trans_a = false, trans_b = false;
  int64_t m = 0, n = 0, k = 0;
  const void* a = nullptr;  // [m,k], or [k,m] with trans_a
  int64_t lda = 0;
  const void* b = nullptr;  // [k,n], or [n,k] with trans_b
  int64_t ldb = 0;
  void* c = nullptr;  // [m,n]
  int64_t ldc = 0;
  bool accumulate = false;      // f32 results only
  DType operands = DType::f32;  // of a and b
  DType result = DType::f32;    // bf16 only with bf16 operands
  const float* bias = nullptr;  // [n], added; with bf16 operands only
};

/** One product of several that are summed: op(a) op(b), operands and strides as in a GemmCall. */
struct GemmTerm {
  bool trans_a = false, trans_b = false;
  int64_t k = 0;
  const void* a = nullptr;
  int64_t lda = 0;
  const void* b = nullptr;
  int64_t ldb = 0;
};

/** c = the sum of all products (+ bias) (+ addend), or c += with accumulate; rounded once where c is bf16. */
struct GemmSum {
  int64_t m = 0, n = 0;
  const GemmTerm* terms = nullptr;  // only a single one may have trans_a
  int count = 0;                    // at most kMostProductTerms
  const float* bias = nullptr;      // [n]
  const float* addend = nullptr;    // [m,n]
  int64_t ld_addend = 0;
  void* c = nullptr;  // [m,n]
  int64_t ldc = 0;
  DType result = DType::f32;
  bool accumulate = false;  // f32 results only
};

/** Of a thread's workspace the kernels use the first part, the built-in products pack into the rest. */
inline constexpr int64_t kTileBytes = int64_t{3} << 20;

using Gemm = void (*)(const GemmCall& call, void* workspace);

}  // namespace sluice::cpu
