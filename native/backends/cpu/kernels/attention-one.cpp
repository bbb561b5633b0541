// Attention of one query per row, as in a step of decoding: the keys and values a query sees are read once.
//   s = scale q k (+ bias), with softcap c > 0: s = c tanh(s / c); o = sum of softmax(s) v
// Keys are taken in blocks that begin at multiples of kKeys, and everything is added in the order of the
// keys, so that the result does not depend on the capacity of the cache or on the other rows.
//
// A key of all heads is read before the next key, as they lie in memory, asked for ahead: 178 keys of 8 heads
// of 64 take 34 us on one core, 22 of them a plain read; head by head 75, as asked for 53, unasked 58.
#include <cstring>

#include "kernels.h"
#include "lanes-math.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kKeys = 256;    // of a block
constexpr int64_t kTogether = 4;  // keys that are taken side by side
constexpr int64_t kScores = kKeys + kTogether;

/** Some heads of one row; those of `share` queries in turn read the same keys. */
struct Heads {
  int64_t count, share, depth, value_depth;
  const float *q, *k, *v;  // q [count,depth]; k and v of the first key
  int64_t k_step, v_step;  // from one key to the next
  const float* bias;       // [count,bias_step] or null
  int64_t bias_step;
  const int32_t* segments;  // of the keys
  int32_t segment;
  int64_t begin, end;  // the keys within sight
  float scale, softcap;
  float *s, *o, *most, *total;  // [count,kScores], [count,value_depth], [count], [count]
};

/** The cache line of `at` some keys further on, into the second cache; asked into the first it is lost again.
 */
SLUICE_LANES void ask_ahead(const float* at, int64_t step) {
  constexpr int64_t kKeysAhead = 6;
  __builtin_prefetch(at + kKeysAhead * step, 0, 2);
}

/** q times the keys from k on, `count` <= kTogether of them; the last stands in for those that are missing.
 */
Lanes4 multiply_keys(const float* q, const float* k, int64_t step, int64_t count, int64_t depth) {
  const float* rows[kTogether];
  for (int64_t j = 0; j < kTogether; j++) rows[j] = k + std::min(j, count - 1) * step;
  Lanes16 sums[kTogether] = {};
  int64_t i = 0;
  for (; i + kLanes16 <= depth; i += kLanes16) {
    const Lanes16 left = load16(q + i);
#pragma GCC unroll 4
    for (int64_t j = 0; j < kTogether; j++) {
      ask_ahead(rows[j] + i, step);
      sums[j] += left * load16(rows[j] + i);
    }
  }
  if (i < depth) {
    const Lanes16 left = load_some(q + i, depth - i);
    for (int64_t j = 0; j < kTogether; j++) sums[j] += left * load_some(rows[j] + i, depth - i);
  }
  return totals16(sums[0], sums[1], sums[2], sums[3]);
}

/** s = q k of the keys [begin, end), at s[key - first]; nothing where no key of kTogether is seen. */
void multiply_block(const Heads& a, int64_t first, int64_t begin, int64_t end) {
  for (int64_t key = begin; key < end; key += kTogether) {
    const int64_t count = std::min(kTogether, end - key);
    bool seen = false;
    for (int64_t j = 0; j < count; j++) seen |= a.segments[key + j] == a.segment;
    for (int64_t head = 0; seen && head < a.count; head++) {
      const float* k = a.k + key * a.k_step + head / a.share * a.depth;
      const Lanes4 products = multiply_keys(a.q + head * a.depth, k, a.k_step, count, a.depth);
      std::memcpy(a.s + head * kScores + key - first, &products, sizeof(products));
    }
  }
}

/** Scores of the keys [begin, end) from q k; -inf for keys of other segments and for the rest of s[wide]. */
void score_block(const Heads& a, int64_t head, int64_t first, int64_t begin, int64_t end, int64_t wide) {
  float* const s = a.s + head * kScores;
  float* const scores = s + begin - first;
  const int64_t count = end - begin;
  for (int64_t i = 0; i < count; i++) scores[i] *= a.scale;
  if (a.bias) {
    const float* bias = a.bias + head * a.bias_step + begin;
    for (int64_t i = 0; i < count; i++) scores[i] += bias[i];
  }
  if (a.softcap > 0) {
    const float uncap = 1.0f / a.softcap;
    for (int64_t i = 0; i < count; i++) scores[i] = a.softcap * tanh_f32(scores[i] * uncap);
  }
  const int32_t* segments = a.segments + begin;
  for (int64_t i = 0; i < count; i++) scores[i] = segments[i] == a.segment ? scores[i] : -INFINITY;
  std::fill(s, scores, -INFINITY);
  std::fill(scores + count, s + wide, -INFINITY);
}

/** The largest of s[wide] and `most`. */
float largest(const float* s, int64_t wide, float most) {
  Lanes16 lanes = splat16(most);
  for (int64_t i = 0; i < wide; i += kLanes16) lanes = greater(load16(s + i), lanes);
  float each[kLanes16];
  store16(each, lanes);
  for (const float score : each) most = std::max(most, score);
  return most;
}

/** s[wide] becomes weights against the largest score so far, and what was summed before follows suit. */
void weigh_block(const Heads& a, int64_t head, int64_t wide) {
  float* const s = a.s + head * kScores;
  const float before = a.most[head], most = largest(s, wide, before);
  if (most == -INFINITY) return std::fill(s, s + wide, 0.0f);  // no key was seen yet
  Lanes16 sum = {};
  for (int64_t i = 0; i < wide; i += kLanes16) {
    const Lanes16 weights = exp_negative16(load16(s + i) - most);
    store16(s + i, weights);
    sum += weights;
  }
  const float keep = exp_f32(before - most);  // 0 for the first block with a visible key
  a.total[head] = a.total[head] * keep + total16(sum);
  a.most[head] = most;
  float* o = a.o + head * a.value_depth;
  for (int64_t d = 0; keep != 1.0f && d < a.value_depth; d++) o[d] *= keep;
}

