// The CPU as a backend: the kernels of the best instruction set of this machine on a thread pool.
#pragma once

#include <memory>

#include "../backend.h"

namespace sluice {

struct CpuInfo {
  std::string isa;  // generic | avx2 | avx512 | avx512_bf16
  int cores = 1;
  std::string matmul, matmul_version;
};

CpuInfo cpu_info();

/** Its launches must all come from one thread. */
std::unique_ptr<Backend> make_cpu_backend(int threads);

/** Bytes/s that so many threads read so much memory at, over and over; blocks the caller for `seconds`. */
double measure_read(int threads, double seconds, int64_t bytes);

/** FLOP/s of large f32 or bf16 products on so many threads, measured for `seconds`; blocks the caller. */
double measure_peak(DType dtype, int threads, double seconds);

}  // namespace sluice
