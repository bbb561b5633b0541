// dq on matrix units: a group owns queries of a head and goes through the keys that they see.
#pragma once

#include "flash-grad.h"
#include "key-tiles.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** Queries of a group, and keys of its tiles. */
#define FLASH_OWN_QUERIES(depth) ((depth) > 96 ? 64 : 128)
#define FLASH_TILE_KEYS 32
/** Group memory: queries and do, and two tiles of keys and values. */
#define FLASH_DQ_BYTES(depth) ((2 * FLASH_OWN_QUERIES(depth) + 4 * FLASH_TILE_KEYS) * (depth)*2)

template <int depth>
FN void flash_dq(const bf16* d_o, const bf16* q, const bf16* k, const bf16* v, const float* lse,
                 const float* delta, const int* q_segments, const int* k_segments, void* dq,
                 const Attention& p, int64 group, int thread) {
  constexpr int kQueries = FLASH_OWN_QUERIES(depth), kKeys = FLASH_TILE_KEYS,
                kRows = kQueries / (FLASH_THREADS / SUBGROUP) / 16;
  SIZED_GROUP_MEMORY(bf16, memory);
  const Tile<depth> q_tile{memory}, do_tile{memory + kQueries * depth};
  const int lane = thread % SUBGROUP, base = thread / SUBGROUP * 16 * kRows;

  const int64 tiles = (p.queries + kQueries - 1) / kQueries, first = (tiles - 1 - group % tiles) * kQueries;
  const int64 head = group / tiles % p.heads, b = group / tiles / p.heads;
  const int queries = int(p.queries - first), keys = int(p.keys), place = int(first);
  const int end_place = place + (queries < kQueries ? queries : kQueries);
  const int end = p.causal && end_place < keys ? end_place : keys;
  const int stride = int(p.heads) * depth;
  const int own_at = int(query_at(p, b, first, head, depth));
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

  KeyTiles<depth, kKeys> tile{
      k,    v,   k_segments, int(key_at(p, b, 0, head, depth)), int(p.key_heads) * depth,
      keys, end, own,        memory + 2 * kQueries * depth};
  tile.begin(p, place, thread);

  float sums[kRows][depth / 8][4] = {};
  for (int stage = 0; tile.next < end; stage ^= 1) {
    wait_async<0>();
    BARRIER();
    const int here = tile.next;
    const bool alike = tile.alike;
    tile.go_on(stage ^ 1, thread);
    const Band band = Band::of_keys(p, place + base - here);
    if (band.has_none(16 * kRows, kKeys)) continue;

    float scores[kRows][kKeys / 8][4] = {}, ds[kRows][kKeys / 8][4];
    add_scores(scores, q_tile, base, tile.k_tile(stage), lane);
    const float to_log2 = cap(scores, p);
    if (!band.has_all(16 * kRows, kKeys)) hide_outside(scores, band, lane);
    if (!alike) hide_others(scores, q_segments + base, queries - base, k_segments + here, keys - here, lane);
    FN_UNROLL
    for (int i = 0; i < kRows * kKeys / 2; i++)
      ds[i / 4 / (kKeys / 8)][i / 4 % (kKeys / 8)][i % 4] = -of_delta[i / 4 / (kKeys / 8)][i % 4 / 2];
    add_scores(ds, do_tile, base, tile.v_tile(stage), lane);
    find_weights(
        scores, ds, p, [&](int r, int, int at) { return of_lse[r][at / 2]; }, to_log2);
    add_weighted(sums, ds, tile.k_tile(stage), lane);
  }
  store_sums(dq, own_at + base * stride, stride, sums, p.scale, queries - base, lane, p.dq_bf16);
}

/** A group per tile of queries of a head: GROUP = (b * heads + head) * tiles + tile, the last tile first. */
#define FLASH_ATTENTION_DQ(depth)                                                                 \
  KERNEL_OF(FLASH_THREADS, 2, flash_attention_dq_##depth, READS(0, bf16, d_o), READS(1, bf16, q), \
            READS(2, bf16, k), READS(3, bf16, v), READS(4, float, lse), READS(5, float, delta),   \
            READS(6, int, q_segments), READS(7, int, k_segments), WRITES(8, void, dq),            \
            PARAMS(9, Attention)) {                                                               \
    flash_dq<depth>(d_o, q, k, v, lse, delta, q_segments, k_segments, dq, p, GROUP, THREAD);      \
  }
FLASH_ATTENTION_DQ(64)
FLASH_ATTENTION_DQ(96)
FLASH_ATTENTION_DQ(128)

DIALECT_END

#endif
