// Attention of bf16 on matrix units, backward: one kernel for dk and dv, whose groups own keys and go through
// the queries that see them, and one for dq, whose groups own queries and go through the keys. Scores are
// computed again in both; nothing is added by two groups, so the sums have a fixed order.
// With delta = sum(do * o): p = exp(s - lse), ds = p (do v^T - delta), with a softcap c also times 1 -
// (s/c)^2; dv = p^T do, dk = scale ds^T q, dq = scale ds k.
#pragma once

#include "flash-tile.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** Keys of a group of the kernel for dk and dv, and queries of its tiles. */
#define FLASH_OWN_KEYS(depth) ((depth) > 64 ? 64 : 128)
#define FLASH_TILE_QUERIES 32
/** Group memory: keys and values, two tiles of queries and do, and of lse and delta. */
#define FLASH_DKV_BYTES(depth) \
  ((2 * FLASH_OWN_KEYS(depth) + 4 * FLASH_TILE_QUERIES) * (depth)*2 + 16 * FLASH_TILE_QUERIES)
/** Queries of a group of the kernel for dq, and keys of its tiles. */
#define FLASH_OWN_QUERIES(depth) ((depth) > 96 ? 64 : 128)
#define FLASH_TILE_KEYS 32
/** Group memory: queries and do, and two tiles of keys and values. */
#define FLASH_DQ_BYTES(depth) ((2 * FLASH_OWN_QUERIES(depth) + 4 * FLASH_TILE_KEYS) * (depth)*2)

/** scores become p, and do v^T - delta becomes ds. lse (times log2(e)) of an element: of its row or column.
 */
template <int rows, int columns, typename LseOf>
FN void find_weights(float (&scores)[rows][columns][4], float (&ds)[rows][columns][4], const Attention& p,
                     LseOf lse_of, float to_log2) {
  if (p.softcap > 0) {
    const float uncap = 1.0f / p.softcap;
    FN_UNROLL
    for (int i = 0; i < rows * columns * 4; i++) {
      const int r = i / 4 / columns, n = i / 4 % columns, at = i % 4;
      const float s = scores[r][n][at] * uncap;
      ds[r][n][at] *= s > -INFINITY ? 1.0f - s * s : 0.0f;
    }
  }
  FN_UNROLL
  for (int i = 0; i < rows * columns * 4; i++) {
    const int r = i / 4 / columns, n = i / 4 % columns, at = i % 4;
    const float weight = exp2_fast(scores[r][n][at] * to_log2 - lse_of(r, n, at));
    scores[r][n][at] = weight, ds[r][n][at] *= weight;
  }
}

/** Rows of sums into y, of which `there` are its own; the first one's numbers begin at `at`, each next one's
 * `stride` further. */
template <int rows, int columns>
FN void store_sums(void* y, int at, int stride, const float (&sums)[rows][columns][4], float scale, int there,
                   int lane, int is_bf16) {
  FN_UNROLL
  for (int i = 0; i < 2 * rows; i++) {
    const int row = lane / 4 + 8 * i;
    if (row >= there) continue;
    FN_UNROLL
    for (int n = 0; n < columns; n++)
      store_pair(y, at + row * stride + 8 * n + lane % 4 * 2, scale * sums[i / 2][n][i % 2 * 2],
                 scale * sums[i / 2][n][i % 2 * 2 + 1], is_bf16);
  }
}

