// Attention of one query per row, as in a step of decoding: the keys and values a query sees are read once.
//   s = scale q k (+ bias), with softcap c > 0: s = c tanh(s / c); o = sum of softmax(s) v
// Keys are taken in blocks that begin at multiples of kKeys, and everything is added in the order of the
// keys, so that the result does not depend on the capacity of the cache or on the other rows.
#include "kernels.h"
#include "lanes.h"
#include "vector-math.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kKeys = 256, kWidest = 512;  // of a block; the widest head

struct OneQuery {
  int64_t keys, key_heads, share, depth, value_depth, window;
  const float *k, *v;
  float scale, softcap;
  bool causal;
};

float dot(const float* a, const float* b, int64_t size) {
  Lanes16 sum = {};
  int64_t i = 0;
  for (; i + kLanes16 <= size; i += kLanes16) sum += load16(a + i) * load16(b + i);
  if (i < size) sum += load_some(a + i, size - i) * load_some(b + i, size - i);
  return total16(sum);
}

/** One query head at index `place` of its row's keys. `s` holds kKeys floats. */
void attend(const OneQuery& a, const float* q, const float* bias, const int32_t* segments, int32_t segment,
            int64_t place, float* s, float* out, float* lse) {
  const int64_t end = a.causal ? std::min(a.keys, place + 1) : a.keys;
  const int64_t begin = a.window > 0 ? std::max<int64_t>(0, place - a.window + 1) : 0;
  float o[kWidest] = {};
  float most = -INFINITY, total = 0;
  const float uncap = a.softcap > 0 ? 1.0f / a.softcap : 0.0f;
  for (int64_t first = begin / kKeys * kKeys; first < end && segment; first += kKeys) {
    const int64_t last = std::min(first + kKeys, end), wide = (last - first + 15) / 16 * 16;
    std::fill(s, s + wide, -INFINITY);
    float block_most = most;
    for (int64_t key = std::max(first, begin); key < last; key++) {
      if (segments[key] != segment) continue;
      float score = dot(q, a.k + key * a.key_heads * a.depth, a.depth) * a.scale;
      if (bias) score += bias[key];
      if (a.softcap > 0) score = a.softcap * tanh_f32(score * uncap);
      s[key - first] = score;
      block_most = std::max(block_most, score);
    }
    if (block_most == -INFINITY) continue;
    Lanes16 sum = {};
    for (int64_t i = 0; i < wide; i += kLanes16) {
      for (int64_t j = i; j < i + kLanes16; j++) s[j] = exp_negative(s[j] - block_most);
      sum += load16(s + i);
    }
    const float keep = exp_f32(most - block_most);  // 0 for the first block with a visible key
    total = total * keep + total16(sum);
    most = block_most;
    if (keep != 1.0f) {
      for (int64_t d = 0; d < a.value_depth; d++) o[d] *= keep;
    }
    for (int64_t key = std::max(first, begin); key < last; key++) {
      const float weight = s[key - first];
      if (weight == 0) continue;
      const float* v = a.v + key * a.key_heads * a.value_depth;
#pragma GCC ivdep
      for (int64_t d = 0; d < a.value_depth; d++) o[d] += weight * v[d];
    }
  }
  const float scale = total > 0 ? 1.0f / total : 0.0f;
  for (int64_t d = 0; d < a.value_depth; d++) out[d] = o[d] * scale;
  *lse = total > 0 ? most + std::log(total) : 0.0f;
}

}  // namespace

void attend_one_query(const KernelCall& call) {
  const Shape &qs = call.in[0].shape, &ks = call.in[1].shape;
  const int64_t heads = qs[2];
  OneQuery a;
  a.keys = ks[1], a.key_heads = ks[2], a.share = heads / ks[2];
  a.depth = qs[3], a.value_depth = call.in[2].shape[3];
  a.window = call.integer("window"), a.causal = call.integer("causal");
  a.scale = call.real("scale"), a.softcap = call.real("softcap");
  const Tensor& start = call.in[5];
  call.pool.run(qs[0] * ks[2], [&](int64_t piece, void* workspace) {
    const int64_t b = piece / ks[2], group = piece % ks[2];
    OneQuery row = a;
    row.k = call.in[1].f32() + (b * a.keys * a.key_heads + group) * a.depth;
    row.v = call.in[2].f32() + (b * a.keys * a.key_heads + group) * a.value_depth;
    const int64_t place = start ? start.i32()[start.count() > 1 ? b : 0] : 0;
    for (int64_t head = group * a.share; head < (group + 1) * a.share; head++) {
      const int64_t at = b * heads + head;
      attend(row, call.in[0].f32() + at * a.depth, call.in[6] ? call.in[6].f32() + head * a.keys : nullptr,
             call.in[4].i32() + b * a.keys, call.in[3].i32()[b], place, static_cast<float*>(workspace),
             call.out[0].f32() + at * a.value_depth, call.out[1].f32() + at);
    }
  });
}

}  // namespace sluice::cpu::SLUICE_ISA
