// Attention for AVX-512, a strip of kStrip queries at a time: its scores with all keys of a block lie in the
// cache, and keys and values are packed once for all strips. What forward and backward share.
#pragma once

#if defined(__AVX512F__)

#include <cstring>

#include "attention.h"
#include "strip-tile.h"

namespace sluice::cpu::SLUICE_ISA {

/** Hands out a thread's workspace, on cache lines. */
struct Room {
  char* at;

  template <typename T>
  T* take(int64_t count) {
    T* taken = reinterpret_cast<T*>(at);
    at += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return taken;
  }
};

constexpr int64_t rounded_up(int64_t count, int64_t to) { return (count + to - 1) / to * to; }

/** A block of keys that begins at a whole panel, and the segments of each of its panels. */
template <int64_t kMost>
struct KeyBlock {
  int64_t b, begin, end;
  SegmentRange segments[kMost / kPanel];

  KeyBlock(const Attention& a, int64_t b, int64_t begin, int64_t end) : b(b), begin(begin), end(end) {
    for (int64_t at = begin, i = 0; at < end; at += kPanel, i++)
      segments[i] = range_of(a.k_segments + b * a.keys, at, std::min(at + kPanel, end));
  }
  int64_t count() const { return end - begin; }
};

/** Sixteen products times `factor`, rounded: not to be part of one multiplication and subtraction, which
 * would make the weight of a query's only key another number than 1. */
SLUICE_LANES Lanes16 score16(const float* products, float factor) {
  Lanes16 scores = load16(products) * factor;
  asm("" : "+v"(scores));
  return scores;
}

/** What a strip sees of a block: keys [begin, end) of it, whole panels; mixed: not all of one segment. */
struct Seen {
  int64_t begin = 0, end = 0;
  bool mixed = false;
};

template <int64_t kMost>
Seen seen_of(const Attention& a, const KeyBlock<kMost>& keys, int64_t first, int64_t last) {
  int64_t from, past;
  key_range(a, keys.b, first, last, from, past);
  from = std::max(from, keys.begin) - keys.begin, past = std::min(past, keys.end) - keys.begin;
  if (from >= past) return {};
  const SegmentRange strip = range_of(a.q_segments + keys.b * a.queries, first, last);
  const auto meets = [&](int64_t panel) {
    const SegmentRange& range = keys.segments[panel];
    return strip.least <= range.most && range.least <= strip.most;
  };
  int64_t begin = from / kPanel, end = rounded_up(past, kPanel) / kPanel;
  while (begin < end && !meets(begin)) begin++;
  while (begin < end && !meets(end - 1)) end--;
  bool mixed = strip.padding || strip.least != strip.most;
  for (int64_t i = begin; i < end; i++) {
    const SegmentRange& range = keys.segments[i];
    mixed |= range.padding || range.least != strip.least || range.most != strip.least;
  }
  return {begin * kPanel, end * kPanel, mixed};
}

/** Products of queries [first, first + rows) made scores but for the factor that is returned: biased, capped,
 * -inf where a query does not see the key. */
template <int64_t kMost>
float finish_scores(const Attention& a, const KeyBlock<kMost>& keys, int64_t head, int64_t first,
                    int64_t rows, const Seen& seen, float* s, int64_t ld) {
  const int64_t there = std::min(seen.end, keys.count());       // behind these nothing is packed
  const bool scaled = a.bias || a.softcap > 0 || a.scale <= 0;  // else the reader may do it on its way
  for (int64_t i = 0; i < rows; i++) {
    float* row = s + i * ld;
    const int64_t query = first + i;
    for (int64_t j = seen.begin; scaled && j < there; j++) row[j] *= a.scale;
    if (a.bias) {
      const float* bias = a.bias + (head * a.queries + query) * a.keys + keys.begin;
      for (int64_t j = seen.begin; j < there; j++) row[j] += bias[j];
    }
    if (a.softcap > 0) {
      const float uncap = 1.0f / a.softcap;
      for (int64_t j = seen.begin; j < there; j++) row[j] = a.softcap * tanh_f32(row[j] * uncap);
    }
    const int64_t place = a.start(keys.b) + query - keys.begin;  // of the query among the block's keys
    const int64_t past = a.causal ? std::clamp(place + 1, seen.begin, there) : there;
    const int64_t from = a.window > 0 ? std::clamp(place - a.window + 1, seen.begin, past) : seen.begin;
    std::fill(row + seen.begin, row + from, -INFINITY);
    std::fill(row + past, row + seen.end, -INFINITY);
    if (!seen.mixed) continue;
    const int32_t* segments = a.k_segments + keys.b * a.keys + keys.begin;
    const int32_t segment = a.q_segments[keys.b * a.queries + query];
    for (int64_t j = from; j < past; j++)
      row[j] = (segments[j] == segment) & (segment != 0) ? row[j] : -INFINITY;
  }
  return scaled ? 1.0f : a.scale;
}

/** Rows of a tensor that are read or written soon, fetched a few at a time while others are computed with. */
template <typename Element>
struct Ahead {
  const Element* at;
  int64_t ld, rows, width;

  template <int kWrite = 0>
  void fetch(int64_t count) {
    for (count = std::min(count, rows); count > 0; count--, rows--, at += ld) {
      for (int64_t i = 0; i < width; i += static_cast<int64_t>(64 / sizeof *at))
        __builtin_prefetch(at + i, kWrite, 2);
    }
  }
};

/** `rows` rows of `depth` elements, side by side, and zeros up to kStrip. */
template <typename Element>
void gather_strip(const Element* from, int64_t ld, int64_t rows, int64_t depth, Element* to) {
  for (int64_t i = 0; i < rows; i++)
    std::memcpy(to + i * depth, from + i * ld, static_cast<size_t>(depth) * sizeof *to);
  std::memset(to + rows * depth, 0, static_cast<size_t>((kStrip - rows) * depth) * sizeof *to);
}

/** A strip's rows x [kStrip, depth] times what it sees of a block's packed rows: to[kStrip, ld]. */
template <class Format>
void multiply_keys(const typename Format::Element* x, int64_t depth, const uint32_t* packed, const Seen& seen,
                   float* to, int64_t ld) {
  const auto* words = reinterpret_cast<const typename Format::Word*>(x);
  const int64_t each = depth / Format::kPerWord;
  for (int64_t at = seen.begin; at < seen.end; at += kPanel) {
    multiply_strip<Format, false>(
        each, words, each, packed + at / kPanel * panel_words(each),
        [=](int i, __m512 first, __m512 second) __attribute__((always_inline)) {
          _mm512_storeu_ps(to + i * ld + at, first);
          _mm512_storeu_ps(to + i * ld + at + 16, second);
        });
  }
}

}  // namespace sluice::cpu::SLUICE_ISA

#endif