template <int depth>
FN void flash_dkv(const bf16* d_o, const bf16* q, const bf16* k, const bf16* v, const float* lse,
                  const float* delta, const int* q_segments, const int* k_segments, void* dk, void* dv,
                  const Attention& p, int64 group, int thread) {
  constexpr int kKeys = FLASH_OWN_KEYS(depth), kQueries = FLASH_TILE_QUERIES;
  constexpr int kRows = kKeys / (FLASH_THREADS / SUBGROUP) / 16;  // of a subgroup, 16 each
  SIZED_GROUP_MEMORY(bf16, memory);
  const Tile<depth> k_tile{memory}, v_tile{memory + kKeys * depth};
  const auto q_tile = [&](int stage) {
    return Tile<depth>{memory + (2 * kKeys + 2 * stage * kQueries) * depth};
  };
  const auto do_tile = [&](int stage) { return Tile<depth>{q_tile(stage).memory + kQueries * depth}; };
  float* const of_rows =
      reinterpret_cast<float*>(memory + (2 * kKeys + 4 * kQueries) * depth);  // [stage][lse, delta]
  const int lane = thread % SUBGROUP, base = thread / SUBGROUP * 16 * kRows;

  // the first keys of a head are seen by the most queries: they come first
  const int64 tiles = (p.keys + kKeys - 1) / kKeys, first = group % tiles * kKeys;
  const int64 key_head = group / tiles % p.key_heads, b = group / tiles / p.key_heads;
  const int keys = int(p.keys - first), queries = int(p.queries);  // keys from `first` on
  const int sharing = int(p.heads / p.key_heads), stride = int(p.heads) * depth,
            k_stride = int(p.key_heads) * depth;
  const int last =
      p.window > 0 ? int(first) + kKeys - 1 + int(p.window) : queries;  // the first query past the window
  const int begin = p.causal ? int(first) / kQueries * kQueries : 0, end = last < queries ? last : queries;
  const int own_at = int(key_at(p, b, first, key_head * sharing, depth));
  const int q_at = int(query_at(p, b, 0, key_head * sharing, depth));
  const int row_at = int((b * p.heads + key_head * sharing) * p.queries);
  const int q_row = int(b) * queries, k_row = int(b) * int(p.keys) + int(first);  // of segments

  copy_tile<kKeys, FLASH_THREADS>(k_tile, k + own_at, k_stride, keys, thread);
  copy_tile<kKeys, FLASH_THREADS>(v_tile, v + own_at, k_stride, keys, thread);
  Segments<kKeys / SUBGROUP> held;
  held.load(k_segments + k_row, keys, lane);
  const SegmentRange own = held.range(kKeys, lane);

  // as in flash-attention.h, for all heads that share these keys, one after another
  Segments<kQueries / SUBGROUP> segments;
  bool alike = false;  // with all of the group's own
  int next = begin, head = 0;
  float of_row = 0.0f;  // lse or delta of one of the tile's queries
  const auto begin_tile = [&](int stage) {
    for (;; segments.load(q_segments + q_row + next, queries - next, lane)) {
      if (next >= end) {
        next = begin;
        if (++head >= sharing || begin >= end) {
          head = sharing;
          return;
        }
        continue;
      }
      const SegmentRange range = segments.range(kQueries, lane);
      alike = range.is_one_with(own);
      if (range.may_meet(own)) break;
      next += kQueries;
    }
    const int at = q_at + next * stride + head * depth;
    copy_tile<kQueries, FLASH_THREADS>(q_tile(stage), q + at, stride, queries - next, thread);
    copy_tile<kQueries, FLASH_THREADS>(do_tile(stage), d_o + at, stride, queries - next, thread);
    const int t = next + thread % kQueries;
    if (thread < 2 * kQueries && t < queries) {
      const int row = row_at + head * queries + t;
      of_row = thread < kQueries ? lse[row] * LOG2_E : delta[row];
    }
  };
  const auto keep_rows = [&](int stage) {
    if (thread < 2 * kQueries) of_rows[2 * stage * kQueries + thread] = of_row;
  };
  segments.load(q_segments + q_row + next, queries - next, lane);
  begin_tile(0);
  keep_rows(0);
  commit_async();

  float sums_k[kRows][depth / 8][4] = {}, sums_v[kRows][depth / 8][4] = {};
  for (int stage = 0; head < sharing; stage ^= 1) {
    wait_async<0>();
    BARRIER();
    const Segments<kQueries / SUBGROUP> now = segments;
    const bool all_alike = alike;
    const Band band = Band::of_queries(p, int(first) + base - next);
    next += kQueries;
    segments.load(q_segments + q_row + next, queries - next, lane);
    begin_tile(stage ^ 1);
    commit_async();
    if (!band.has_none(16 * kRows, kQueries)) {
      float scores[kRows][kQueries / 8][4] = {}, ds[kRows][kQueries / 8][4];
      add_scores(scores, k_tile, base, q_tile(stage), lane);
      const float to_log2 = cap(scores, p);
      if (!band.has_all(16 * kRows, kQueries)) hide_outside(scores, band, lane);
      if (!all_alike) hide_others(scores, k_segments + k_row + base, keys - base, now, lane);
      const float* rows = of_rows + 2 * stage * kQueries + lane % 4 * 2;
      FN_UNROLL
      for (int i = 0; i < kRows * kQueries / 2; i++)
        ds[i / 4 / (kQueries / 8)][i / 4 % (kQueries / 8)][i % 4] =
            -rows[kQueries + 8 * (i / 4 % (kQueries / 8)) + i % 2];
      add_scores(ds, v_tile, base, do_tile(stage), lane);
      find_weights(
          scores, ds, p, [&](int, int n, int at) { return rows[8 * n + at % 2]; }, to_log2);
      add_weighted(sums_v, scores, do_tile(stage), lane);
      add_weighted(sums_k, ds, q_tile(stage), lane);
    }
    keep_rows(stage ^ 1);
  }
  const int to = own_at + base * k_stride;
  store_sums(dk, to, k_stride, sums_k, p.scale, keys - base, lane, p.dk_bf16);
  store_sums(dv, to, k_stride, sums_v, 1.0f, keys - base, lane, p.dv_bf16);
}

