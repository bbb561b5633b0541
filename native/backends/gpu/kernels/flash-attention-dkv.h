// dk and dv on matrix units: a group owns keys of a head and goes through the queries that see them, of every
// query head that shares them.
#pragma once

#include "flash-grad.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** Keys of a group, and queries of its tiles. */
#define FLASH_OWN_KEYS(depth) ((depth) > 64 ? 64 : 128)
#define FLASH_TILE_QUERIES 32
/** Group memory: keys and values, two tiles of queries and do, and of lse and delta. */
#define FLASH_DKV_BYTES(depth) \
  ((2 * FLASH_OWN_KEYS(depth) + 4 * FLASH_TILE_QUERIES) * (depth)*2 + 16 * FLASH_TILE_QUERIES)

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
  const int64 tiles = (p.keys + kKeys - 1) / kKeys;
  const int first = int(group % tiles) * kKeys;
  const int64 key_head = group / tiles % p.key_heads, b = group / tiles / p.key_heads;
  const int keys = int(p.keys) - first, queries = int(p.queries);  // keys from `first` on
  const int sharing = int(p.heads / p.key_heads), stride = int(p.heads) * depth,
            k_stride = int(p.key_heads) * depth;
  const int last =
      p.window > 0 ? first + kKeys - 1 + int(p.window) : queries;  // the first query past the window
  const int begin = p.causal ? first : 0, end = last < queries ? last : queries;
  const int own_at = int(key_at(p, b, first, key_head * sharing, depth));
  int q_at = int(query_at(p, b, 0, key_head * sharing, depth));
  int row_at = int((b * p.heads + key_head * sharing) * p.queries);
  const int k_row = int(b) * int(p.keys) + first;  // of segments
  q_segments += b * p.queries;

  copy_tile<kKeys, FLASH_THREADS>(k_tile, k + own_at, k_stride, keys, thread);
  copy_tile<kKeys, FLASH_THREADS>(v_tile, v + own_at, k_stride, keys, thread);
  Segments<kKeys / SUBGROUP> held;
  held.load(k_segments + k_row, keys, lane);
  const SegmentRange own = held.range(kKeys, lane);

  // as KeyTiles does, for all heads that share these keys, one after another
  Segments<kQueries / SUBGROUP> ahead;
  bool alike = false;
  int next = begin, heads = begin < end ? sharing : 0;  // heads that are left
  float of_row = 0.0f;                                  // lse or delta of one of the tile's queries
  const auto look_ahead = [&](int tile) { ahead.load(q_segments + tile, queries - tile, lane); };
  const auto go_on = [&]() {
    next += kQueries;
    if (next < end) return;
    next = begin, heads--, q_at += depth, row_at += queries;
  };
  const auto fetch = [&](int stage) {
    for (; heads > 0; go_on(), look_ahead(next)) {
      const SegmentRange range = ahead.range(kQueries, lane);
      alike = range.is_one_with(own);
      if (!range.may_meet(own)) continue;
      const int at = q_at + next * stride, t = next + thread % kQueries;
      copy_tile<kQueries, FLASH_THREADS>(q_tile(stage), q + at, stride, queries - next, thread);
      copy_tile<kQueries, FLASH_THREADS>(do_tile(stage), d_o + at, stride, queries - next, thread);
      if (thread < 2 * kQueries && t < queries) {
        const int row = row_at + t;
        of_row = thread < kQueries ? lse[row] * LOG2_E : delta[row];
      }
      look_ahead(next + kQueries < end ? next + kQueries : begin);
      break;
    }
    commit_async();
  };
  const auto keep_rows = [&](int stage) {
    if (thread < 2 * kQueries) of_rows[2 * stage * kQueries + thread] = of_row;
  };
  look_ahead(next);
  fetch(0);
  keep_rows(0);

  float sums_k[kRows][depth / 8][4] = {}, sums_v[kRows][depth / 8][4] = {};
  for (int stage = 0; heads > 0; stage ^= 1) {
    wait_async<0>();
    BARRIER();
    const int here = next;
    const bool all_alike = alike;
    go_on();
    fetch(stage ^ 1);
    const Band band = Band::of_queries(p, first + base - here);
    if (!band.has_none(16 * kRows, kQueries)) {
      float scores[kRows][kQueries / 8][4] = {}, ds[kRows][kQueries / 8][4];
      add_scores(scores, k_tile, base, q_tile(stage), lane);
      const float to_log2 = cap(scores, p);
      if (!band.has_all(16 * kRows, kQueries)) hide_outside(scores, band, lane);
      if (!all_alike)
        hide_others(scores, k_segments + k_row + base, keys - base, q_segments + here, queries - here, lane);
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

/** A group per tile of keys of a key head: GROUP = (b * key_heads + key head) * tiles + tile. */
#define FLASH_ATTENTION_DKV(depth)                                                                          \
  KERNEL_OF(FLASH_THREADS, 2, flash_attention_dkv_##depth, READS(0, bf16, d_o), READS(1, bf16, q),          \
            READS(2, bf16, k), READS(3, bf16, v), READS(4, float, lse), READS(5, float, delta),             \
            READS(6, int, q_segments), READS(7, int, k_segments), WRITES(8, void, dk), WRITES(9, void, dv), \
            PARAMS(10, Attention)) {                                                                        \
    flash_dkv<depth>(d_o, q, k, v, lse, delta, q_segments, k_segments, dk, dv, p, GROUP, THREAD);           \
  }
FLASH_ATTENTION_DKV(64)
FLASH_ATTENTION_DKV(96)
FLASH_ATTENTION_DKV(128)

DIALECT_END

#endif
