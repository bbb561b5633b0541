// The dialect that GPU kernels are written in. One source compiles as CUDA, as Metal, and as C++ for the
// emulator, which runs a group's threads with real barriers on any machine.
//
//   KERNEL(scale, READS(0, float, x), WRITES(1, float, y), PARAMS(2, Scale)) {
//     const int64 i = AT;
//     if (i < p.count) y[i] = x[i] * p.factor;
//   }
//
// A kernel takes buffers, numbered from 0, and last its numbers as a struct, named p. Floats that may be
// stored as f32 or bf16 are buffers of void, read by LOAD(x, i) and written by STORE(y, i, value), which ask
// p.x_bf16 and p.y_bf16. Thread counts of a group are multiples of SUBGROUP, and every thread of a group
// reaches every barrier.
#pragma once

#define SUBGROUP 32

#if defined(__METAL_VERSION__)
#include <metal_stdlib>
using namespace metal;
typedef long int64;
typedef ulong uint64;
typedef uint uint32;
#define FN inline
#define DEVICE device
#define SHARED threadgroup
#define CONSTANT constant
#define READS(n, type, x) device const type* x [[buffer(n)]]
#define WRITES(n, type, x) device type* x [[buffer(n)]]
#define PARAMS(n, type) constant type& p [[buffer(n)]]
#define KERNEL(name, ...)                                                      \
  kernel void name(__VA_ARGS__, uint3 group_ [[threadgroup_position_in_grid]], \
                   uint thread_ [[thread_index_in_threadgroup]], uint3 threads_ [[threads_per_threadgroup]])
#define THREAD int(thread_)
#define THREADS int(threads_.x)
#define GROUP int64(group_.x)
#define GROUP_Y int64(group_.y)
#define GROUP_MEMORY(type, name, count) threadgroup type name[count]
#define BARRIER() threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device)
FN float shuffle_xor(float value, int mask) { return simd_shuffle_xor(value, ushort(mask)); }
FN int shuffle_xor(int value, int mask) { return simd_shuffle_xor(value, ushort(mask)); }
FN float bits_to_float(uint32 bits) { return as_type<float>(bits); }
FN uint32 float_to_bits(float value) { return as_type<uint32>(value); }
FN void lower(device int* at, int value) {
  atomic_fetch_min_explicit((device atomic_int*)at, value, memory_order_relaxed);
}
FN void lower_shared(threadgroup int* at, int value) {
  atomic_fetch_min_explicit((threadgroup atomic_int*)at, value, memory_order_relaxed);
}
typedef ushort bf16;
#define DIALECT_BEGIN
#define DIALECT_END

