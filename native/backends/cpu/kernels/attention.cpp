// Attention in blocks of queries and keys; scores exist only for one block at a time.
//   s = scale q k^T (+ bias), with softcap c > 0: s = c tanh(s / c)
//   p = exp(s - lse) over the keys a query sees, o = p v
// Backward, per block, with delta = sum(do * o):
//   dv += p^T do, ds = p (do v^T - delta), dbias += ds', dq += scale ds' k, dk += scale ds'^T q,
//   where ds' = ds (1 - (s / c)^2) with a softcap, else ds
// With bf16 operands scores, weights and sums are f32 too; p and ds are narrowed for their products.
// What AVX-512 does better is in attention-strips.h, one query per row over a cache in attention-one.cpp.
#include <cstring>

#include "attention.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kQueries = 64, kKeys = 128;  // of one block

/** Queries [first, last) against keys [begin, end) of one batch row. */
struct Block {
  int64_t b, first, last, begin, end;
  int64_t queries() const { return last - first; }
  int64_t keys() const { return end - begin; }
};

enum class Sight { none, some, all };  // of the block's pairs

Sight sight_of(const Attention& a, const Block& block) {
  const int64_t low = a.start(block.b) + block.first, high = a.start(block.b) + block.last - 1;
  if (a.causal && block.begin > high) return Sight::none;
  if (a.window > 0 && block.end - 1 <= low - a.window) return Sight::none;
  const SegmentRange q = range_of(a.q_segments + block.b * a.queries, block.first, block.last);
  const SegmentRange k = range_of(a.k_segments + block.b * a.keys, block.begin, block.end);
  if (q.least > k.most || k.least > q.most || q.least > q.most || k.least > k.most) return Sight::none;
  const bool one = q.least == q.most && k.least == k.most && q.least == k.least && !q.padding && !k.padding;
  const bool causal = !a.causal || block.end - 1 <= low;
  const bool window = a.window <= 0 || block.begin > high - a.window;
  return one && causal && window ? Sight::all : Sight::some;
}

/** s[queries, kKeys] of one head: scaled, biased, capped, and -inf where the query does not see the key. */
void scores(const Attention& a, const Block& block, int64_t head, Sight sight, float* s, void* workspace) {
  GemmCall call;
  call.trans_b = true;
  call.m = block.queries(), call.n = block.keys(), call.k = a.depth;
  call.operands = a.dtype;
  call.a = a.row(a.q, ((block.b * a.queries + block.first) * a.heads + head) * a.depth);
  call.lda = a.heads * a.depth;
  call.b = a.row(a.k, ((block.b * a.keys + block.begin) * a.key_heads + a.key_head(head)) * a.depth);
  call.ldb = a.key_heads * a.depth;
  call.c = s;
  call.ldc = kKeys;
  multiply(a.gemm, call, workspace);

  const float scale = a.scale, softcap = a.softcap, uncap = softcap > 0 ? 1.0f / softcap : 0.0f;
  const int64_t keys = block.keys();
  const int32_t* k_segments = a.k_segments + block.b * a.keys + block.begin;
  for (int64_t i = 0; i < block.queries(); i++) {
    float* row = s + i * kKeys;
    for (int64_t j = 0; j < keys; j++) row[j] *= scale;
    if (a.bias) {
      const float* bias = a.bias + (head * a.queries + block.first + i) * a.keys + block.begin;
      for (int64_t j = 0; j < keys; j++) row[j] += bias[j];
    }
    if (softcap > 0) {
      for (int64_t j = 0; j < keys; j++) row[j] = softcap * tanh_f32(row[j] * uncap);
    }
    if (sight == Sight::all) continue;
    const int32_t segment = a.q_segments[block.b * a.queries + block.first + i];
    const int64_t place =
        a.start(block.b) + block.first + i - block.begin;  // of the query among the block's keys
    const int32_t past = static_cast<int32_t>(a.causal ? std::clamp<int64_t>(place + 1, 0, keys) : keys);
    const int32_t from =
        static_cast<int32_t>(a.window > 0 ? std::clamp<int64_t>(place - a.window + 1, 0, keys) : 0);
    for (int32_t j = 0; j < keys; j++) {
      const bool seen = (k_segments[j] == segment) & (segment != 0) & (j < past) & (j >= from);
      row[j] = seen ? row[j] : -INFINITY;
    }
  }
}

/** A tile [rows, kKeys] as an operand beside bf16 ones: itself, or narrowed into `to`. */
const void* operand(const Attention& a, const float* tile, int64_t rows, uint16_t* to) {
  if (!a.narrow()) return tile;
  narrow(tile, to, rows * kKeys);
  return to;
}

