// The keys and values that the queries of a group go through, in group memory.
#pragma once

#include "flash-tile.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

/** The tiles of `size` keys and values of a head that some query of a group may see, one after another: each
 * is fetched while the one before it is worked on. */
template <int depth, int size>
struct KeyTiles {
  const bf16 *k, *v;                     // of the whole tensor
  const int* segments;                   // of the batch row
  int at, stride;                        // of the head's numbers
  int keys, end;                         // of the batch row; the first that no query sees any more
  SegmentRange own;                      // of the queries
  bf16* memory;                          // two tiles of keys and two of values
  int next = 0;                          // the one fetched last; from `end` on there is none
  bool alike = false;                    // it and all the queries are of one document
  Segments<size / SUBGROUP> ahead = {};  // of the one after it, loaded before they are needed

  FN Tile<depth> k_tile(int stage) const { return {memory + 2 * stage * size * depth}; }
  FN Tile<depth> v_tile(int stage) const { return {memory + (2 * stage + 1) * size * depth}; }

  /** From the first key that the query at `place` sees. */
  FN void begin(const Attention& p, int place, int thread) {
    next = p.window > 0 && place >= p.window ? (place - int(p.window) + 1) / size * size : 0;
    look_ahead(next, thread);
    fetch(0, thread);
  }
  FN void go_on(int stage, int thread) {
    next += size;
    fetch(stage, thread);
  }

  FN void fetch(int stage, int thread) {
    for (; next < end; next += size, look_ahead(next, thread)) {
      const SegmentRange range = ahead.range(size, thread % SUBGROUP);
      alike = range.is_one_with(own);
      if (!range.may_meet(own)) continue;
      const int from = at + next * stride;
      copy_tile<size, FLASH_THREADS>(k_tile(stage), k + from, stride, keys - next, thread);
      copy_tile<size, FLASH_THREADS>(v_tile(stage), v + from, stride, keys - next, thread);
      look_ahead(next + size, thread);
      break;
    }
    commit_async();
  }
  FN void look_ahead(int tile, int thread) { ahead.load(segments + tile, keys - tile, thread % SUBGROUP); }
};

DIALECT_END

#endif
