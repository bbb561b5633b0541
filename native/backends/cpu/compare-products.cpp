#include "compare-products.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <thread>

#include "cpu-backend.h"

#if defined(SLUICE_ONEDNN)
#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>

// Exported, but in no header; absent from a library that leaves it out.
extern "C" __attribute__((weak)) dnnl_status_t dnnl_gemm_bf16bf16f32(char transa, char transb, dnnl_dim_t m,
                                                                     dnnl_dim_t n, dnnl_dim_t k, float alpha,
                                                                     const uint16_t* a, dnnl_dim_t lda,
                                                                     const uint16_t* b, dnnl_dim_t ldb,
                                                                     float beta, float* c, dnnl_dim_t ldc);
#endif

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;
using Multiply = std::function<Status()>;

double process_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/** Memory of the backend's own kind: large blocks on huge pages. */
struct Matrix {
  Backend& backend;
  Tensor tensor;
  int64_t bytes;

  Matrix(Backend& of, DType dtype, int64_t rows, int64_t columns) : backend(of) {
    tensor.dtype = dtype;
    tensor.shape.push(rows), tensor.shape.push(columns);
    bytes = tensor.count() * size_of(dtype);
    tensor.data = backend.allocate(bytes);
  }
  ~Matrix() { backend.release(tensor.data, bytes); }
  Matrix(const Matrix&) = delete;

  float at(int64_t i) const {
    if (tensor.dtype == DType::f32) return tensor.f32()[i];
    const uint32_t word = uint32_t{static_cast<const uint16_t*>(tensor.data)[i]} << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }

  /** Multiples of 1/64 between -1/2 and 1/2, which bf16 holds as they are. */
  void fill(uint32_t state) {
    for (int64_t i = 0; i < tensor.count(); i++) {
      state = state * 1664525 + 1013904223;
      const float value = static_cast<float>(static_cast<int>(state >> 26) - 32) / 64;
      uint32_t word;
      std::memcpy(&word, &value, sizeof word);
      if (tensor.dtype == DType::f32)
        tensor.f32()[i] = value;
      else
        static_cast<uint16_t*>(tensor.data)[i] = static_cast<uint16_t>(word >> 16);
    }
  }
};

double difference_of(const Matrix& one, const Matrix& other) {
  double largest = 1e-30, apart = 0;
  for (int64_t i = 0; i < one.tensor.count(); i++) {
    largest = std::max(largest, std::fabs(static_cast<double>(one.at(i))));
    const double distance = std::fabs(static_cast<double>(one.at(i)) - other.at(i));
    if (!(distance <= apart)) apart = distance;
  }
  return apart / largest;
}

#if defined(SLUICE_ONEDNN)

Status onednn_gemm(const ProductQuestion& q, const Matrix& a, const Matrix& b, const Matrix& c) {
  const char trans_a = q.trans_a ? 'T' : 'N', trans_b = q.trans_b ? 'T' : 'N';
  const int64_t lda = a.tensor.shape[1], ldb = b.tensor.shape[1];
  const dnnl_status_t status = q.operands == DType::f32
                                   ? dnnl_sgemm(trans_a, trans_b, q.m, q.n, q.k, 1.0f, a.tensor.f32(), lda,
                                                b.tensor.f32(), ldb, 0.0f, c.tensor.f32(), q.n)
                                   : dnnl_gemm_bf16bf16f32(trans_a, trans_b, q.m, q.n, q.k, 1.0f,
                                                           static_cast<const uint16_t*>(a.tensor.data), lda,
                                                           static_cast<const uint16_t*>(b.tensor.data), ldb,
                                                           0.0f, c.tensor.f32(), q.n);
  return status == dnnl_success ? Status{} : Status::error("oneDNN's gemm failed");
}

/** The matmul primitive on operands as they lie, made once. */
Multiply onednn_matmul(const ProductQuestion& q, const Matrix& a, const Matrix& b, const Matrix& c) {
  using namespace dnnl;
  using Tag = memory::format_tag;
  const auto type = [](DType dtype) {
    return dtype == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  };
  const engine cpu(engine::kind::cpu, 0);
  const auto described = [&](int64_t rows, int64_t columns, DType dtype, bool transposed) {
    return memory::desc({rows, columns}, type(dtype), transposed ? Tag::ba : Tag::ab);
  };
  const memory::desc left = described(q.m, q.k, q.operands, q.trans_a);
  const memory::desc right = described(q.k, q.n, q.operands, q.trans_b);
  const memory::desc result = described(q.m, q.n, q.result, false);
#if DNNL_VERSION_MAJOR >= 3
  const matmul::primitive_desc chosen(cpu, left, right, result);
#else
  const matmul::primitive_desc chosen(matmul::desc(left, right, result), cpu);
#endif
  return [product = matmul(chosen), of = stream(cpu), from = memory(left, cpu, a.tensor.data),
          by = memory(right, cpu, b.tensor.data), to = memory(result, cpu, c.tensor.data)]() mutable {
    product.execute(of, {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, by}, {DNNL_ARG_DST, to}});
    of.wait();
    return Status{};
  };
}

