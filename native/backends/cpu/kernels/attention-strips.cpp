// Forward attention for AVX-512, a strip of queries at a time. Where a strip sees more keys than a block
// holds, what it has summed is rescaled to each new maximum.
#include "attention-strips.h"

namespace sluice::cpu::SLUICE_ISA {

#if defined(__AVX512F__)

namespace {

constexpr int64_t kKeys = 512;           // of a block
constexpr int64_t kScores = kKeys + 16;  // from one row of scores to the next
/** Of weights; those of f32 take the place of their scores. */
template <class Format>
constexpr int64_t kWeights = Format::kPerWord == 1 ? kScores : kKeys + kPanel;
constexpr int64_t kTogether = 42 * kStrip;  // queries of a piece, at most

using Keys = KeyBlock<kKeys>;

/** Scores times `factor` become weights relative to the largest so far; keep[i]: by what row i's earlier sums
 * shrink. */
template <class Format>
void weigh(const float* s, float factor, const Seen& seen, int64_t rows, float* most, float* total,
           float* keep, typename Format::Element* p) {
  for (int64_t i = 0; i < rows; i++) {
    const float* row = s + i * kScores;
    typename Format::Element* to = p + i * kWeights<Format>;
    __m512 largest = _mm512_set1_ps(-INFINITY), other = largest;
    for (int64_t j = seen.begin; j < seen.end; j += kPanel) {
      largest = _mm512_max_ps(_mm512_loadu_ps(row + j), largest);  // a NaN gives `largest`
      other = _mm512_max_ps(_mm512_loadu_ps(row + j + 16), other);
    }
    const float now = std::max(most[i], factor * _mm512_reduce_max_ps(_mm512_max_ps(largest, other)));
    const Lanes16 shift = splat16(now == -INFINITY ? 0.0f : now);
    Lanes16 sum{};
    for (int64_t j = seen.begin; j < seen.end; j += kPanel) {
      const Lanes16 first = exp_negative16(score16(row + j, factor) - shift);
      const Lanes16 second = exp_negative16(score16(row + j + 16, factor) - shift);
      Format::store(to + j, (__m512)first, (__m512)second);
      sum += first;
      sum += second;
    }
    keep[i] = now == -INFINITY ? 1.0f : exp_f32(most[i] - now);
    total[i] = total[i] * keep[i] + total16(sum);
    most[i] = now;
  }
}

/** o = o keep + p v, for what the strip sees of the block. */
template <class Format>
void add_values(const typename Format::Element* p, const Seen& seen, int64_t keys, const uint32_t* packed,
                const float* keep, float* o, int64_t wide) {
  constexpr int64_t per = Format::kPerWord;
  const auto* words = reinterpret_cast<const typename Format::Word*>(p + seen.begin);
  const int64_t count = (std::min(seen.end, keys) - seen.begin + per - 1) / per;
  for (int64_t at = 0; at < wide; at += kPanel) {
    const uint32_t* panel =
        packed + at / kPanel * panel_words((keys + per - 1) / per) + seen.begin / per * kPanel;
    multiply_strip<Format, false>(
        count, words, kWeights<Format> / per,
        panel, [=](int i, __m512 first, __m512 second) __attribute__((always_inline)) {
          float* to = o + i * wide + at;
          const __m512 factor = _mm512_set1_ps(keep[i]);
          _mm512_storeu_ps(to, _mm512_loadu_ps(to) * factor + first);
          _mm512_storeu_ps(to + 16, _mm512_loadu_ps(to + 16) * factor + second);
        });
  }
}

/** o [rows, wide] divided by the sums of weights. */
void finish(const Attention& a, int64_t b, int64_t head, int64_t query, int64_t rows, float* o, int64_t wide,
            const float* most, const float* total, const Sink& out, float* lse) {
  float* logs = lse + (b * a.heads + head) * a.queries + query;
#pragma GCC ivdep
  for (int64_t i = 0; i < rows; i++)
    logs[i] = total[i] == 0 ? 0.0f : most[i] + log_f32(total[i]);  // 0: it sees no key
  for (int64_t i = 0; i < rows; i++) {
    const float scale = total[i] == 0 ? 0.0f : 1.0f / total[i];
    const int64_t place = ((b * a.queries + query + i) * a.heads + head) * a.value_depth;
    float *from = o + i * wide, *to = out.open(place, from);
    for (int64_t d = 0; d < a.value_depth; d++) to[d] = from[d] * scale;
    out.close(place, a.value_depth, from);
  }
}

/** The lines of memory that finish() will write: they arrive while the strip is computed. */
void fetch(const Attention& a, int64_t b, int64_t head, int64_t query, int64_t rows, const Sink& out) {
  const int64_t bytes = out.half ? 2 : 4;
  for (int64_t i = 0; i < rows; i++) {
    const char* row = static_cast<const char*>(out.data) +
                      ((b * a.queries + query + i) * a.heads + head) * a.value_depth * bytes;
    for (int64_t at = 0; at < a.value_depth * bytes; at += 64) __builtin_prefetch(row + at, 1);
  }
}

/** Queries [first, last) of one batch row and head. */
template <class Format>
void attend(const Attention& a, int64_t b, int64_t head, int64_t first, int64_t last, const Sink& out,
            float* lse, void* workspace) {
  using Element = typename Format::Element;
  constexpr int64_t per = Format::kPerWord;
  const int64_t padded = rounded_up(last - first, kStrip), wide = rounded_up(a.value_depth, kPanel);
  Room room{static_cast<char*>(workspace)};
  uint32_t* packed_k = room.take<uint32_t>(kKeys / kPanel * panel_words(a.depth / per));
  uint32_t* packed_v = room.take<uint32_t>(wide / kPanel * panel_words(kKeys / per) + kPanel);
  float* s = room.take<float>(kStrip * kScores);
  Element* p = per == 1 ? reinterpret_cast<Element*>(s) : room.take<Element>(kStrip * kWeights<Format>);
  Element* q = room.take<Element>(kStrip * a.depth);
  float *o = room.take<float>(padded * wide), *most = room.take<float>(padded),
        *total = room.take<float>(padded);
  float keep[kStrip] = {};
  std::memset(p, 0, kStrip * kWeights<Format> * sizeof(Element));
  std::fill(o, o + padded * wide, 0.0f);
  std::fill(most, most + padded, -INFINITY);
  std::fill(total, total + padded, 0.0f);

  int64_t begin, end;
  key_range(a, b, first, last, begin, end);
  for (int64_t key = begin / kKeys * kKeys; key < end; key += kKeys) {
    const Keys keys(a, b, key, std::min(key + kKeys, end));
    const int64_t place = (b * a.keys + key) * a.key_heads + a.key_head(head);
    Format::pack_rows(static_cast<const Element*>(a.k) + place * a.depth, a.key_heads * a.depth, a.depth,
                      keys.count(), packed_k);
    Format::pack_columns(static_cast<const Element*>(a.v) + place * a.value_depth,
                         a.key_heads * a.value_depth, keys.count(), a.value_depth, packed_v);
    for (int64_t query = first; query < last; query += kStrip) {
      const int64_t rows = std::min(kStrip, last - query), at = query - first;
      const Seen seen = seen_of(a, keys, query, query + rows);
      fetch(a, b, head, query, rows, out);
      if (seen.begin < seen.end) {
        gather_strip(static_cast<const Element*>(a.q) + ((b * a.queries + query) * a.heads + head) * a.depth,
                     a.heads * a.depth, rows, a.depth, q);
        multiply_keys<Format>(q, a.depth, packed_k, seen, s, kScores);
        const float factor = finish_scores(a, keys, head, query, rows, seen, s, kScores);
        weigh<Format>(s, factor, seen, rows, most + at, total + at, keep, p);
        add_values<Format>(p, seen, keys.count(), packed_v, keep, o + at * wide, wide);
      }
      int64_t from, past;
      key_range(a, b, query, query + rows, from, past);
      if (key < past && past <= keys.end)  // while o is in the cache
        finish(a, b, head, query, rows, o + at * wide, wide, most + at, total + at, out, lse);
    }
  }
}

}  // namespace

void attend_in_strips(const Attention& a, ThreadPool& pool, const Sink& out, float* lse) {
  const int64_t rows = a.batch * a.heads;
  // what a query gives does not depend on its piece: there are enough for the threads, and no more packing
  // than that
  int64_t each = std::min(kTogether, rounded_up(a.queries, kStrip));
  while (each > 8 * kStrip && rows * ((a.queries + each - 1) / each) < 4 * pool.threads())
    each = rounded_up(each / 2, kStrip);
  const int64_t blocks = (a.queries + each - 1) / each;
  // the last queries see most keys: they go first, so that no thread ends long after the others
  pool.run(blocks * rows, [&](int64_t piece, void* workspace) {
    const int64_t row = piece % rows, first = (blocks - 1 - piece / rows) * each;
    const int64_t b = row / a.heads, head = row % a.heads, last = std::min(first + each, a.queries);
#if defined(__AVX512BF16__)
    if (a.narrow()) return attend<Half>(a, b, head, first, last, out, lse, workspace);
#endif
    attend<Single>(a, b, head, first, last, out, lse, workspace);
  });
}

#endif

}  // namespace sluice::cpu::SLUICE_ISA
