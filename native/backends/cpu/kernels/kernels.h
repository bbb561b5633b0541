// The kernels' own view of the engine. Every file of this folder is compiled once per instruction set, into a
// namespace of that name (SLUICE_ISA); the backend picks a table when it starts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "../../../core/thread-pool.h"
#include "../../backend.h"
#include "../gemm.h"

#ifndef SLUICE_ISA
#define SLUICE_ISA generic
#endif

namespace sluice::cpu {

struct KernelCall {
  const Op& op;
  const Tensor* in;
  int inputs;
  const Tensor* out;
  void* scratch;
  ThreadPool& pool;
  Gemm gemm;
  bool independent_rows;

  int64_t integer(const char* name) const { return op.attribute(name).integer; }
  float real(const char* name) const { return static_cast<float>(op.attribute(name).real); }
};

using Kernel = Status (*)(const KernelCall& call);

struct KernelSet {
  const char* isa;
  const Kernel* table;  // by OpKind
  Gemm gemm;            // the built-in product
  Gemm row_gemm;        // the one for programs whose rows are independent
  void (*bf16_gemm)(const GemmCall& call, void* workspace, Gemm f32);
  bool (*all_finite)(const Tensor& tensor, ThreadPool& pool);
  float (*read_sum)(const float* from, int64_t count);
};

namespace SLUICE_ISA {

const KernelSet& kernels();

#if defined(__AVX512BF16__)
inline constexpr bool kMultipliesBf16 = true;  // by instructions of the machine
#else
inline constexpr bool kMultipliesBf16 = false;
#endif

void builtin_gemm(const GemmCall& call, void* workspace);
/** `f32` multiplies where the machine has no bf16 products. */
void bf16_gemm(const GemmCall& call, void* workspace, Gemm f32);
#if defined(__AVX512BF16__)
/** Sums of bf16 products, without a detour through memory. */
void bf16_gemm_sum(const GemmSum& sum, void* workspace);
#endif
void row_gemm(const GemmCall& call, void* workspace);
/** matmul of all rows of a by a b [N,K] of rank 2. */
void row_matmul(const KernelCall& call);
/** attention with one query per batch row. */
void attend_one_query(const KernelCall& call);
bool all_finite(const Tensor& tensor, ThreadPool& pool);
/** The sum, at the speed of reading. */
float read_sum(const float* from, int64_t count);

#define OP(name, ...) Status kernel_##name(const KernelCall& call);
#include "../../../core/ops.def"
#undef OP

/** Runs body(begin, end, workspace) over [0, count) in pieces of `size`. */
template <typename Body>
void in_pieces(ThreadPool& pool, int64_t count, int64_t size, Body&& body) {
  pool.run((count + size - 1) / size, [&](int64_t piece, void* workspace) {
    const int64_t begin = piece * size;
    body(begin, begin + size < count ? begin + size : count, workspace);
  });
}

/** Rows of `width` elements that make a piece worth handing to a thread. */
inline int64_t rows_per_piece(int64_t width) { return width >= 16384 ? 1 : 16384 / (width < 1 ? 1 : width); }

// Elements of a piece of a simple loop: 64 KiB of f32, far above the cost of handing it out.
inline constexpr int64_t kElements = 16384;

}  // namespace SLUICE_ISA
}  // namespace sluice::cpu