#endif

struct Contender {
  ProductTimes times;
  Multiply multiply;
  const Matrix* result;
};

Status take_turns(const ProductQuestion& q, std::vector<Contender>& contenders) {
  int64_t repeats = 1;
  for (Contender& each : contenders) {  // makes what is made once, and finds how many fill a turn
    if (Status status = each.multiply(); !status.ok()) return status;
    each.times.difference = difference_of(*contenders[0].result, *each.result);
    const auto start = Clock::now();
    if (Status status = each.multiply(); !status.ok()) return status;
    const double once = std::chrono::duration<double>(Clock::now() - start).count();
    repeats = std::max(repeats, static_cast<int64_t>(q.seconds / std::max(once, 1e-7)));
  }
  for (int turn = 0; turn < q.turns; turn++) {
    for (Contender& each : contenders) {
      // threads of the one before may still spin for work
      if (q.threads > 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (Status status = each.multiply(); !status.ok()) return status;
      const double cpu = process_seconds();
      const auto start = Clock::now();
      for (int64_t i = 0; i < repeats; i++) {
        if (Status status = each.multiply(); !status.ok()) return status;
      }
      const double wall = std::chrono::duration<double>(Clock::now() - start).count();
      const double count = static_cast<double>(repeats);
      each.times.turns.push_back({wall / count, (process_seconds() - cpu) / count});
    }
  }
  return {};
}

Status compare(const ProductQuestion& q, std::vector<ProductTimes>& out) {
  const std::unique_ptr<Backend> backend = make_cpu_backend(q.threads);
  Matrix a(*backend, q.operands, q.trans_a ? q.k : q.m, q.trans_a ? q.m : q.k);
  Matrix b(*backend, q.operands, q.trans_b ? q.n : q.k, q.trans_b ? q.k : q.n);
  Matrix own(*backend, q.result, q.m, q.n), wide(*backend, DType::f32, q.m, q.n),
      theirs(*backend, q.result, q.m, q.n);
  for (const Matrix* matrix : {&a, &b, &own, &wide, &theirs}) {
    if (!matrix->tensor) return Status::error("out of memory: a product's operands");
  }
  a.fill(1), b.fill(2);

  Op op;
  op.kind = OpKind::matmul;
  op.attributes.resize(2);
  op.attributes[0].integer = q.trans_a, op.attributes[1].integer = q.trans_b;
  const Tensor inputs[] = {a.tensor, b.tensor};
  Launch launch{&op, inputs, 2, &own.tensor, 1, nullptr, q.threads, false};
  std::vector<Contender> contenders;
#if defined(SLUICE_ONEDNN)
  const auto threaded = [threads = q.threads](Multiply multiply) -> Multiply {
    return [threads, multiply] {
      omp_set_num_threads(threads);
      return multiply();
    };
  };
  contenders.push_back({{"engine", {}, 0},
                        [&] {
                          omp_set_num_threads(1);  // threads are its own
                          return backend->launch(launch);
                        },
                        &own});
  if (q.operands == DType::f32 || dnnl_gemm_bf16bf16f32)
    contenders.push_back({{"gemm", {}, 0}, threaded([&] { return onednn_gemm(q, a, b, wide); }), &wide});
  omp_set_num_threads(q.threads);  // the primitive is made for so many
  contenders.push_back({{"matmul", {}, 0}, threaded(onednn_matmul(q, a, b, theirs)), &theirs});
#else
  contenders.push_back({{"engine", {}, 0}, [&] { return backend->launch(launch); }, &own});
#endif
  if (Status status = take_turns(q, contenders); !status.ok()) return status;
  for (Contender& each : contenders) out.push_back(std::move(each.times));
  return {};
}

}  // namespace

Status compare_products(const ProductQuestion& question, std::vector<ProductTimes>& out) {
  Status status;
  // on a thread that ends: OpenMP's setting and the library's buffers are of the thread that asks
  std::thread comparing([&] {
    try {
      status = compare(question, out);
    } catch (const std::exception& error) {
      status = Status::error(error.what());
    }
  });
  comparing.join();
  return status;
}

}  // namespace sluice
