// Rotary positions, the KV cache, and the portable attention: a group per query, or per key for dk and dv.
// Where a backend has its own attention, this one is the fallback and the judge.
//   s = scale q k^T (+ bias), with softcap c > 0: s = c tanh(s / c); p = exp(s - lse) over the keys a query
//   sees, o = p v
// Backward with delta = sum(do * o): dv += p^T do, ds = p (do v^T - delta), dq += scale ds' k, dk += scale
// ds'^T q, dbias += ds', where ds' = ds (1 - (s / c)^2) with a softcap, else ds.
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

/** x [rows, heads, depth], positions [rows], inv_freq [rotated / 2]. */
struct Rope {
  int64 rows, heads, depth, rotated;
  int interleaved, inverse;
  float scale;
  int x_bf16, y_bf16;
};

/** A thread per pair, and per element that is not turned. */
KERNEL(rope, READS(0, void, x), READS(1, int, positions), READS(2, float, inv_freq), WRITES(3, void, y),
       PARAMS(4, Rope)) {
  const int64 pairs = p.rotated / 2, units = pairs + p.depth - p.rotated;
  const int64 i = AT;
  if (i >= p.rows * p.heads * units) return;
  const int64 vector = quotient(i, units), unit = i - vector * units, base = vector * p.depth;
  if (unit >= pairs) {
    const int64 at = base + p.rotated + unit - pairs;
    STORE(y, at, LOAD(x, at));
    return;
  }
  const int64 first = base + (p.interleaved ? 2 * unit : unit), second = first + (p.interleaved ? 1 : pairs);
  const float angle = float(positions[quotient(vector, p.heads)]) * inv_freq[unit];
  const float c = cos(angle) * p.scale, s = (p.inverse ? -sin(angle) : sin(angle)) * p.scale;
  const float a = LOAD(x, first), b = LOAD(x, second);
  STORE(y, first, a * c - b * s);
  STORE(y, second, b * c + a * s);
}

/** cache [batch, size, width], x [batch, length, width], start [1] or [batch]. */
struct CacheWrite {
  int64 batch, size, length, width;
  int starts, bytes, op;
};

KERNEL(cache_write, WRITES(0, void, cache), READS(1, void, x), READS(2, int, start), WRITES(3, int, bad),
       PARAMS(4, CacheWrite)) {
  const int64 i = AT;
  if (i >= p.batch * p.length * p.width) return;
  const int64 b = i / (p.length * p.width), t = i / p.width % p.length;
  const int64 first = start[p.starts > 1 ? b : 0];
  if (first < 0 || first + p.length > p.size) {
    lower(bad, p.op);
    return;
  }
  const int64 to = (b * p.size + first + t) * p.width + i % p.width;
  if (p.bytes == 4)
    ((DEVICE uint32*)cache)[to] = ((const DEVICE uint32*)x)[i];
  else
    ((DEVICE bf16*)cache)[to] = ((const DEVICE bf16*)x)[i];
}

#define ATTENTION_TILE 128
#define ATTENTION_WIDEST 512

struct Attention {
  int64 batch, queries, keys, heads, key_heads, depth, value_depth, window;
  int starts, causal, has_bias;  // starts: 0, 1 or batch
  float scale, softcap;
  int qkv_bf16;  // all three, and do, alike
  int o_bf16, dq_bf16, dk_bf16, dv_bf16;
};

FN bool sees(const CONSTANT Attention& p, const DEVICE int* q_segments, const DEVICE int* k_segments, int64 b,
             int64 t, int64 s, int64 start) {
  const int segment = q_segments[b * p.queries + t];
  return segment != 0 && segment == k_segments[b * p.keys + s] && (!p.causal || s <= start + t) &&
         (p.window <= 0 || s > start + t - p.window);
}

/** Places of the vectors of query t and key s. */
FN int64 query_at(const CONSTANT Attention& p, int64 b, int64 t, int64 head, int64 depth) {
  return ((b * p.queries + t) * p.heads + head) * depth;
}
FN int64 key_at(const CONSTANT Attention& p, int64 b, int64 s, int64 head, int64 depth) {
  return ((b * p.keys + s) * p.key_heads + head / (p.heads / p.key_heads)) * depth;
}

FN float dot(const DEVICE void* a, int64 at_a, int a_bf16, const DEVICE void* b, int64 at_b, int b_bf16,
             int64 count) {
  float sum = 0.0f;
  for (int64 i = 0; i < count; i++) sum += load_float(a, at_a + i, a_bf16) * load_float(b, at_b + i, b_bf16);
  return sum;
}

FN float score(const CONSTANT Attention& p, const DEVICE void* q, const DEVICE void* k,
               const DEVICE float* bias, int64 b, int64 t, int64 s, int64 head) {
  float value = p.scale * dot(q, query_at(p, b, t, head, p.depth), p.qkv_bf16, k,
                              key_at(p, b, s, head, p.depth), p.qkv_bf16, p.depth);
  if (p.has_bias) value += bias[(head * p.queries + t) * p.keys + s];
  return p.softcap > 0 ? p.softcap * tanh(value / p.softcap) : value;
}

