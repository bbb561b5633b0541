// What the kernels of attention share: the operands, and which keys a block of queries may see.
#pragma once

#include "floats.h"
#include "product.h"

namespace sluice::cpu::SLUICE_ISA {

struct Attention {
  int64_t batch, queries, keys, heads, key_heads, depth, value_depth;
  DType dtype;  // of q, k, v, o and their gradients
  const void *q, *k, *v;
  const float* bias;
  const int32_t *q_segments, *k_segments;
  const int32_t* q_start = nullptr;  // [1] or [batch]
  int64_t starts = 0, window;
  bool causal;
  float scale, softcap;
  Gemm gemm;

  Attention(const KernelCall& call, int at, int segments, const Tensor& bias_tensor) {
    const Shape &qs = call.in[at].shape, &ks = call.in[at + 1].shape;
    batch = qs[0], queries = qs[1], heads = qs[2], depth = qs[3];
    keys = ks[1], key_heads = ks[2], value_depth = call.in[at + 2].shape[3];
    dtype = call.in[at].dtype;
    q = call.in[at].data, k = call.in[at + 1].data, v = call.in[at + 2].data;
    bias = bias_tensor ? bias_tensor.f32() : nullptr;
    q_segments = call.in[segments].i32(), k_segments = call.in[segments + 1].i32();
    window = call.integer("window");
    causal = call.integer("causal");
    scale = call.real("scale"), softcap = call.real("softcap");
    gemm = call.gemm;
  }

  bool narrow() const { return dtype == DType::bf16; }
  const void* row(const void* data, int64_t at) const { return advance(data, dtype, at); }
  int64_t key_head(int64_t head) const { return head / (heads / key_heads); }

  /** Index of the first query of row b among its keys. */
  int64_t start(int64_t b) const { return starts ? q_start[starts > 1 ? b : 0] : 0; }
};

struct SegmentRange {  // of the non-zero segments; empty: least > most
  int32_t least = INT32_MAX, most = INT32_MIN;
  bool padding = false;
};

inline SegmentRange range_of(const int32_t* segments, int64_t begin, int64_t end) {
  SegmentRange range;
  for (int64_t i = begin; i < end; i++) {
    if (segments[i] == 0) {
      range.padding = true;
      continue;
    }
    range.least = std::min(range.least, segments[i]);
    range.most = std::max(range.most, segments[i]);
  }
  return range;
}

/** The keys that causality and the window leave to queries [first, last). */
inline void key_range(const Attention& a, int64_t b, int64_t first, int64_t last, int64_t& begin,
                      int64_t& end) {
  begin = a.window > 0 ? std::max<int64_t>(0, a.start(b) + first - a.window + 1) : 0;
  end = a.causal ? std::min(a.keys, a.start(b) + last) : a.keys;
}

/** Kernels for what takes_strips() says; results as those of attention.cpp. */
void attend_in_strips(const Attention& a, ThreadPool& pool, const Sink& out, float* lse);
/** Of attention_grad. */
void differentiate_in_strips(const Attention& a, const KernelCall& call);

inline bool takes_strips(const Attention& a) {
#if defined(__AVX512F__)
  constexpr int64_t kDeepest = 256;
  const bool operands = !a.narrow() || (kMultipliesBf16 && a.depth % 2 == 0 && a.value_depth % 2 == 0);
  return operands && a.depth <= kDeepest && a.value_depth <= kDeepest;
#else
  return a.depth < 0;  // never
#endif
}

}  // namespace sluice::cpu::SLUICE_ISA
