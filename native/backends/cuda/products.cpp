// Row-major y [m,n] = a b is column-major y^T [n,m] = b^T a^T: cuBLASLt's first operand is our b, its second
// our a.
#include "products.h"

#if defined(SLUICE_CUBLASLT)
#include <cublasLt.h>
#include <dlfcn.h>

#include <algorithm>
#endif

namespace sluice::cuda {

#if defined(SLUICE_CUBLASLT)
namespace {

constexpr std::size_t kWorkspace = std::size_t{32} << 20;  // what NVIDIA advises for Hopper
constexpr int64_t kBiasBytes = int64_t{1} << 20;           // beside it

/** The largest power of two that an address is a multiple of, up to what cuBLASLt asks for. */
uint32_t alignment(const void* address) {
  const auto bits = reinterpret_cast<uintptr_t>(address) | 256;
  return static_cast<uint32_t>(bits & (~bits + 1));
}

}  // namespace

/** The functions of the library, looked for by the name of the CUDA that this was built with. */
struct Products::Library {
  std::string problem;  // why it cannot be used, or empty
#define SLUICE_FUNCTIONS(F)                                                                             \
  F(cublasLtCreate)                                                                                     \
  F(cublasLtDestroy)                                                                                    \
  F(cublasLtGetVersion)                                                                                 \
  F(cublasLtGetStatusString) F(cublasLtMatmul) F(cublasLtMatmulDescCreate) F(cublasLtMatmulDescDestroy) \
      F(cublasLtMatmulDescSetAttribute) F(cublasLtMatrixLayoutCreate) F(cublasLtMatrixLayoutDestroy)    \
          F(cublasLtMatrixLayoutSetAttribute) F(cublasLtMatmulPreferenceCreate)                         \
              F(cublasLtMatmulPreferenceDestroy) F(cublasLtMatmulPreferenceSetAttribute)                \
                  F(cublasLtMatmulAlgoGetHeuristic)
#define SLUICE_DECLARE(name) decltype(&::name) name = nullptr;
  SLUICE_FUNCTIONS(SLUICE_DECLARE)
#undef SLUICE_DECLARE

  Library() {
    const std::string file = "libcublasLt.so." + std::to_string(CUBLAS_VER_MAJOR);
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: its kernels stay registered
    if (!handle) {
      problem = std::string("our own kernels, for cuBLASLt does not load (") + dlerror() +
                "): install cuBLAS of CUDA " + std::to_string(CUBLAS_VER_MAJOR);
      return;
    }
#define SLUICE_LOOK_UP(name)                                        \
  name = reinterpret_cast<decltype(&::name)>(dlsym(handle, #name)); \
  if (!name) problem = "our own kernels, for " + file + " lacks " #name;
    SLUICE_FUNCTIONS(SLUICE_LOOK_UP)
#undef SLUICE_LOOK_UP
  }

  Status failed(cublasStatus_t status) const {
    return Status::error(std::string("cuBLASLt: ") + cublasLtGetStatusString(status));
  }
};

/** What cuBLASLt wants for one shape; its algorithm is chosen once, so that the same shape has the same bits.
 */
struct Products::Plan {
  const Library& library = Products::library();
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, result = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
  bool usable = false;

  ~Plan() {
    if (product) library.cublasLtMatmulDescDestroy(product);
    if (preference) library.cublasLtMatmulPreferenceDestroy(preference);
    for (cublasLtMatrixLayout_t layout : {first, second, result}) {
      if (layout) library.cublasLtMatrixLayoutDestroy(layout);
    }
  }

  template <typename T>
  bool set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    return library.cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof value) ==
           CUBLAS_STATUS_SUCCESS;
  }

  template <typename T>
  bool prefer(cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
    return library.cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value) ==
           CUBLAS_STATUS_SUCCESS;
  }

