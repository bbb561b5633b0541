#include "cpu-backend.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "kernels/kernels.h"
#include "product-library.h"
#include "slabs.h"

namespace sluice {
namespace cpu {

namespace generic {
const KernelSet& kernels();
}
#if defined(SLUICE_X86)
namespace avx2 {
const KernelSet& kernels();
}
namespace avx512 {
const KernelSet& kernels();
}
namespace avx512_bf16 {
const KernelSet& kernels();
}
#endif

namespace {

/** The best set of this machine; ENGINE_ISA names a smaller one, for tests. */
const KernelSet& choose_kernels() {
  const char* wish = std::getenv("ENGINE_ISA");
  const std::string isa = wish ? wish : "";
#if defined(SLUICE_X86)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl");
  const bool any = isa != "generic" && isa != "avx2";
  if (has_avx512 && __builtin_cpu_supports("avx512bf16") && any && isa != "avx512")
    return avx512_bf16::kernels();
  if (has_avx512 && any) return avx512::kernels();
  if (has_avx2 && isa != "generic") return avx2::kernels();
#endif
  return generic::kernels();
}

struct Parts {
  const KernelSet& kernels = choose_kernels();
  ProductLibrary library = product_library(kernels.gemm);
};

const Parts& parts() {
  static const Parts chosen;
  return chosen;
}

constexpr int64_t kLarge = int64_t{64} << 20;  // bytes from which asking for free memory costs nothing

/** Memory and swap that can be had without taking any from another process; no limit where nobody says. */
int64_t free_memory() {
  std::ifstream file("/proc/meminfo");
  int64_t total = 0, kilobytes = 0;
  bool known = false;
  for (std::string name, unit; file >> name >> kilobytes; std::getline(file, unit)) {
    if (name != "MemAvailable:" && name != "SwapFree:") continue;
    total += kilobytes * 1024;
    known |= name == "MemAvailable:";
  }
  return known ? total : INT64_MAX;
}

int64_t mapped_bytes(int64_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(int threads) { pool_.emplace(threads, parts().library.on_thread_start); }

  void end_threads() override { pool_.reset(); }

  const char* name() const override { return "cpu"; }
  bool supports(const Program&, const Op&) const override { return true; }

  Status launch(const Launch& launch) override {
    if (!prepared_ && parts().library.on_thread_start) parts().library.on_thread_start();
    prepared_ = true;
    pool_->use_threads(launch.threads);
    const KernelCall call{*launch.op,
                          launch.inputs,
                          launch.input_count,
                          launch.outputs,
                          launch.scratch,
                          *pool_,
                          launch.independent_rows ? parts().kernels.row_gemm : parts().library.gemm,
                          launch.independent_rows};
    return parts().kernels.table[static_cast<size_t>(launch.op->kind)](call);
  }

  bool is_host_memory() const override { return true; }
  int64_t available() const override { return free_memory(); }

  // Large blocks begin on a huge page and ask for huge pages: fewer TLB misses.
  void* allocate(int64_t bytes) override {
    if (Slabs::takes(bytes)) return slabs_.allocate(bytes);
    if (bytes < Slabs::kLeast) {
      void* memory = std::aligned_alloc(64, static_cast<size_t>((bytes + 64) / 64 * 64));
      if (memory) std::memset(memory, 0, static_cast<size_t>(bytes));
      return memory;
    }
    // Linux maps more than there is and ends the process when it is touched
    if (bytes >= kLarge && bytes > available()) return nullptr;
    return map_huge(mapped_bytes(bytes));
  }

  void release(void* memory, int64_t bytes) override {
    if (!memory) return;
    if (Slabs::takes(bytes))
      slabs_.release(memory, bytes);
    else if (bytes < Slabs::kLeast)
      std::free(memory);
    else
      unmap_huge(memory, mapped_bytes(bytes));
  }

  void upload(void* device, const void* host, int64_t bytes) override {
    if (bytes) std::memcpy(device, host, static_cast<size_t>(bytes));
  }
  void download(void* host, const void* device, int64_t bytes) override {
    if (bytes) std::memcpy(host, device, static_cast<size_t>(bytes));
  }
  bool all_finite(const Tensor& tensor) override { return parts().kernels.all_finite(tensor, *pool_); }

 private:
  Slabs slabs_;
  std::optional<ThreadPool> pool_;  // none after end_threads()
  bool prepared_ = false;           // whether the launching thread is set up for the product library
};

}  // namespace
}  // namespace cpu

CpuInfo cpu_info() {
  const cpu::Parts& parts = cpu::parts();
  return {parts.kernels.isa, static_cast<int>(std::thread::hardware_concurrency()), parts.library.name,
          parts.library.version};
}

std::unique_ptr<Backend> make_cpu_backend(int threads) { return std::make_unique<cpu::CpuBackend>(threads); }

double measure_read(int threads, double seconds, int64_t bytes) {
  using clock = std::chrono::steady_clock;
  constexpr int64_t kPiece = int64_t{1} << 18;  // 1 MiB of f32
  const int64_t pieces = std::max<int64_t>(1, bytes / 4 / kPiece), count = pieces * kPiece;
  cpu::CpuBackend backend(1);  // for its huge pages
  float* memory = static_cast<float*>(backend.allocate(count * 4));
  if (!memory) return 0;
  std::fill(memory, memory + count, 1.0f);
  ThreadPool pool(threads);
  std::vector<float> sums(static_cast<size_t>(pieces));
  double best = 0, passed = 0;
  for (const auto start = clock::now(); passed < seconds;) {
    const auto begin = clock::now();
    pool.run(pieces, [&](int64_t i, void*) {
      sums[static_cast<size_t>(i)] = cpu::parts().kernels.read_sum(memory + i * kPiece, kPiece);
    });
    const auto end = clock::now();
    passed = std::chrono::duration<double>(end - start).count();
    best = std::max(best, 4.0 * static_cast<double>(count) / std::chrono::duration<double>(end - begin).count());
  }
  backend.release(memory, count * 4);
  return best;
}

namespace {

double best_rate(DType dtype, int threads, double seconds) {
  using clock = std::chrono::steady_clock;
  constexpr int64_t size = 512, depth = 1024;
  const cpu::ProductLibrary& library = cpu::parts().library;
  const cpu::KernelSet& kernels = cpu::parts().kernels;
  if (library.on_thread_start) library.on_thread_start();
  ThreadPool pool(threads, library.on_thread_start);
  const int64_t each = 2 * size * depth + size * size;
  // read as bf16 the bytes of 0.5f are 0 and 0.5 in turn, and a and b half as long
  std::vector<float> memory(static_cast<size_t>(each * threads), 0.5f);
  const auto round = [&] {
    pool.run(threads, [&](int64_t i, void* workspace) {
      float* a = memory.data() + i * each;
      cpu::GemmCall call;
      call.m = call.n = size;
      call.k = depth;
      call.a = a, call.lda = depth;
      call.b = a + size * depth, call.ldb = size;
      call.c = a + 2 * size * depth, call.ldc = size;
      call.operands = dtype;
      for (int repeat = 0; repeat < 4; repeat++) {
        if (dtype == DType::bf16)
          kernels.bf16_gemm(call, workspace, library.gemm);
        else
          library.gemm(call, workspace);
      }
    });
  };
  round();
  double best = 0, passed = 0;
  for (const auto start = clock::now(); passed < seconds;) {
    const auto begin = clock::now();
    round();
    const auto end = clock::now();
    passed = std::chrono::duration<double>(end - start).count();
    best = std::max(
        best, 4.0 * threads * 2.0 * size * size * depth / std::chrono::duration<double>(end - begin).count());
  }
  return best;
}

}  // namespace

double measure_peak(DType dtype, int threads, double seconds) {
  double rate = 0;
  // on a thread that ends, as its pool's do: the product library keeps buffers for every thread it has seen
  std::thread measuring([&] { rate = best_rate(dtype, threads, seconds); });
  measuring.join();
#if defined(__GLIBC__)
  malloc_trim(0);  // what was measured with is megabytes, and training may need them
#endif
  return rate;
}

}  // namespace sluice
