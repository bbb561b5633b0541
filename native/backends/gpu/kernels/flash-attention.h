// Attention of bf16 on matrix units, forward: what attention.h computes, in tiles of queries and keys whose
// scores never leave the registers ("FlashAttention", Dao et al. 2022, 2023).
//
// Per tile of keys, with m the largest score of a row so far: p = exp(s - m), total = total e + sum(p),
// o = o e + p v, where e = exp(m before - m); in the end o / total and lse = m + log(total).
#pragma once

#include "key-tiles.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** Of a group. */
#define FLASH_QUERIES 128
/** Of a tile: as many as leave registers enough for scores and sums. */
#define FLASH_KEYS(depth) ((depth) > 64 ? 32 : 64)
/** Group memory: the queries, and two tiles of keys and values each. */
#define FLASH_BYTES(depth) ((FLASH_QUERIES + 4 * FLASH_KEYS(depth)) * (depth)*2)

template <int depth>
FN void flash_attention(const bf16* q, const bf16* k, const bf16* v, const int* q_segments,
                        const int* k_segments, const int* q_start, void* o, float* lse, const Attention& p,
                        int64 group, int thread) {
  constexpr int kKeys = FLASH_KEYS(depth),
                kRows = FLASH_QUERIES / (FLASH_THREADS / SUBGROUP) / 16;  // of a subgroup
  SIZED_GROUP_MEMORY(bf16, memory);
  const Tile<depth> q_tile{memory};
  const int lane = thread % SUBGROUP, base = thread / SUBGROUP * 16 * kRows;

  // the last queries of a head see the most keys: they come first
  const int64 tiles = (p.queries + FLASH_QUERIES - 1) / FLASH_QUERIES;
  const int64 first = (tiles - 1 - group % tiles) * FLASH_QUERIES, head = group / tiles % p.heads;
  const int64 b = group / tiles / p.heads;
  const int queries = int(p.queries - first), keys = int(p.keys);                 // queries from `first` on
  const int place = int(first) + (p.starts ? q_start[p.starts > 1 ? b : 0] : 0);  // of `first` among the keys
  const int end_place = place + (queries < FLASH_QUERIES ? queries : FLASH_QUERIES);
  const int end = p.causal && end_place < keys ? end_place : keys;
  q_segments += b * p.queries + first, k_segments += b * p.keys;

  copy_tile<FLASH_QUERIES, FLASH_THREADS>(q_tile, q + query_at(p, b, first, head, depth),
                                          int(p.heads) * depth, queries, thread);
  Segments<FLASH_QUERIES / SUBGROUP> held;
  held.load(q_segments, queries, lane);
  const SegmentRange own = held.range(queries, lane);

  KeyTiles<depth, kKeys> tile{
      k,    v,   k_segments, int(key_at(p, b, 0, head, depth)), int(p.key_heads) * depth,
      keys, end, own,        memory + FLASH_QUERIES * depth};
  tile.begin(p, place, thread);

  float most[kRows][2], total[kRows][2], sums[kRows][depth / 8][4] = {};
  FN_UNROLL
  for (int i = 0; i < 2 * kRows; i++) most[i / 2][i % 2] = -INFINITY, total[i / 2][i % 2] = 0.0f;
  float to_log2 = 0.0f;
  for (int stage = 0; tile.next < end; stage ^= 1) {
    wait_async<0>();
    BARRIER();  // this tile is there for all, and all are done with the one before
    const int here = tile.next;
    const bool alike = tile.alike;
    tile.go_on(stage ^ 1, thread);
    const Band band = Band::of_keys(p, place + base - here);
    if (band.has_none(16 * kRows, kKeys)) continue;

    float scores[kRows][kKeys / 8][4] = {};
    add_scores(scores, q_tile, base, tile.k_tile(stage), lane);
    to_log2 = cap(scores, p);
    if (!band.has_all(16 * kRows, kKeys)) hide_outside(scores, band, lane);
    if (!alike) hide_others(scores, q_segments + base, queries - base, k_segments + here, keys - here, lane);

    float keep[kRows][2];  // of the sums so far
    bool more = false;
    FN_UNROLL
    for (int i = 0; i < 2 * kRows; i++) {
      const int r = i / 2, upper = i % 2;
      float tile_most = most[r][upper];
      FN_UNROLL
      for (int n = 0; n < kKeys / 4; n++) tile_most = fmaxf(tile_most, scores[r][n / 2][2 * upper + n % 2]);
      tile_most = fmaxf(tile_most, shuffle_xor(tile_most, 1));
      tile_most = fmaxf(tile_most, shuffle_xor(tile_most, 2));
      const bool larger = tile_most > most[r][upper];
      keep[r][upper] = larger ? exp2_fast((most[r][upper] - tile_most) * to_log2) : 1.0f;
      more |= larger;
      most[r][upper] = tile_most;
      const float zero = tile_most == -INFINITY ? 0.0f : tile_most * to_log2;
      float sum = 0.0f;
      FN_UNROLL
      for (int n = 0; n < kKeys / 4; n++) {
        float& s = scores[r][n / 2][2 * upper + n % 2];
        s = exp2_fast(s * to_log2 - zero);
        sum += s;
      }
      total[r][upper] = total[r][upper] * keep[r][upper] + sum;
    }
    if (subgroup_max(more)) {  // rare after the first tiles
      FN_UNROLL
      for (int i = 0; i < kRows * depth / 2; i++) {
        const int r = i / (depth / 2);
        sums[r][i / 4 % (depth / 8)][i % 4] *= keep[r][i % 4 / 2];
      }
    }
    add_weighted(sums, scores, tile.v_tile(stage), lane);
  }

  FN_UNROLL
  for (int i = 0; i < 2 * kRows; i++) {
    const int r = i / 2, upper = i % 2, t = base + lane / 4 + i * 8;
    float sum = total[r][upper];
    sum += shuffle_xor(sum, 1);
    sum += shuffle_xor(sum, 2);
    if (t >= queries) continue;
    const float share = sum == 0.0f ? 0.0f : 1.0f / sum;
    const int to = int(query_at(p, b, first + t, head, depth)) + lane % 4 * 2;
    FN_UNROLL
    for (int n = 0; n < depth / 8; n++)
      store_pair(o, to + 8 * n, sums[r][n][2 * upper] * share, sums[r][n][2 * upper + 1] * share, p.o_bf16);
    if (lane % 4 == 0)
      lse[(b * p.heads + head) * p.queries + first + t] =
          sum == 0.0f ? 0.0f : most[r][upper] * (to_log2 / LOG2_E) + log(sum);
  }
}

/** A group per 128 queries of a head: GROUP = (b * heads + head) * tiles + tile, the last tile first. */
#define FLASH_ATTENTION(depth)                                                                               \
  KERNEL_OF(FLASH_THREADS, 2, flash_attention_##depth, READS(0, bf16, q), READS(1, bf16, k),                 \
            READS(2, bf16, v), READS(3, int, q_segments), READS(4, int, k_segments), READS(5, int, q_start), \
            WRITES(6, void, o), WRITES(7, float, lse), PARAMS(8, Attention)) {                               \
    flash_attention<depth>(q, k, v, q_segments, k_segments, q_start, o, lse, p, GROUP, THREAD);              \
  }
FLASH_ATTENTION(64)
FLASH_ATTENTION(96)
FLASH_ATTENTION(128)

DIALECT_END

#endif