/** Workspace of one forward block. */
struct Running {
  float* s;      // [kQueries, kKeys]
  float* o;      // [kQueries, value_depth], not yet divided by the sum
  float* most;   // [kQueries]
  float* total;  // [kQueries]
  uint16_t* p;   // [kQueries, kKeys], beside bf16 values

  Running(void* workspace, int64_t value_depth) : s(static_cast<float*>(workspace)) {
    o = s + kQueries * kKeys;
    most = o + kQueries * value_depth;
    total = most + kQueries;
    p = reinterpret_cast<uint16_t*>(total + kQueries);
  }
};

/** Softmax step: rescales what was summed so far to the new maximum and turns scores into weights. */
void weigh(const Running& at, int64_t queries, int64_t keys, int64_t value_depth) {
  // whole vectors, so that keys past the last visible one change no bit of the sum
  const int64_t wide = (keys + 15) / 16 * 16;
  for (int64_t i = 0; i < queries; i++) {
    float* row = at.s + i * kKeys;
    std::fill(row + keys, row + wide, -INFINITY);
    float most = at.most[i];
#pragma omp simd reduction(max : most)
    for (int64_t j = 0; j < keys; j++) most = row[j] > most ? row[j] : most;
    if (most == -INFINITY) {
      std::memset(row, 0, static_cast<size_t>(keys) * sizeof(float));
      continue;
    }
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t j = 0; j < wide; j++) {
      const float p = exp_negative(row[j] - most);
      row[j] = p;
      total += p;
    }
    const float keep = exp_f32(at.most[i] - most);  // 0 for the first block with a visible key
    at.total[i] = at.total[i] * keep + total;
    at.most[i] = most;
    if (keep != 1.0f) {
      float* o = at.o + i * value_depth;
      for (int64_t d = 0; d < value_depth; d++) o[d] *= keep;
    }
  }
}

void forward_block(const Attention& a, int64_t b, int64_t head, int64_t first, int64_t last, const Sink& out,
                   float* lse, void* workspace) {
  const Running at(workspace, a.value_depth);
  const int64_t queries = last - first;
  std::fill(at.o, at.o + queries * a.value_depth, 0.0f);
  std::fill(at.most, at.most + queries, -INFINITY);
  std::fill(at.total, at.total + queries, 0.0f);
  int64_t begin, end;
  key_range(a, b, first, last, begin, end);
  for (int64_t key = begin / kKeys * kKeys; key < end; key += kKeys) {
    const Block block{b, first, last, key, std::min(key + kKeys, end)};
    const Sight sight = sight_of(a, block);
    if (sight == Sight::none) continue;
    scores(a, block, head, sight, at.s, workspace);
    weigh(at, queries, block.keys(), a.value_depth);
    GemmCall call;
    call.m = queries, call.n = a.value_depth, call.k = block.keys();
    call.operands = a.dtype;
    call.a = operand(a, at.s, queries, at.p), call.lda = kKeys;
    call.b = a.row(a.v, ((b * a.keys + block.begin) * a.key_heads + a.key_head(head)) * a.value_depth);
    call.ldb = a.key_heads * a.value_depth;
    call.c = at.o, call.ldc = a.value_depth;
    call.accumulate = true;
    multiply(a.gemm, call, workspace);
  }
  for (int64_t i = 0; i < queries; i++) {
    const float total = at.total[i], scale = total > 0 ? 1.0f / total : 0.0f;
    const int64_t place = ((b * a.queries + first + i) * a.heads + head) * a.value_depth;
    float *from = at.o + i * a.value_depth, *to = out.open(place, from);
    for (int64_t d = 0; d < a.value_depth; d++) to[d] = from[d] * scale;
    out.close(place, a.value_depth, from);
    lse[(b * a.heads + head) * a.queries + first + i] = total > 0 ? at.most[i] + std::log(total) : 0.0f;
  }
}

struct Gradients {
  const void* up;            // do
  const float *lse, *delta;  // delta: sum(do * o) [batch, heads, queries]
  float* dq;                 // f32 sums, [batch, queries, heads, depth]
  Sink dk, dv;
  float* dbias;
};

/** f32 sums of one block of keys, [keys, ld]: the outputs themselves where those are f32. */
struct KeySums {
  float *dk, *dv;
  int64_t dk_ld, dv_ld;
};

/** Workspace of one backward block. */
struct Slopes {
  float *s, *dp;  // [kQueries, kKeys]
  uint16_t *narrow_s, *narrow_dp;
  float* sums;  // of KeySums beside bf16 outputs

