// Projection and cross-entropy in chunks of tokens: a product gives a chunk's logits, a group per token reads
// them, and two products take the gradient on. Logits never exist for more than a chunk.
#include "../kernels/loss.h"
#include "../call.h"

namespace sluice::gpu {
namespace {

// of f32 logits: large, for the weight's gradient is read and written once a chunk
constexpr int64_t kChunkBytes = int64_t{512} << 20;

struct Projection {
  const Tensor &h, &w, &labels;
  int64_t tokens, words, width, chunk;
  dialect::LossRows rows;
  float* logits = nullptr;
  void* slopes = nullptr;  // dlogits, as w is stored

  Projection(Call& call, int at) : h(call.in(at)), w(call.in(at + 1)), labels(call.in(at + 2)) {
    tokens = h.shape[0], words = w.shape[0], width = h.shape[1];
    chunk = std::min(tokens, std::max<int64_t>(64, kChunkBytes / 4 / words / 64 * 64));
    rows = {words, call.real("softcap"), call.number(), is_bf16(w)};
  }

  Status reserve(Call& call, bool with_slopes) {
    const int64_t logit_bytes = (chunk * words * 4 + 255) / 256 * 256;
    const int64_t slope_bytes = with_slopes ? chunk * words * size_of(w.dtype) : 0;
    auto* memory = static_cast<std::byte*>(call.workspace(logit_bytes + slope_bytes));
    if (!memory) return Status::error("no memory for one chunk of logits");
    logits = reinterpret_cast<float*>(memory);
    slopes = memory + logit_bytes;
    return {};
  }

  const void* token_row(const Tensor& x, int64_t token) const {
    return static_cast<const std::byte*>(x.data) + token * width * size_of(x.dtype);
  }

  /** logits [count, words] = h w^T. */
  Status project(Call& call, int64_t first, int64_t count) const {
    dialect::Product product{};
    product.m = count, product.n = words, product.k = width;
    product.a_row = width, product.a_column = 1;
    product.b_row = 1, product.b_column = width;
    product.y_row = words;
    product.a_bf16 = is_bf16(h), product.b_bf16 = is_bf16(w);
    return call.multiply(product, {token_row(h, first), w.data, nullptr, nullptr, nullptr, logits});
  }

  Status losses(Call& call, int64_t first, int64_t count) const {
    return call.launch(Kernel::loss_rows, {count},
                       {logits, labels.i32() + first, call.out(0).f32() + first, call.out(1).f32() + first,
                        call.out(2).f32() + first, call.bad()},
                       rows);
  }

  /** `step(first, count)` chunk by chunk, with the logits of `count` tokens from `first` on in place. */
  template <typename Step>
  Status each_chunk(Call& call, Step step) const {
    for (int64_t first = 0; first < tokens; first += chunk) {
      const int64_t count = std::min(chunk, tokens - first);
      SLUICE_TRY(project(call, first, count));
      SLUICE_TRY(step(first, count));
    }
    return {};
  }

  /** slopes from logits, then dh = slopes w and dw += slopes^T h. */
  Status gradients(Call& call, int64_t first, int64_t count, const float* lse, const float* dloss,
                   const Tensor& dh, const Tensor& dw, bool kept = false) const {
    SLUICE_TRY(call.launch(Kernel::loss_rows_grad, {count},
                           {logits, labels.i32() + first, lse + first, dloss + first, slopes}, rows));
    dialect::Product product{};
    product.m = count, product.n = width, product.k = words;
    product.a_row = words, product.a_column = 1;
    product.b_row = width, product.b_column = 1;
    product.y_row = width;
    product.a_bf16 = product.b_bf16 = is_bf16(w), product.y_bf16 = is_bf16(dh);
    SLUICE_TRY(call.multiply(
        product, {slopes, w.data, nullptr, nullptr, nullptr, const_cast<void*>(token_row(dh, first))}));
    if (!dw) return {};
    product.m = words, product.k = count;
    product.a_row = 1, product.a_column = words;
    product.b_bf16 = is_bf16(h), product.y_bf16 = is_bf16(dw);
    product.accumulate = kept || first > 0;
    return call.multiply(product, {slopes, token_row(h, first), nullptr, nullptr, nullptr, dw.data});
  }
};

/** h, w, labels and dloss are the inputs from `at` on; dw is added to what is there where it is `kept`. */
Status train(Call& call, int at, const Tensor& dw, bool kept) {
  Projection loss(call, at);
  SLUICE_TRY(loss.reserve(call, true));
  return loss.each_chunk(call, [&](int64_t first, int64_t count) {
    SLUICE_TRY(loss.losses(call, first, count));
    return loss.gradients(call, first, count, call.out(1).f32(), call.in(at + 3).f32(), call.out(3), dw,
                          kept);
  });
}

}  // namespace

Status op_linear_cross_entropy(Call& call) {
  Projection loss(call, 0);
  SLUICE_TRY(loss.reserve(call, false));
  return loss.each_chunk(call, [&](int64_t first, int64_t count) { return loss.losses(call, first, count); });
}

Status op_linear_cross_entropy_grad(Call& call) {
  Projection loss(call, 1);
  SLUICE_TRY(loss.reserve(call, true));
  return loss.each_chunk(call, [&](int64_t first, int64_t count) {
    return loss.gradients(call, first, count, call.in(4).f32(), call.in(0).f32(), call.out(0), call.out(1));
  });
}

Status op_linear_cross_entropy_train(Call& call) { return train(call, 0, call.out(4), false); }

Status op_accumulate_linear_cross_entropy_train(Call& call) { return train(call, 1, call.in(0), true); }

}  // namespace sluice::gpu