/** What the softcap leaves of a gradient: 1 - (s / c)^2. */
FN float uncapped(const CONSTANT Attention& p, float s) {
  return p.softcap > 0 ? 1.0f - s / p.softcap * (s / p.softcap) : 1.0f;
}

/** A group of ATTENTION_TILE threads per query and head: GROUP = (b * heads + head) * queries + t. */
KERNEL(attention, READS(0, void, q), READS(1, void, k), READS(2, void, v), READS(3, int, q_segments),
       READS(4, int, k_segments), READS(5, int, q_start), READS(6, float, bias), WRITES(7, void, o),
       WRITES(8, float, lse), PARAMS(9, Attention)) {
  GROUP_MEMORY(float, shared, 32);
  GROUP_MEMORY(float, weights, ATTENTION_TILE);
  GROUP_MEMORY(float, sums, ATTENTION_WIDEST);
  const int64 t = GROUP % p.queries, head = GROUP / p.queries % p.heads, b = GROUP / p.queries / p.heads;
  const int64 start = p.starts ? q_start[p.starts > 1 ? b : 0] : 0;
  for (int64 i = THREAD; i < p.value_depth; i += THREADS) sums[i] = 0.0f;
  float most = -INFINITY, total = 0.0f;
  for (int64 first = 0; first < p.keys; first += THREADS) {
    const int64 s = first + THREAD;
    const bool seen = s < p.keys && sees(p, q_segments, k_segments, b, t, s, start);
    const float value = seen ? score(p, q, k, bias, b, t, s, head) : -INFINITY;
    const float tile_most = GROUP_MAX(value, shared);
    if (tile_most == -INFINITY) continue;
    const float next = tile_most > most ? tile_most : most, keep = exp(most - next);
    const float weight = seen ? exp(value - next) : 0.0f;
    weights[THREAD] = weight;
    total = total * keep + GROUP_SUM(weight, shared);
    most = next;
    for (int64 i = THREAD; i < p.value_depth; i += THREADS) {
      float sum = sums[i] * keep;
      for (int64 j = 0; j < THREADS && first + j < p.keys; j++) {
        if (weights[j] != 0.0f)
          sum += weights[j] * load_float(v, key_at(p, b, first + j, head, p.value_depth) + i, p.qkv_bf16);
      }
      sums[i] = sum;
    }
    BARRIER();
  }
  const int64 to = query_at(p, b, t, head, p.value_depth);
  for (int64 i = THREAD; i < p.value_depth; i += THREADS)
    STORE(o, to + i, total > 0 ? sums[i] / total : 0.0f);
  if (THREAD == 0) lse[(b * p.heads + head) * p.queries + t] = total > 0 ? most + log(total) : 0.0f;
}

/** delta [B,Hq,T] = do . o. A subgroup per query and head. */
KERNEL(attention_delta, READS(0, void, d_o), READS(1, void, o), WRITES(2, float, delta),
       PARAMS(3, Attention)) {
  const int64 i = AT / SUBGROUP;
  if (i >= p.batch * p.heads * p.queries) return;
  const int64 t = i % p.queries, head = i / p.queries % p.heads, b = i / p.queries / p.heads;
  const int64 at = query_at(p, b, t, head, p.value_depth);
  float sum = 0.0f;
  for (int64 d = THREAD % SUBGROUP; d < p.value_depth; d += SUBGROUP)
    sum += load_float(d_o, at + d, p.qkv_bf16) * load_float(o, at + d, p.o_bf16);
  sum = subgroup_sum(sum);
  if (THREAD % SUBGROUP == 0) delta[i] = sum;
}

/** ds' of one pair, and its weight p. */
struct PairGrad {
  float weight, ds;
};
FN PairGrad pair_grad(const CONSTANT Attention& p, const DEVICE void* d_o, const DEVICE void* q,
                      const DEVICE void* k, const DEVICE void* v, const DEVICE float* lse,
                      const DEVICE float* delta, const DEVICE float* bias, int64 b, int64 t, int64 s,
                      int64 head) {
  const int64 row = (b * p.heads + head) * p.queries + t;
  const float value = score(p, q, k, bias, b, t, s, head), weight = exp(value - lse[row]);
  const float up = dot(d_o, query_at(p, b, t, head, p.value_depth), p.qkv_bf16, v,
                       key_at(p, b, s, head, p.value_depth), p.qkv_bf16, p.value_depth);
  PairGrad pair = {weight, weight * (up - delta[row]) * uncapped(p, value)};
  return pair;
}

