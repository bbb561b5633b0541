#include "onednn-matmul.h"

#if defined(SLUICE_ONEDNN)

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include <oneapi/dnnl/dnnl.hpp>

#include "../../core/thread-pool.h"

namespace sluice::cpu {
namespace {

using Key = std::array<int64_t, 7>;  // m, n, k, the strides of rows, flags

struct Prepared {
  dnnl::matmul product;
  dnnl::memory a, b, c;  // without data until a product runs
};

/** What one thread has prepared; a primitive's working memory is of the thread that made it. */
struct Shapes {
  // generated code is small; this many shapes a process meets only where its inputs never repeat
  static constexpr size_t kMost = 1024;
  dnnl::engine cpu{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{cpu};
  std::map<Key, std::optional<Prepared>> known;
};

dnnl::memory::desc described(int64_t rows, int64_t columns, int64_t stride, bool transposed) {
  const dnnl::memory::dims strides =
      transposed ? dnnl::memory::dims{1, stride} : dnnl::memory::dims{stride, 1};
  return {{rows, columns}, dnnl::memory::data_type::f32, strides};
}

std::optional<Prepared> prepare(const Shapes& shapes, const GemmCall& call) {
  const dnnl::memory::desc a = described(call.m, call.k, call.lda, call.trans_a);
  const dnnl::memory::desc b = described(call.k, call.n, call.ldb, call.trans_b);
  const dnnl::memory::desc c = described(call.m, call.n, call.ldc, false);
  dnnl::primitive_attr adding;
  if (call.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    adding.set_post_ops(sum);
  }
  try {
#if DNNL_VERSION_MAJOR >= 3
    const dnnl::matmul::primitive_desc chosen(shapes.cpu, a, b, c, adding);
#else
    const dnnl::matmul::primitive_desc chosen(dnnl::matmul::desc(a, b, c), adding, shapes.cpu);
#endif
    if (std::strncmp(chosen.impl_info_str(), "brg", 3) != 0) return {};
    const auto empty = [&](const dnnl::memory::desc& desc) {
      return dnnl::memory(desc, shapes.cpu, DNNL_MEMORY_NONE);
    };
    return Prepared{dnnl::matmul(chosen), empty(a), empty(b), empty(c)};
  } catch (const dnnl::error&) {
    return {};
  }
}

}  // namespace

bool onednn_matmul(const GemmCall& whole, void* workspace) {
  thread_local Shapes shapes;
  GemmCall call = whole;
  // generated code writes whole rows only: a part of wider ones is made aside, which costs little where it is
  // deep
  constexpr int64_t kDeep = 64;
  const bool aside = whole.ldc != whole.n;
  if (aside) {
    if (whole.k < kDeep ||
        4 * whole.m * whole.n > static_cast<int64_t>(ThreadPool::kWorkspaceBytes) - kTileBytes)
      return false;
    call.c = static_cast<char*>(workspace) + kTileBytes, call.ldc = whole.n, call.accumulate = false;
  }
  const Key key{call.m,
                call.n,
                call.k,
                call.lda,
                call.ldb,
                call.ldc,
                call.trans_a + 2 * call.trans_b + 4 * call.accumulate};
  auto found = shapes.known.find(key);
  if (found == shapes.known.end()) {
    if (shapes.known.size() >= Shapes::kMost) shapes.known.clear();
    found = shapes.known.emplace(key, prepare(shapes, call)).first;
  }
  if (!found->second) return false;
  Prepared& prepared = *found->second;
  prepared.a.set_data_handle(const_cast<void*>(call.a));
  prepared.b.set_data_handle(const_cast<void*>(call.b));
  prepared.c.set_data_handle(call.c);
  prepared.product.execute(
      shapes.stream,
      {{DNNL_ARG_SRC, prepared.a}, {DNNL_ARG_WEIGHTS, prepared.b}, {DNNL_ARG_DST, prepared.c}});
  for (int64_t i = 0; aside && i < whole.m; i++) {
    const float* from = static_cast<const float*>(call.c) + i * whole.n;
    float* to = static_cast<float*>(whole.c) + i * whole.ldc;
    if (whole.accumulate)
      std::transform(from, from + whole.n, to, to, std::plus<float>());
    else
      std::memcpy(to, from, static_cast<size_t>(whole.n) * 4);
  }
  return true;
}

}  // namespace sluice::cpu

#endif
