// One matrix product on the calling thread: c = op(a) op(b), or c += with accumulate. Row-major with row
// strides.
#pragma once

#include <cstdint>

namespace sluice::cpu {

struct GemmCall {
  bool trans_a = false, trans_b = false;
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;  // [m,k], or [k,m] with trans_a
  int64_t lda = 0;
  const float* b = nullptr;  // [k,n], or [n,k] with trans_b
  int64_t ldb = 0;
  float* c = nullptr;  // [m,n]
  int64_t ldc = 0;
  bool accumulate = false;
};

/** Of a thread's workspace the kernels use the first part, the built-in product packs into the rest. */
inline constexpr int64_t kTileBytes = int64_t{3} << 20;

using Gemm = void (*)(const GemmCall& call, void* workspace);

}  // namespace sluice::cpu
