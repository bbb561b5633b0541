#include "product-library.h"

#include <cstdlib>
#include <cstring>

#if defined(SLUICE_ONEDNN)
#include <omp.h>

#include <oneapi/dnnl/dnnl.h>

#include "onednn-matmul.h"
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

/** Large enough, and of round sizes: those that follow from data, as the rows of an expert, are so only now
 * and then, and code is generated for few of them. */
bool worth_preparing(const GemmCall& call) {
  constexpr int64_t kLeast = int64_t{1} << 21;  // multiply-adds
  return (call.m | call.n | call.k) % 16 == 0 && call.m * call.n * call.k >= kLeast;
}

void onednn_gemm(const GemmCall& call, void* workspace) {
  if (call.m == 0 || call.n == 0) return;
  if (worth_preparing(call) && onednn_matmul(call, workspace)) return;
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

}  // namespace sluice::cpu