KERNEL(attention_dq, READS(0, void, d_o), READS(1, void, q), READS(2, void, k), READS(3, void, v),
       READS(4, float, lse), READS(5, float, delta), READS(6, int, q_segments), READS(7, int, k_segments),
       READS(8, float, bias), WRITES(9, void, dq), PARAMS(10, Attention)) {
  GROUP_MEMORY(float, slopes, ATTENTION_TILE);
  GROUP_MEMORY(float, sums, ATTENTION_WIDEST);
  const int64 t = GROUP % p.queries, head = GROUP / p.queries % p.heads, b = GROUP / p.queries / p.heads;
  for (int64 i = THREAD; i < p.depth; i += THREADS) sums[i] = 0.0f;
  for (int64 first = 0; first < p.keys; first += THREADS) {
    const int64 s = first + THREAD;
    const bool seen = s < p.keys && sees(p, q_segments, k_segments, b, t, s, 0);
    slopes[THREAD] = seen ? pair_grad(p, d_o, q, k, v, lse, delta, bias, b, t, s, head).ds : 0.0f;
    BARRIER();
    for (int64 i = THREAD; i < p.depth; i += THREADS) {
      for (int64 j = 0; j < THREADS && first + j < p.keys; j++) {
        if (slopes[j] != 0.0f)
          sums[i] += slopes[j] * load_float(k, key_at(p, b, first + j, head, p.depth) + i, p.qkv_bf16);
      }
    }
    BARRIER();
  }
  const int64 to = query_at(p, b, t, head, p.depth);
  for (int64 i = THREAD; i < p.depth; i += THREADS) STORE(dq, to + i, p.scale * sums[i]);
}

/** A group per key and key head: GROUP = (b * key_heads + key head) * keys + s. */
KERNEL(attention_dkv, READS(0, void, d_o), READS(1, void, q), READS(2, void, k), READS(3, void, v),
       READS(4, float, lse), READS(5, float, delta), READS(6, int, q_segments), READS(7, int, k_segments),
       READS(8, float, bias), WRITES(9, void, dk), WRITES(10, void, dv), PARAMS(11, Attention)) {
  GROUP_MEMORY(float, slopes, ATTENTION_TILE);
  GROUP_MEMORY(float, weights, ATTENTION_TILE);
  GROUP_MEMORY(float, sums_k, ATTENTION_WIDEST);
  GROUP_MEMORY(float, sums_v, ATTENTION_WIDEST);
  const int64 s = GROUP % p.keys, key_head = GROUP / p.keys % p.key_heads, b = GROUP / p.keys / p.key_heads;
  const int64 sharing = p.heads / p.key_heads;
  for (int64 i = THREAD; i < p.depth; i += THREADS) sums_k[i] = 0.0f;
  for (int64 i = THREAD; i < p.value_depth; i += THREADS) sums_v[i] = 0.0f;
  for (int64 head = key_head * sharing; head < (key_head + 1) * sharing; head++) {
    for (int64 first = 0; first < p.queries; first += THREADS) {
      const int64 t = first + THREAD;
      PairGrad pair = {0.0f, 0.0f};
      if (t < p.queries && sees(p, q_segments, k_segments, b, t, s, 0))
        pair = pair_grad(p, d_o, q, k, v, lse, delta, bias, b, t, s, head);
      slopes[THREAD] = pair.ds;
      weights[THREAD] = pair.weight;
      BARRIER();
      for (int64 j = 0; j < THREADS && first + j < p.queries; j++) {
        if (weights[j] == 0.0f) continue;
        const int64 at_q = query_at(p, b, first + j, head, p.depth);
        const int64 at_o = query_at(p, b, first + j, head, p.value_depth);
        for (int64 i = THREAD; i < p.depth; i += THREADS)
          sums_k[i] += slopes[j] * load_float(q, at_q + i, p.qkv_bf16);
        for (int64 i = THREAD; i < p.value_depth; i += THREADS)
          sums_v[i] += weights[j] * load_float(d_o, at_o + i, p.qkv_bf16);
      }
      BARRIER();
    }
  }
  const int64 vector = (b * p.keys + s) * p.key_heads + key_head;
  for (int64 i = THREAD; i < p.depth; i += THREADS) STORE(dk, vector * p.depth + i, p.scale * sums_k[i]);
  for (int64 i = THREAD; i < p.value_depth; i += THREADS) STORE(dv, vector * p.value_depth + i, sums_v[i]);
}

/** dbias [Hq,T,S]: a thread per element, over the batch. */
KERNEL(attention_dbias, READS(0, void, d_o), READS(1, void, q), READS(2, void, k), READS(3, void, v),
       READS(4, float, lse), READS(5, float, delta), READS(6, int, q_segments), READS(7, int, k_segments),
       READS(8, float, bias), WRITES(9, float, dbias), PARAMS(10, Attention)) {
  const int64 i = AT;
  if (i >= p.heads * p.queries * p.keys) return;
  const int64 s = i % p.keys, t = i / p.keys % p.queries, head = i / p.keys / p.queries;
  float sum = 0.0f;
  for (int64 b = 0; b < p.batch; b++) {
    if (sees(p, q_segments, k_segments, b, t, s, 0))
      sum += pair_grad(p, d_o, q, k, v, lse, delta, bias, b, t, s, head).ds;
  }
  dbias[i] = sum;
}

DIALECT_END