  explicit Slopes(void* workspace) : s(static_cast<float*>(workspace)) {
    dp = s + kQueries * kKeys;
    narrow_s = reinterpret_cast<uint16_t*>(dp + kQueries * kKeys);
    narrow_dp = narrow_s + kQueries * kKeys;
    sums = reinterpret_cast<float*>(narrow_dp + kQueries * kKeys);
  }
};

/** sum_j p_j dp_j, which is sum(do * o) where these are all the keys that the query sees. Taken from dp
 * itself, what should cancel does: a query that sees one key gives exactly 0, and the gradients of short
 * sequences are those of a plain softmax. */
float sum_of_slopes(const float* s, const float* dp, int64_t keys, float lse) {
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t j = 0; j < keys; j++) total += exp_negative(s[j] - lse) * dp[j];
  return total;
}

/** Adds one block's share to dq and the key block's sums (and dbias). */
void backward_block(const Attention& a, const Gradients& g, const Block& block, int64_t head, Sight sight,
                    const KeySums& sums, void* workspace) {
  const Slopes at(workspace);
  const int64_t keys = block.keys(), queries = block.queries();
  const int64_t query_at = (block.b * a.queries + block.first) * a.heads + head;
  const int64_t key_at = (block.b * a.keys + block.begin) * a.key_heads + a.key_head(head);
  scores(a, block, head, sight, at.s, workspace);

  GemmCall call;
  call.trans_b = true;
  call.m = queries, call.n = keys, call.k = a.value_depth;
  call.operands = a.dtype;
  call.a = a.row(g.up, query_at * a.value_depth), call.lda = a.heads * a.value_depth;
  call.b = a.row(a.v, key_at * a.value_depth), call.ldb = a.key_heads * a.value_depth;
  call.c = at.dp, call.ldc = kKeys;
  multiply(a.gemm, call, workspace);

  const int64_t statistics = (block.b * a.heads + head) * a.queries + block.first;
  const float scale = a.scale, softcap = a.softcap, uncap = softcap > 0 ? 1.0f / softcap : 0.0f;
  int64_t seen_from, seen_to;
  key_range(a, block.b, block.first, block.last, seen_from, seen_to);
  const bool sees_all = block.begin <= seen_from && seen_to <= block.end;
  for (int64_t i = 0; i < queries; i++) {
    float *row = at.s + i * kKeys, *slope = at.dp + i * kKeys;
    const float lse = g.lse[statistics + i];
    const float delta = sees_all ? sum_of_slopes(row, slope, keys, lse) : g.delta[statistics + i];
    if (softcap > 0) {
#pragma GCC ivdep
      for (int64_t j = 0; j < keys; j++) {
        const float p = exp_negative(row[j] - lse), t = row[j] * uncap;
        slope[j] = p > 0 ? p * (slope[j] - delta) * (1.0f - t * t) : 0.0f;
        row[j] = p;
      }
    } else {
#pragma GCC ivdep
      for (int64_t j = 0; j < keys; j++) {
        const float p = exp_negative(row[j] - lse);
        slope[j] = p * (slope[j] - delta);
        row[j] = p;
      }
    }
    if (g.dbias) {
      float* dbias = g.dbias + (head * a.queries + block.first + i) * a.keys + block.begin;
      for (int64_t j = 0; j < keys; j++) dbias[j] += slope[j];
    }
    for (int64_t j = 0; j < keys; j++) slope[j] *= scale;
  }

  const void *p = operand(a, at.s, queries, at.narrow_s), *ds = operand(a, at.dp, queries, at.narrow_dp);
  GemmCall into;
  into.operands = a.dtype;
  into.accumulate = true;
  // dv += p^T do
  into.trans_a = true;
  into.m = keys, into.n = a.value_depth, into.k = queries;
  into.a = p, into.lda = kKeys;
  into.b = a.row(g.up, query_at * a.value_depth), into.ldb = a.heads * a.value_depth;
  into.c = sums.dv, into.ldc = sums.dv_ld;
  multiply(a.gemm, into, workspace);
  // dk += ds^T q
  into.n = a.depth;
  into.a = ds;
  into.b = a.row(a.q, query_at * a.depth), into.ldb = a.heads * a.depth;
  into.c = sums.dk, into.ldc = sums.dk_ld;
  multiply(a.gemm, into, workspace);
  // dq += ds k
  into.trans_a = false;
  into.m = queries, into.k = keys;
  into.b = a.row(a.k, key_at * a.depth), into.ldb = a.key_heads * a.depth;
  into.c = g.dq + query_at * a.depth, into.ldc = a.heads * a.depth;
  multiply(a.gemm, into, workspace);
}