/** kParts times sixteen columns of o += weights v, over `count` keys. */
template <int kParts>
inline __attribute__((always_inline)) void add_columns(const float* weights, const float* v, int64_t step,
                                                       int64_t count, float* o) {
  Lanes16 sums[kParts];
#pragma GCC unroll 4
  for (int i = 0; i < kParts; i++) sums[i] = load16(o + i * kLanes16);
  for (int64_t j = 0; j < count; j++, v += step) {
    if (weights[j] == 0) continue;
#pragma GCC unroll 4
    for (int i = 0; i < kParts; i++) {
      ask_ahead(v + i * kLanes16, step);
      sums[i] += load16(v + i * kLanes16) * weights[j];
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kParts; i++) store16(o + i * kLanes16, sums[i]);
}

/** o += weights v over the keys [begin, end). */
void add_values(const Heads& a, int64_t first, int64_t begin, int64_t end) {
  for (int64_t key = begin; key < end; key += kTogether) {
    const int64_t count = std::min(kTogether, end - key);
    for (int64_t head = 0; head < a.count; head++) {
      const float* weights = a.s + head * kScores + key - first;
      const float* v = a.v + key * a.v_step + head / a.share * a.value_depth;
      float* o = a.o + head * a.value_depth;
      int64_t d = 0;
      for (; d + 4 * kLanes16 <= a.value_depth; d += 4 * kLanes16)
        add_columns<4>(weights, v + d, a.v_step, count, o + d);
      for (; d + kLanes16 <= a.value_depth; d += kLanes16)
        add_columns<1>(weights, v + d, a.v_step, count, o + d);
      for (int64_t j = 0; j < count && d < a.value_depth; j++) {
        if (weights[j] == 0) continue;
        for (int64_t i = d; i < a.value_depth; i++) o[i] += weights[j] * v[j * a.v_step + i];
      }
    }
  }
}

void attend(const Heads& a, float* lse) {
  std::fill(a.o, a.o + a.count * a.value_depth, 0.0f);
  std::fill(a.most, a.most + a.count, -INFINITY);
  std::fill(a.total, a.total + a.count, 0.0f);
  for (int64_t first = a.begin / kKeys * kKeys; first < a.end && a.segment; first += kKeys) {
    const int64_t begin = std::max(first, a.begin), end = std::min(first + kKeys, a.end);
    const int64_t wide = (end - first + kLanes16 - 1) / kLanes16 * kLanes16;
    multiply_block(a, first, begin, end);
    for (int64_t head = 0; head < a.count; head++) {
      score_block(a, head, first, begin, end, wide);
      weigh_block(a, head, wide);
    }
    add_values(a, first, begin, end);
  }
  for (int64_t head = 0; head < a.count; head++) {
    const float total = a.total[head], scale = total > 0 ? 1.0f / total : 0.0f;
    float* o = a.o + head * a.value_depth;
    for (int64_t d = 0; d < a.value_depth; d++) o[d] *= scale;
    lse[head] = total > 0 ? a.most[head] + std::log(total) : 0.0f;
  }
}

}  // namespace

void attend_one_query(const KernelCall& call) {
  const Shape &qs = call.in[0].shape, &ks = call.in[1].shape;
  const int64_t rows = qs[0], heads = qs[2], keys = ks[1], key_heads = ks[2], share = heads / key_heads;
  const int64_t window = call.integer("window");
  const bool causal = call.integer("causal");
  const Tensor& start = call.in[5];
  Heads all;
  all.share = share, all.depth = qs[3], all.value_depth = call.in[2].shape[3];
  all.k_step = key_heads * all.depth, all.v_step = key_heads * all.value_depth;
  all.bias_step = keys;
  all.scale = call.real("scale"), all.softcap = call.real("softcap");
  // key heads of a piece: all of a row, where there are rows enough for every thread; as many as have room
  const int64_t threads = rows >= 4 * call.pool.threads() ? 1 : call.pool.threads();
  const int64_t room = static_cast<int64_t>(ThreadPool::kWorkspaceBytes) / 4 / (kScores + 2) / share;
  const int64_t most = std::clamp<int64_t>((key_heads + threads - 1) / threads, 1, room);
  const int64_t parts = (key_heads + most - 1) / most;
  call.pool.run(rows * parts, [&](int64_t piece, void* workspace) {
    const int64_t row = piece / parts, group = piece % parts * most, head = group * share;
    const int64_t at = row * heads + head;
    Heads a = all;
    a.count = std::min(most, key_heads - group) * share;
    a.q = call.in[0].f32() + at * a.depth;
    a.k = call.in[1].f32() + row * keys * a.k_step + group * a.depth;
    a.v = call.in[2].f32() + row * keys * a.v_step + group * a.value_depth;
    a.bias = call.in[6] ? call.in[6].f32() + head * keys : nullptr;
    a.segments = call.in[4].i32() + row * keys;
    a.segment = call.in[3].i32()[row];
    const int64_t place = start ? start.i32()[start.count() > 1 ? row : 0] : 0;
    a.end = causal ? std::min(keys, place + 1) : keys;
    a.begin = window > 0 ? std::max<int64_t>(0, place - window + 1) : 0;
    a.o = call.out[0].f32() + at * a.value_depth;
    a.s = static_cast<float*>(workspace);
    a.most = a.s + a.count * kScores, a.total = a.most + a.count;
    attend(a, call.out[1].f32() + at);
  });
}

}  // namespace sluice::cpu::SLUICE_ISA
