#include "product-library.h"

#include <cstdlib>
#include <cstring>

#if defined(SLUICE_ONEDNN)
#include <omp.h>

#include <chrono>
#include <oneapi/dnnl/dnnl.hpp>
#include <thread>
#include <unordered_map>
#include <vector>
#elif defined(SLUICE_OPENBLAS)
#include <cblas.h>
extern "C" {
void openblas_set_num_threads(int);
char* openblas_get_config(void);
}
#endif

namespace sluice::cpu {
namespace {

Gemm builtin_product = nullptr;

#if defined(SLUICE_ONEDNN)

void onednn_gemm(const GemmCall& call, void* workspace) {
  if (call.m == 0 || call.n == 0) return;
  const dnnl_status_t status =
      call.k == 0
          ? dnnl_invalid_arguments
          : dnnl_sgemm(call.trans_a ? 'T' : 'N', call.trans_b ? 'T' : 'N', call.m, call.n, call.k, 1.0f,
                       static_cast<const float*>(call.a), call.lda, static_cast<const float*>(call.b),
                       call.ldb, call.accumulate ? 1.0f : 0.0f, static_cast<float*>(call.c), call.ldc);
  if (status != dnnl_success) builtin_product(call, workspace);
}

// Threads are ours: each product runs on the thread that asks for it.
void one_thread() { omp_set_num_threads(1); }

ProductLibrary linked_library() {
  const dnnl_version_t* version = dnnl_version();
  const std::string text = std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                           std::to_string(version->patch);
  return {"onednn", text, onednn_gemm, one_thread};
}

#elif defined(SLUICE_OPENBLAS)

void openblas_gemm(const GemmCall& call, void* workspace) {
  if (call.m == 0 || call.n == 0) return;
  if (call.k == 0) return builtin_product(call, workspace);
  cblas_sgemm(CblasRowMajor, call.trans_a ? CblasTrans : CblasNoTrans,
              call.trans_b ? CblasTrans : CblasNoTrans, static_cast<int>(call.m), static_cast<int>(call.n),
              static_cast<int>(call.k), 1.0f, static_cast<const float*>(call.a), static_cast<int>(call.lda),
              static_cast<const float*>(call.b), static_cast<int>(call.ldb), call.accumulate ? 1.0f : 0.0f,
              static_cast<float*>(call.c), static_cast<int>(call.ldc));
}

ProductLibrary linked_library() {
  openblas_set_num_threads(1);  // threads are ours
  return {"openblas", openblas_get_config(), openblas_gemm, nullptr};
}

#else

ProductLibrary linked_library() { return {"builtin", "1", builtin_product, nullptr}; }

#endif

}  // namespace

ProductLibrary product_library(Gemm builtin) {
  builtin_product = builtin;
  const char* choice = std::getenv("ENGINE_MATMUL");
  if (choice && std::strcmp(choice, "builtin") == 0) return {"builtin", "1", builtin, nullptr};
  return linked_library();
}

#if defined(SLUICE_ONEDNN)

double bf16_peak(int threads, double seconds) {
  using clock = std::chrono::steady_clock;
  constexpr int64_t m = 512, n = 1024, k = 1024;
  std::vector<double> rates(threads, 0.0);
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; t++) {
    workers.emplace_back([&rates, t, seconds] {
      try {
        one_thread();
        dnnl::engine engine(dnnl::engine::kind::cpu, 0);
        dnnl::stream stream(engine);
        using Type = dnnl::memory::data_type;
        using Tag = dnnl::memory::format_tag;
        const dnnl::memory::desc a({m, k}, Type::bf16, Tag::ab), b({k, n}, Type::bf16, Tag::any);
        const dnnl::memory::desc c({m, n}, Type::f32, Tag::ab);
        const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(a, b, c), engine);
        const dnnl::matmul product(plan);
        std::unordered_map<int, dnnl::memory> arguments{
            {DNNL_ARG_SRC, dnnl::memory(plan.src_desc(), engine)},
            {DNNL_ARG_WEIGHTS, dnnl::memory(plan.weights_desc(), engine)},
            {DNNL_ARG_DST, dnnl::memory(plan.dst_desc(), engine)}};
        for (auto& [role, memory] : arguments)
          std::memset(memory.get_data_handle(), 0, memory.get_desc().get_size());
        product.execute(stream, arguments);
        const auto start = clock::now();
        double passed = 0;
        int64_t runs = 0;
        for (; passed < seconds; runs++) {
          product.execute(stream, arguments);
          passed = std::chrono::duration<double>(clock::now() - start).count();
        }
        rates[t] = 2.0 * m * n * k * static_cast<double>(runs) / passed;
      } catch (const dnnl::error&) {
        rates[t] = 0;  // no bf16 on this machine
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  double total = 0;
  for (double rate : rates) total += rate;
  return total;
}

#else

double bf16_peak(int, double) { return 0; }

#endif

}  // namespace sluice::cpu
