// Row-major y [m,n] = a b is column-major y^T [n,m] = b^T a^T: cuBLASLt's first operand is our b, its second
// our a.
#include "products.h"

#if defined(SLUICE_CUBLASLT)
#include <cublasLt.h>
#include <dlfcn.h>
#endif

namespace sluice::cuda {

#if defined(SLUICE_CUBLASLT)
namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20;

std::string described(cublasStatus_t status) {
  return "cuBLASLt fails with status " + std::to_string(status);
}

}  // namespace

/** The functions of the library, which is opened by the name of the CUDA that this was built with. */
struct Products::Library {
  void* handle = nullptr;
  cublasLtHandle_t lt = nullptr;
  void* workspace = nullptr;
#define SLUICE_FUNCTIONS(F)                                                                        \
  F(cublasLtCreate)                                                                                \
  F(cublasLtDestroy) F(cublasLtGetVersion) F(cublasLtMatmul) F(cublasLtMatmulDescCreate)           \
      F(cublasLtMatmulDescDestroy) F(cublasLtMatmulDescSetAttribute) F(cublasLtMatrixLayoutCreate) \
          F(cublasLtMatrixLayoutDestroy) F(cublasLtMatrixLayoutSetAttribute)                       \
              F(cublasLtMatmulPreferenceCreate) F(cublasLtMatmulPreferenceDestroy)                 \
                  F(cublasLtMatmulPreferenceSetAttribute) F(cublasLtMatmulAlgoGetHeuristic)
#define SLUICE_DECLARE(name) decltype(&::name) name = nullptr;
  SLUICE_FUNCTIONS(SLUICE_DECLARE)
#undef SLUICE_DECLARE

  ~Library() {
    if (workspace) cudaFree(workspace);
    if (lt) cublasLtDestroy(lt);
    if (handle) dlclose(handle);
  }

  /** Empty, or why it cannot be used. */
  std::string open() {
    const std::string file = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
    handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) return file + " is not found: install cuBLAS of CUDA " + std::to_string(CUBLAS_VER_MAJOR);
#define SLUICE_LOOK_UP(name)                                        \
  name = reinterpret_cast<decltype(&::name)>(dlsym(handle, #name)); \
  if (!name) return file + " lacks " #name;
    SLUICE_FUNCTIONS(SLUICE_LOOK_UP)
#undef SLUICE_LOOK_UP
    if (const auto status = cublasLtCreate(&lt); status != CUBLAS_STATUS_SUCCESS) return described(status);
    if (cudaMalloc(&workspace, kWorkspace) != cudaSuccess) return "no memory for the workspace of cuBLASLt";
    return "";
  }
};

/** What cuBLASLt wants for one shape; its algorithm is chosen once, so that the same shape has the same bits.
 */
struct Products::Plan {
  Library& library;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, result = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
  bool usable = false;

  explicit Plan(Library& owner) : library(owner) {}
  ~Plan() {
    if (product) library.cublasLtMatmulDescDestroy(product);
    for (cublasLtMatrixLayout_t layout : {first, second, result}) {
      if (layout) library.cublasLtMatrixLayoutDestroy(layout);
    }
  }