/** Where a block of keys sums up: in the outputs, zeroed beforehand, or beside bf16 ones in the workspace. */
KeySums key_sums(const Attention& a, const Gradients& g, int64_t place, int64_t keys, void* workspace) {
  float *dk = Slopes(workspace).sums, *dv = dk + kKeys * a.depth;
  std::fill(dk, dk + keys * a.depth, 0.0f);
  std::fill(dv, dv + keys * a.value_depth, 0.0f);
  return {g.dk.open(place * a.depth, dk), g.dv.open(place * a.value_depth, dv),
          g.dk.half ? a.depth : a.key_heads * a.depth,
          g.dv.half ? a.value_depth : a.key_heads * a.value_depth};
}

/** All of one batch row and key head, alone in writing its part of dq, dk and dv. */
void backward_head(const Attention& a, const Gradients& g, int64_t b, int64_t group, void* workspace) {
  const int64_t share = a.heads / a.key_heads;
  for (int64_t key = 0; key < a.keys; key += kKeys) {
    const int64_t place = (b * a.keys + key) * a.key_heads + group, keys = std::min(kKeys, a.keys - key);
    const KeySums sums = key_sums(a, g, place, keys, workspace);
    for (int64_t first = 0; first < a.queries; first += kQueries) {
      const int64_t last = std::min(first + kQueries, a.queries);
      const int64_t end = std::min({key + kKeys, a.keys, a.causal ? last : a.keys});
      if (end <= key) continue;
      const Block block{b, first, last, key, end};
      const Sight sight = sight_of(a, block);
      if (sight == Sight::none) continue;
      for (int64_t head = group * share; head < (group + 1) * share; head++) {
        backward_block(a, g, block, head, sight, sums, workspace);
      }
    }
    for (int64_t i = 0; i < keys; i++) {
      g.dk.close((place + i * a.key_heads) * a.depth, a.depth, sums.dk + i * a.depth);
      g.dv.close((place + i * a.key_heads) * a.value_depth, a.value_depth, sums.dv + i * a.value_depth);
    }
  }
}

void zero(ThreadPool& pool, float* data, int64_t count) {
  in_pieces(pool, count, kElements, [=](int64_t begin, int64_t end, void*) {
    std::memset(data + begin, 0, static_cast<size_t>(end - begin) * sizeof(float));
  });
}

}  // namespace

Status kernel_attention(const KernelCall& call) {
  Attention a(call, 0, 3, call.in[6]);
  if (call.in[5]) a.q_start = call.in[5].i32(), a.starts = call.in[5].count();
  for (int64_t i = 0; i < a.starts; i++) {
    if (a.q_start[i] < 0) return Status::error(format("q_start %d is negative", a.q_start[i]));
  }
  if (a.queries == 1 && a.starts && !a.narrow()) {  // a step of decoding over a cache
    attend_one_query(call);
    return {};
  }
  const Sink out(call.out[0]);
  float* lse = call.out[1].f32();
#if defined(__AVX512F__)
  if (takes_strips(a)) {
    attend_in_strips(a, call.pool, out, lse);
    return {};
  }
#endif
  const int64_t blocks = (a.queries + kQueries - 1) / kQueries, rows = a.batch * a.heads;
  // the last queries see most keys: they go first, so that no thread ends long after the others
  call.pool.run(blocks * rows, [&](int64_t piece, void* workspace) {
    const int64_t row = piece % rows, first = (blocks - 1 - piece / rows) * kQueries;
    forward_block(a, row / a.heads, row % a.heads, first, std::min(first + kQueries, a.queries), out, lse,
                  workspace);
  });
  return {};
}