#elif defined(__CUDACC__)
#define FN __device__ __forceinline__
#define KERNEL(name, ...) __global__ void name(__VA_ARGS__)
#define THREAD int(threadIdx.x)
#define THREADS int(blockDim.x)
#define GROUP int64(blockIdx.x)
#define GROUP_Y int64(blockIdx.y)
#define GROUP_MEMORY(type, name, count) __shared__ type name[count]
#define BARRIER() __syncthreads()
namespace sluice::dialect {
typedef long long int64;
typedef unsigned long long uint64;
typedef unsigned int uint32;
typedef unsigned short bf16;
FN float shuffle_xor(float value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
FN int shuffle_xor(int value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
FN float bits_to_float(uint32 bits) { return __uint_as_float(bits); }
FN uint32 float_to_bits(float value) { return __float_as_uint(value); }
FN void lower(int* at, int value) { atomicMin(at, value); }
FN void lower_shared(int* at, int value) { atomicMin(at, value); }
}  // namespace sluice::dialect

#else
#include <cmath>
#include <cstdint>
#include <cstring>

#include "../emulator/thread.h"
namespace sluice::dialect {
using int64 = int64_t;
using uint64 = uint64_t;
using uint32 = uint32_t;
using bf16 = uint16_t;
using std::cos, std::exp, std::floor, std::log, std::sin, std::sqrt, std::tanh;
}  // namespace sluice::dialect
#define FN inline
#define KERNEL(name, ...) inline void name(__VA_ARGS__, [[maybe_unused]] const emulator::Position& here_)
#define THREAD (here_.thread)
#define THREADS (here_.threads)
#define GROUP (here_.group_x)
#define GROUP_Y (here_.group_y)
#define GROUP_MEMORY(type, name, count) \
  type* name = static_cast<type*>(::sluice::emulator::group_memory(sizeof(type) * (count)))
#define BARRIER() ::sluice::emulator::barrier()
namespace sluice::dialect {
FN float bits_to_float(uint32 bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
FN uint32 float_to_bits(float value) {
  uint32 bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
FN float shuffle_xor(float value, int mask) {
  return bits_to_float(emulator::exchange(float_to_bits(value), mask));
}
FN int shuffle_xor(int value, int mask) {
  return static_cast<int>(emulator::exchange(static_cast<uint32>(value), mask));
}
FN void lower(int* at, int value) { *at = value < *at ? value : *at; }
FN void lower_shared(int* at, int value) { lower(at, value); }
}  // namespace sluice::dialect
#endif

#ifndef __METAL_VERSION__  // C++, of CUDA or the emulator: one address space, parameters without numbers
#define DEVICE
#define SHARED
#define CONSTANT
#define READS(n, type, x) const type* x
#define WRITES(n, type, x) type* x
#define PARAMS(n, type) type p
#define DIALECT_BEGIN namespace sluice::dialect {
#define DIALECT_END }
#endif

DIALECT_BEGIN

/** This thread's number among all of the launch's x direction. */
#define AT (GROUP * THREADS + THREAD)
/** Where each thread has several elements, they are THREADS apart, and all loads come before the first store:
 * so many are on their way at once. */
#define SOME 4
#define SOME_AT(j) (GROUP * THREADS * SOME + (j)*THREADS + THREAD)

/** a / b of numbers from 0 on, many times faster where both have 32 bits. */
FN int64 quotient(int64 a, int64 b) { return uint64(a | b) >> 32 ? a / b : int64(uint32(a) / uint32(b)); }

FN float from_bf16(bf16 value) { return bits_to_float(uint32(value) << 16); }
/** To the nearest, ties to even; a NaN keeps its upper half. */
FN bf16 to_bf16(float value) {
  const uint32 bits = float_to_bits(value);
  return bf16(value != value ? bits >> 16 : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

FN float load_float(const DEVICE void* x, int64 at, int is_bf16) {
  return is_bf16 ? from_bf16(((const DEVICE bf16*)x)[at]) : ((const DEVICE float*)x)[at];
}
FN void store_float(DEVICE void* y, int64 at, float value, int is_bf16) {
  if (is_bf16)
    ((DEVICE bf16*)y)[at] = to_bf16(value);
  else
    ((DEVICE float*)y)[at] = value;
}
#define LOAD(x, at) load_float(x, at, p.x##_bf16)
#define STORE(y, at, value) store_float(y, at, value, p.y##_bf16)

/** Sums and largest values of all threads of a subgroup, and of a group: always in the same order. */
FN float subgroup_sum(float value) {
  for (int mask = SUBGROUP / 2; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}
FN float subgroup_max(float value) {
  for (int mask = SUBGROUP / 2; mask > 0; mask /= 2) {
    const float other = shuffle_xor(value, mask);
    value = other > value || other != other ? other : value;
  }
  return value;
}
// `shared` holds a number per subgroup, and may be used again as soon as these return.
#define GROUP_SUM(value, shared) group_sum(value, shared, THREAD, THREADS)
#define GROUP_MAX(value, shared) group_max(value, shared, THREAD, THREADS)
#define GROUP_REDUCTION(name, subgroup_name, first, join)                     \
  FN float name(float value, SHARED float* shared, int number, int threads) { \
    value = subgroup_name(value);                                             \
    if (number % SUBGROUP == 0) shared[number / SUBGROUP] = value;            \
    BARRIER();                                                                \
    float all = first;                                                        \
    for (int i = 0; i < threads / SUBGROUP; i++) all = join;                  \
    BARRIER();                                                                \
    return all;                                                               \
  }
GROUP_REDUCTION(group_sum, subgroup_sum, 0.0f, all + shared[i])
GROUP_REDUCTION(group_max, subgroup_max, shared[0],
                shared[i] > all || shared[i] != shared[i] ? shared[i] : all)

DIALECT_END
