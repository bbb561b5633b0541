// Matrix units of bf16 and asynchronous copies, for kernels on CUDA (compute capability 8.0 and newer) and in
// the emulator; where they are, MATRIX_UNITS is defined. Metal has other ones: kernels that need these are
// left out there.
//
// All are done by the 32 threads of a subgroup together (SUBGROUP_LANE: this thread's place among them) and
// must be reached by all of them. How the numbers of a matrix lie in their registers, its fragments, is the
// PTX ISA's rule, which ../emulator/matrix-units.cpp spells out.
#pragma once

#include "dialect.h"

#if !defined(__METAL_VERSION__)
#define MATRIX_UNITS 1
#define SUBGROUP_LANE (THREAD % SUBGROUP)

#if defined(__CUDACC__)
#define FN_UNROLL _Pragma("unroll")
/** A kernel for groups of so many threads, of which a multiprocessor shall hold so many at once: as many
 * registers a thread as that leaves. */
#define KERNEL_OF(threads, groups, name, ...) \
  __global__ void __launch_bounds__(threads, groups) name(__VA_ARGS__)
/** The group memory that the launch's Grid asks for, aligned to 128 bytes. */
#define SIZED_GROUP_MEMORY(type, name)                     \
  extern __shared__ __align__(128) unsigned char sized_[]; \
  type* name = reinterpret_cast<type*>(sized_)

namespace sluice::dialect {

/** d [16,8] += a [16,16] b [16,8]. a and b hold two bf16 a word; their products are exact in f32, d is f32.
 * The order in which the 16 products and d are added is the hardware's own: results are the same from run to
 * run, but may differ from another device's, or the emulator's, by roundings. */
FN void mma_bf16(float (&d)[4], const uint32 (&a)[4], const uint32 (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/** Four 8 x 8 matrices of bf16 from group memory: thread i names row i % 8 (16 bytes, aligned) of matrix i /
 * 8, and word j of r is this thread's part of matrix j: of row lane / 4 the numbers 2 (lane % 4) and the
 * next, or, transposed, of column lane / 4 those of rows 2 (lane % 4) and the next. */
FN void load_matrices(uint32 (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(static_cast<uint32>(__cvta_generic_to_shared(row))));
}
FN void load_matrices_transposed(uint32 (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(static_cast<uint32>(__cvta_generic_to_shared(row))));
}

/** 16 bytes into group memory while this thread goes on: the first `bytes` from device memory, then zeros.
 * Both places are aligned to 16 bytes; nobody may use the old contents any more. */
FN void copy_async(void* to, const void* from, int bytes = 16) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   static_cast<uint32>(__cvta_generic_to_shared(to))),
               "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}
/** Ends a batch of this thread's copies. */
FN void commit_async() { asm volatile("cp.async.commit_group;" ::: "memory"); }
/** Waits for all but the newest `left` batches of this thread; other threads see them after a BARRIER(). */
template <int left>
FN void wait_async() {
  asm volatile("cp.async.wait_group %0;" ::"n"(left) : "memory");
}

/** Two floats as bf16, `low` in the lower half. */
FN uint32 pack_bf16(float low, float high) {
  uint32 word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}
/** 2^x to a few places of f32's last digit; results below 2^-126 are 0. */
FN float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

FN int shuffle(int value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }
FN int subgroup_min(int value) { return __reduce_min_sync(0xffffffffu, value); }
FN int subgroup_max(int value) { return __reduce_max_sync(0xffffffffu, value); }

}  // namespace sluice::dialect

#else  // the emulator
#include "../emulator/matrix-units.h"
#define FN_UNROLL
#define KERNEL_OF(threads, groups, name, ...) KERNEL(name, __VA_ARGS__)
#define SIZED_GROUP_MEMORY(type, name) \
  type* name = static_cast<type*>(::sluice::emulator::sized_group_memory())

namespace sluice::dialect {

using emulator::commit_async;
using emulator::mma_bf16;

FN void load_matrices(uint32 (&r)[4], const void* row) { emulator::load_matrices(r, row, false); }
FN void load_matrices_transposed(uint32 (&r)[4], const void* row) { emulator::load_matrices(r, row, true); }
FN void copy_async(void* to, const void* from, int bytes = 16) { emulator::copy_async(to, from, bytes); }
template <int left>
FN void wait_async() {
  emulator::wait_async(left);
}
FN uint32 pack_bf16(float low, float high) { return to_bf16(low) | static_cast<uint32>(to_bf16(high)) << 16; }
FN float exp2_fast(float x) { return std::exp2(x); }
FN int shuffle(int value, int lane) {
  const auto word = static_cast<uint32>(value);
  return static_cast<int>(emulator::gather(&word, 1)[lane * emulator::kGathered]);
}
FN int subgroup_min(int value) {
  const auto word = static_cast<uint32>(value);
  const uint32* all = emulator::gather(&word, 1);
  for (int i = 0; i < SUBGROUP; i++) {
    const int other = static_cast<int>(all[i * emulator::kGathered]);
    value = other < value ? other : value;
  }
  return value;
}
FN int subgroup_max(int value) { return ~subgroup_min(~value); }

}  // namespace sluice::dialect
#endif

#endif  // MATRIX_UNITS