Status kernel_attention_grad(const KernelCall& call) {
  const Attention a(call, 1, 6, call.in[8]);
#if defined(__AVX512F__)
  if (takes_strips(a)) {
    differentiate_in_strips(a, call);
    return {};
  }
#endif
  const Source up(call.in[0]), o(call.in[4]);
  float* delta = static_cast<float*>(call.scratch);
  const Tensor &dq = call.out[0], &dbias = call.out[3];
  float* sums = Sink(dq).open(0, delta + a.batch * a.heads * a.queries);
  const Gradients g{call.in[0].data,
                    call.in[5].f32(),
                    delta,
                    sums,
                    Sink(call.out[1]),
                    Sink(call.out[2]),
                    dbias ? dbias.f32() : nullptr};
  zero(call.pool, sums, dq.count());
  for (int i : {1, 2, 3}) {
    const Tensor& sum = call.out[i];
    if (sum && sum.dtype == DType::f32) zero(call.pool, sum.f32(), sum.count());
  }
  in_pieces(call.pool, a.batch * a.queries * a.heads, rows_per_piece(a.value_depth),
            [&](int64_t begin, int64_t end, void* workspace) {
              float *read_up = static_cast<float*>(workspace), *read_o = read_up + a.value_depth;
              for (int64_t i = begin; i < end; i++) {
                const float* slope = up.read(i * a.value_depth, a.value_depth, read_up);
                const float* value = o.read(i * a.value_depth, a.value_depth, read_o);
                float total = 0;
#pragma omp simd reduction(+ : total)
                for (int64_t d = 0; d < a.value_depth; d++) total += slope[d] * value[d];
                const int64_t head = i % a.heads, place = i / a.heads;  // place = b * queries + query
                delta[(place / a.queries * a.heads + head) * a.queries + place % a.queries] = total;
              }
            });
  // with dbias every batch row adds to the same values, so one piece takes all rows of a head in order
  const int64_t together = g.dbias ? a.batch : 1;
  call.pool.run(a.batch * a.key_heads / together, [&](int64_t piece, void* workspace) {
    for (int64_t i = 0; i < together; i++) {
      backward_head(a, g, piece / a.key_heads + i, piece % a.key_heads, workspace);
    }
  });
  if (!Sink(dq).half) return {};
  in_pieces(call.pool, dq.count(), kElements,
            [&](int64_t begin, int64_t end, void*) { Sink(dq).close(begin, end - begin, sums + begin); });
  return {};
}

/** Pairs (i, i + R/2), or (2i, 2i+1) if interleaved, turn by position * inv_freq[i]; the rest is copied. */
Status kernel_rope(const KernelCall& call) {
  const Shape& shape = call.in[0].shape;
  const int64_t tokens = shape[0] * shape[1], heads = shape[2], depth = shape[3], half = call.in[2].count();
  const Source x(call.in[0]);
  const Sink y(call.out[0]);
  const float* frequency = call.in[2].f32();
  const int32_t* positions = call.in[1].i32();
  const float scale = call.real("scale"), sign = call.integer("inverse") ? -1.0f : 1.0f;
  const int64_t step = call.integer("interleaved") ? 2 : 1, other = step == 2 ? 1 : half;
  if (half > 4096) return Status::error("more than 4096 frequencies");
  in_pieces(call.pool, tokens, rows_per_piece(heads * depth),
            [=](int64_t begin, int64_t end, void* workspace) {
              float *cosine = static_cast<float*>(workspace), *sine = cosine + half;
              float *read = sine + half, *written = read + depth;
              for (int64_t token = begin; token < end; token++) {
                const float position = static_cast<float>(positions[token]);
#pragma GCC ivdep
                for (int64_t i = 0; i < half; i++) {
                  double s, c;
                  const float angle = position * frequency[i];  // rounded to f32, as the reference does
                  sincos_f64(angle, s, c);
                  cosine[i] = static_cast<float>(c) * scale;
                  sine[i] = static_cast<float>(s) * scale * sign;
                }
                for (int64_t head = 0; head < heads; head++) {
                  const int64_t at = (token * heads + head) * depth;
                  const float* from = x.read(at, depth, read);
                  float* to = y.open(at, written);
#pragma GCC ivdep
                  for (int64_t i = 0; i < half; i++) {
                    const float first = from[i * step], second = from[i * step + other];
                    to[i * step] = first * cosine[i] - second * sine[i];
                    to[i * step + other] = second * cosine[i] + first * sine[i];
                  }
                  if (to != from) std::copy(from + 2 * half, from + depth, to + 2 * half);
                  y.close(at, depth, written);
                }
              }
            });
  return {};
}

Status kernel_cache_write(const KernelCall& call) {
  const Tensor &cache = call.in[0], &x = call.in[1], &starts = call.in[2];
  const int64_t size = cache.shape[1], count = x.shape[1];
  const int64_t bytes = x.shape.product(2, x.shape.rank) * size_of(x.dtype);
  for (int64_t b = 0; b < x.shape[0]; b++) {
    const int64_t start = starts.i32()[starts.count() > 1 ? b : 0];
    if (start < 0 || start + count > size) {
      return Status::error(format("positions %lld .. %lld do not fit a cache of %lld",
                                  static_cast<long long>(start), static_cast<long long>(start + count - 1),
                                  static_cast<long long>(size)));
    }
    std::memcpy(static_cast<char*>(cache.data) + (b * size + start) * bytes,
                static_cast<const char*>(x.data) + b * count * bytes, static_cast<size_t>(count * bytes));
  }
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