template <int depth>
FN void flash_dq(const bf16* d_o, const bf16* q, const bf16* k, const bf16* v, const float* lse,
                 const float* delta, const int* q_segments, const int* k_segments, void* dq,
                 const Attention& p, int64 group, int thread) {
  constexpr int kQueries = FLASH_OWN_QUERIES(depth), kKeys = FLASH_TILE_KEYS,
                kRows = kQueries / (FLASH_THREADS / SUBGROUP) / 16;
  SIZED_GROUP_MEMORY(bf16, memory);
  const Tile<depth> q_tile{memory}, do_tile{memory + kQueries * depth};
  const auto k_tile = [&](int stage) {
    return Tile<depth>{memory + (2 * kQueries + 2 * stage * kKeys) * depth};
  };
  const auto v_tile = [&](int stage) { return Tile<depth>{k_tile(stage).memory + kKeys * depth}; };
  const int lane = thread % SUBGROUP, base = thread / SUBGROUP * 16 * kRows;

  const int64 tiles = (p.queries + kQueries - 1) / kQueries, first = (tiles - 1 - group % tiles) * kQueries;
  const int64 head = group / tiles % p.heads, b = group / tiles / p.heads;
  const int queries = int(p.queries - first), keys = int(p.keys), place = int(first);
  const int end_place = place + (queries < kQueries ? queries : kQueries);
  const int end = p.causal && end_place < keys ? end_place : keys;
  const int stride = int(p.heads) * depth, k_stride = int(p.key_heads) * depth;
  const int own_at = int(query_at(p, b, first, head, depth));
  const int kv_at = int(key_at(p, b, 0, head, depth));
  q_segments += b * p.queries + first, k_segments += b * p.keys;

  copy_tile<kQueries, FLASH_THREADS>(q_tile, q + own_at, stride, queries, thread);
  copy_tile<kQueries, FLASH_THREADS>(do_tile, d_o + own_at, stride, queries, thread);
  Segments<kQueries / SUBGROUP> held;
  held.load(q_segments, queries, lane);
  const SegmentRange own = held.range(queries, lane);
  float of_lse[kRows][2], of_delta[kRows][2];
  FN_UNROLL
  for (int i = 0; i < 2 * kRows; i++) {
    const int t = base + lane / 4 + 8 * i;
    const int64 row = (b * p.heads + head) * p.queries + first + (t < queries ? t : 0);
    of_lse[i / 2][i % 2] = lse[row] * LOG2_E, of_delta[i / 2][i % 2] = delta[row];
  }

  Segments<kKeys / SUBGROUP> segments;
  bool alike = false;  // with all of the group's own
  const auto begin_tile = [&](int at, int stage) {
    for (;; segments.load(k_segments + at, keys - at, lane)) {
      if (at >= end) return at;
      const SegmentRange range = segments.range(kKeys, lane);
      alike = range.is_one_with(own);
      if (range.may_meet(own)) break;
      at += kKeys;
    }
    const int from = kv_at + at * k_stride;
    copy_tile<kKeys, FLASH_THREADS>(k_tile(stage), k + from, k_stride, keys - at, thread);
    copy_tile<kKeys, FLASH_THREADS>(v_tile(stage), v + from, k_stride, keys - at, thread);
    return at;
  };
  const int begin = p.window > 0 && place >= p.window ? (place - int(p.window) + 1) / kKeys * kKeys : 0;
  segments.load(k_segments + begin, keys - begin, lane);
  int next = begin_tile(begin, 0);
  commit_async();

  float sums[kRows][depth / 8][4] = {};
  for (int stage = 0; next < end; stage ^= 1) {
    wait_async<0>();
    BARRIER();
    const Segments<kKeys / SUBGROUP> now = segments;
    const bool all_alike = alike;
    const Band band = Band::of_keys(p, place + base - next);
    next += kKeys;
    segments.load(k_segments + next, keys - next, lane);
    next = begin_tile(next, stage ^ 1);
    commit_async();
    if (band.has_none(16 * kRows, kKeys)) continue;

    float scores[kRows][kKeys / 8][4] = {}, ds[kRows][kKeys / 8][4];
    add_scores(scores, q_tile, base, k_tile(stage), lane);
    const float to_log2 = cap(scores, p);
    if (!band.has_all(16 * kRows, kKeys)) hide_outside(scores, band, lane);
    if (!all_alike) hide_others(scores, q_segments + base, queries - base, now, lane);
    FN_UNROLL
    for (int i = 0; i < kRows * kKeys / 2; i++)
      ds[i / 4 / (kKeys / 8)][i / 4 % (kKeys / 8)][i % 4] = -of_delta[i / 4 / (kKeys / 8)][i % 4 / 2];
    add_scores(ds, do_tile, base, v_tile(stage), lane);
    find_weights(
        scores, ds, p, [&](int r, int, int at) { return of_lse[r][at / 2]; }, to_log2);
    add_weighted(sums, ds, k_tile(stage), lane);
  }
  store_sums(dq, own_at + base * stride, stride, sums, p.scale, queries - base, lane, p.dq_bf16);
}