  bool layout(cublasLtMatrixLayout_t& made, bool bf16, int64_t rows, int64_t columns, int64_t ld,
              int64_t batch, int64_t step) {
    const int32_t count = static_cast<int32_t>(batch);
    if (columns == 1) ld = std::max(ld, rows);  // ours may then be any number
    return library.cublasLtMatrixLayoutCreate(&made, bf16 ? CUDA_R_16BF : CUDA_R_32F,
                                              static_cast<uint64_t>(rows), static_cast<uint64_t>(columns),
                                              ld) == CUBLAS_STATUS_SUCCESS &&
           library.cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                                    sizeof count) == CUBLAS_STATUS_SUCCESS &&
           library.cublasLtMatrixLayoutSetAttribute(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &step,
                                                    sizeof step) == CUBLAS_STATUS_SUCCESS;
  }

  bool describe(const dialect::Product& p, int64_t batch) {
    const bool turn_a = p.a_column != 1, turn_b = p.b_column != 1;  // stored [k,m], stored [n,k]
    // sums in f32 of f32 products: TF32 is a compute type of its own
    if (library.cublasLtMatmulDescCreate(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F) != CUBLAS_STATUS_SUCCESS)
      return false;
    const cublasOperation_t of_b = turn_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                            of_a = turn_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    if (!set(CUBLASLT_MATMUL_DESC_TRANSA, of_b) || !set(CUBLASLT_MATMUL_DESC_TRANSB, of_a)) return false;
    if (p.has_bias && !set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS)) return false;
    return layout(first, p.b_bf16, turn_b ? p.k : p.n, turn_b ? p.n : p.k, turn_b ? p.b_column : p.b_row,
                  batch, p.b_step) &&
           layout(second, p.a_bf16, turn_a ? p.m : p.k, turn_a ? p.k : p.m, turn_a ? p.a_column : p.a_row,
                  batch, p.a_step) &&
           layout(result, p.y_bf16, p.n, p.m, p.y_row, batch, p.y_step);
  }

  /** By cuBLASLt's own advice, for operands that lie as these do. */
  bool choose(cublasLtHandle_t handle, const gpu::ProductOperands& operands) {
    if (library.cublasLtMatmulPreferenceCreate(&preference) != CUBLAS_STATUS_SUCCESS) return false;
    // parts of a long sum are added in f32, also where the result is bf16
    const uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    const bool preferred = prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace) &&
                           prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reductions) &&
                           prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(operands.b)) &&
                           prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(operands.a)) &&
                           prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(operands.y)) &&
                           prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(operands.y));
    if (!preferred) return false;
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    const auto status = library.cublasLtMatmulAlgoGetHeuristic(handle, product, first, second, result, result,
                                                               preference, 1, &best, &found);
    algorithm = best.algo;
    return status == CUBLAS_STATUS_SUCCESS && found == 1;
  }
};

const Products::Library& Products::library() {
  static const Library& opened = *new Library;  // for as long as the process: sessions may end last of all
  return opened;
}

std::string Products::about() {
  if (!library().problem.empty()) return library().problem;
  const std::size_t version = library().cublasLtGetVersion();
  return "cuBLASLt " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

Products::Products() {
  cublasLtHandle_t made = nullptr;
  if (!library().problem.empty() || library().cublasLtCreate(&made) != CUBLAS_STATUS_SUCCESS) return;
  if (cudaMalloc(&workspace_, kWorkspace + kBiasBytes) == cudaSuccess) {
    handle_ = made;
  } else {
    cudaGetLastError();  // it would be told again by the next call
    library().cublasLtDestroy(made);
  }
}

Products::~Products() {
  plans_.clear();
  if (workspace_) cudaFree(workspace_);
  if (handle_) library().cublasLtDestroy(static_cast<cublasLtHandle_t>(handle_));
}

void* Products::bias_room(int64_t columns) const {
  if (!handle_ || 2 * columns > kBiasBytes) return nullptr;
  return static_cast<std::byte*>(workspace_) + kWorkspace;
}

bool Products::multiply(const dialect::Product& p, const gpu::ProductOperands& operands, const void* bias,
                        cudaStream_t stream, Status& status) {
  if (!handle_ || p.mode != dialect::product_batched || p.format != dialect::weights_plain) return false;
  if (p.a_bf16 != p.b_bf16 || (!p.a_bf16 && p.y_bf16)) return false;  // operands are of one kind
  if (p.m == 0 || p.n == 0 || p.k == 0) return false;
  auto& plan = plans_[{p.m, p.n, p.k, p.a_row, p.a_column, p.b_row, p.b_column, p.y_row, p.a_step, p.b_step,
                       p.y_step, operands.batch, p.a_bf16, p.y_bf16, p.has_bias, alignment(operands.a),
                       alignment(operands.b), alignment(operands.y)}];
  const auto handle = static_cast<cublasLtHandle_t>(handle_);
  if (!plan) {
    plan = std::make_unique<Plan>();
    plan->usable = plan->describe(p, operands.batch) && plan->choose(handle, operands);
  }
  if (!plan->usable) return false;
  if (p.has_bias && !plan->set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias)) return false;
  const float one = 1.0f, beta = p.accumulate ? 1.0f : 0.0f;
  const auto result = library().cublasLtMatmul(
      handle, plan->product, &one, operands.b, plan->first, operands.a, plan->second, &beta, operands.y,
      plan->result, operands.y, plan->result, &plan->algorithm, workspace_, kWorkspace, stream);
  status = result == CUBLAS_STATUS_SUCCESS ? Status() : library().failed(result);
  return true;
}

#else

struct Products::Plan {};

Products::Products() = default;
Products::~Products() = default;

std::string Products::about() {
  return "our own kernels, for cublasLt.h was not found while building: install cuBLAS of the CUDA toolkit "
         "(libcublas-dev) and call ./run --setup";
}
void* Products::bias_room(int64_t) const { return nullptr; }
bool Products::multiply(const dialect::Product&, const gpu::ProductOperands&, const void*, cudaStream_t,
                        Status&) {
  return false;
}

#endif

}  // namespace sluice::cuda