  template <typename T>
  bool set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    return library.cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof value) ==
           CUBLAS_STATUS_SUCCESS;
  }

  bool layout(cublasLtMatrixLayout_t& made, bool bf16, int64_t rows, int64_t columns, int64_t ld,
              int64_t batch, int64_t step) {
    const int32_t count = static_cast<int32_t>(batch);
    return library.cublasLtMatrixLayoutCreate(&made, bf16 ? CUDA_R_16BF : CUDA_R_32F,
                                              static_cast<uint64_t>(rows), static_cast<uint64_t>(columns),
                                              ld) == CUBLAS_STATUS_SUCCESS &&
           library.cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                                    sizeof count) == CUBLAS_STATUS_SUCCESS &&
           library.cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step,
                                                    sizeof step) == CUBLAS_STATUS_SUCCESS;
  }

  bool make(const dialect::Product& p, int64_t batch) {
    const bool turn_a = p.a_column != 1, turn_b = p.b_column != 1;  // stored [k,m], stored [n,k]
    if (library.cublasLtMatmulDescCreate(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F) != CUBLAS_STATUS_SUCCESS)
      return false;
    const cublasOperation_t of_b = turn_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                            of_a = turn_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    if (!set(CUBLASLT_MATMUL_DESC_TRANSA, of_b) || !set(CUBLASLT_MATMUL_DESC_TRANSB, of_a)) return false;
    if (p.has_bias && !set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS)) return false;
    const bool made = layout(first, p.b_bf16, turn_b ? p.k : p.n, turn_b ? p.n : p.k,
                             turn_b ? p.b_column : p.b_row, batch, p.b_step) &&
                      layout(second, p.a_bf16, turn_a ? p.m : p.k, turn_a ? p.k : p.m,
                             turn_a ? p.a_column : p.a_row, batch, p.a_step) &&
                      layout(result, p.y_bf16, p.n, p.m, p.y_row, batch, p.y_step);
    if (!made) return false;
    cublasLtMatmulPreference_t preference = nullptr;
    if (library.cublasLtMatmulPreferenceCreate(&preference) != CUBLAS_STATUS_SUCCESS) return false;
    library.cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                 &kWorkspace, sizeof kWorkspace);
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const auto status = library.cublasLtMatmulAlgoGetHeuristic(library.lt, product, first, second, result,
                                                               result, preference, 1, &best, &found);
    library.cublasLtMatmulPreferenceDestroy(preference);
    algorithm = best.algo;
    return usable = status == CUBLAS_STATUS_SUCCESS && found == 1;
  }
};

Products::Products() : library_(std::make_unique<Library>()) {
  const std::string problem = library_->open();
  if (!problem.empty()) {
    library_.reset();
    about_ = problem;
    return;
  }
  const std::size_t version = library_->cublasLtGetVersion();
  about_ = "cuBLASLt " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
           std::to_string(version % 100);
}

bool Products::multiply(const dialect::Product& p, const gpu::ProductOperands& operands, cudaStream_t stream,
                        Status& status) {
  if (!library_ || p.mode != dialect::product_batched || p.format != dialect::weights_plain) return false;
  // of one kind; a bias must be of the result's kind, and ours are f32
  if (p.a_bf16 != p.b_bf16 || (p.has_bias && p.y_bf16) || (!p.a_bf16 && p.y_bf16)) return false;
  if (p.m == 0 || p.n == 0 || p.k == 0) return false;
  const int flags =
      p.a_bf16 | p.y_bf16 << 1 | (p.has_bias != 0) << 2 | (p.a_column != 1) << 3 | (p.b_column != 1) << 4;
  const int64_t a_ld = p.a_column != 1 ? p.a_column : p.a_row, b_ld = p.b_column != 1 ? p.b_column : p.b_row;
  auto& plan = plans_[{p.m, p.n, p.k, a_ld, b_ld, p.y_row, operands.batch, p.b_step, flags}];
  if (!plan) {
    plan = std::make_unique<Plan>(*library_);
    plan->make(p, operands.batch);
  }
  if (!plan->usable) return false;
  if (p.has_bias && !plan->set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, operands.bias)) return false;
  const float one = 1.0f, beta = p.accumulate ? 1.0f : 0.0f;
  const auto result = library_->cublasLtMatmul(
      library_->lt, plan->product, &one, operands.b, plan->first, operands.a, plan->second, &beta, operands.y,
      plan->result, operands.y, plan->result, &plan->algorithm, library_->workspace, kWorkspace, stream);
  status = result == CUBLAS_STATUS_SUCCESS ? Status() : Status::error(described(result));
  return true;
}

#else

struct Products::Library {};
struct Products::Plan {};

Products::Products() : about_("this build has no cuBLASLt: its header was not found") {}

bool Products::multiply(const dialect::Product&, const gpu::ProductOperands&, cudaStream_t, Status&) {
  return false;
}

#endif

Products::~Products() = default;

}  // namespace sluice::cuda