/** A group per tile of keys of a key head, and per tile of queries of a head, in the order of
 * flash-attention.h. */
#define FLASH_ATTENTION_GRAD(depth)                                                                         \
  KERNEL_OF(FLASH_THREADS, 2, flash_attention_dkv_##depth, READS(0, bf16, d_o), READS(1, bf16, q),          \
            READS(2, bf16, k), READS(3, bf16, v), READS(4, float, lse), READS(5, float, delta),             \
            READS(6, int, q_segments), READS(7, int, k_segments), WRITES(8, void, dk), WRITES(9, void, dv), \
            PARAMS(10, Attention)) {                                                                        \
    flash_dkv<depth>(d_o, q, k, v, lse, delta, q_segments, k_segments, dk, dv, p, GROUP, THREAD);           \
  }                                                                                                         \
  KERNEL_OF(FLASH_THREADS, 2, flash_attention_dq_##depth, READS(0, bf16, d_o), READS(1, bf16, q),           \
            READS(2, bf16, k), READS(3, bf16, v), READS(4, float, lse), READS(5, float, delta),             \
            READS(6, int, q_segments), READS(7, int, k_segments), WRITES(8, void, dq),                      \
            PARAMS(9, Attention)) {                                                                         \
    flash_dq<depth>(d_o, q, k, v, lse, delta, q_segments, k_segments, dq, p, GROUP, THREAD);                \
  }
FLASH_ATTENTION_GRAD(64)
FLASH_ATTENTION_GRAD(96)
FLASH_ATTENTION_GRAD(128)

DIALECT_END

#endif
