// Backward attention for AVX-512: a block of keys against blocks of queries. A strip of queries computes its
// weights p and slopes ds and adds to dq; the block's strips together then add p^T do to dv and ds^T q to dk.
#include "attention-strips.h"

namespace sluice::cpu::SLUICE_ISA {

#if defined(__AVX512F__)

namespace {

constexpr int64_t kKeys = 192, kQueries = 96;  // of a block: whole strips, and whole panels of keys
constexpr int64_t kRow = kKeys + 16;           // from one row of numbers, or words, of a strip to the next
constexpr int64_t kSlopes = kKeys + kPanel;    // of slopes as operands

using Keys = KeyBlock<kKeys>;

struct Gradients {
  const void* up;  // do
  Source o;
  const float* lse;
  float* delta;  // sum(do * o) [batch, heads, queries]
  float* sums;   // f32 sums of dq [batch, heads, queries, depth]; null: dq itself
  Sink dq, dk, dv;
  float* dbias;

  int64_t sum_step(const Attention& a) const { return sums ? a.depth : a.heads * a.depth; }
  float* sums_of(const Attention& a, int64_t b, int64_t head, int64_t query) const {
    return sums ? sums + ((b * a.heads + head) * a.queries + query) * a.depth
                : dq.floats() + ((b * a.queries + query) * a.heads + head) * a.depth;
  }
};

/** The workspace of one batch row and key head. Operands `as rows` are multiplied over the depth of a head,
 * `as columns` over queries or keys. */
template <class Format>
struct Parts {
  using Element = typename Format::Element;
  uint32_t *k_rows, *v_rows, *k_columns;  // of a block of keys
  uint32_t *q_columns, *up_columns;       // of a block of queries
  float *dk, *dv;                         // sums of a block of keys, [kKeys, depth as whole panels]
  float *s, *dp, *slope;                  // of a strip, [kStrip, kRow]; slope: p times that of a softcap
  Element *q, *up, *ds;                   // of a strip, ds [kStrip, kSlopes]
  uint32_t *p_words, *ds_words;           // of a block of queries: [queries / per word, kRow]

  Parts(const Attention& a, void* workspace) {
    constexpr int64_t per = Format::kPerWord;
    Room room{static_cast<char*>(workspace)};
    const int64_t wide = rounded_up(a.depth, kPanel), value_wide = rounded_up(a.value_depth, kPanel);
    k_rows = room.take<uint32_t>(kKeys / kPanel * panel_words(a.depth / per));
    v_rows = room.take<uint32_t>(kKeys / kPanel * panel_words(a.value_depth / per));
    k_columns = room.take<uint32_t>(wide / kPanel * panel_words(kKeys / per) + kPanel);
    q_columns = room.take<uint32_t>(wide / kPanel * panel_words(kQueries / per) + kPanel);
    up_columns = room.take<uint32_t>(value_wide / kPanel * panel_words(kQueries / per) + kPanel);
    dk = room.take<float>(kKeys * wide), dv = room.take<float>(kKeys * value_wide);
    s = room.take<float>(kStrip * kRow), dp = room.take<float>(kStrip * kRow);
    slope = room.take<float>(kStrip * kRow);
    q = room.take<Element>(kStrip * a.depth), up = room.take<Element>(kStrip * a.value_depth);
    ds = room.take<Element>(kStrip * kSlopes);
    p_words = room.take<uint32_t>(kQueries / per * kRow),
    ds_words = room.take<uint32_t>(kQueries / per * kRow);
    std::memset(ds, 0, kStrip * kSlopes * sizeof(Element));
  }
};

/** Scores times `factor`, less lse, become weights; gives sum(p dp), which is sum(do * o) where the block
 * holds all keys that the query sees. Taken from dp itself, what should cancel does: a query that sees one
 * key gives exactly 0, and the gradients of short sequences are those of a plain softmax. */
float weigh(float* s, const float* dp, const Seen& seen, float factor, float lse) {
  Lanes16 sum{};
  for (int64_t j = seen.begin; j < seen.end; j += 16) {
    const Lanes16 p = exp_negative16(score16(s + j, factor) - lse);
    store16(s + j, p);
    sum += p * load16(dp + j);
  }
  return total16(sum);
}

/** to = p (1 - (score / cap)^2), from scores and, after weigh(), from weights. */
void store_cap_slope(const float* s, const Seen& seen, float cap, float* to) {
  const float uncap = 1.0f / cap;
#pragma GCC ivdep
  for (int64_t j = seen.begin; j < seen.end; j++) to[j] = 1.0f - s[j] * uncap * (s[j] * uncap);
}
void weigh_cap_slope(const float* p, const Seen& seen, float* to) {
#pragma GCC ivdep
  for (int64_t j = seen.begin; j < seen.end; j++) to[j] = p[j] > 0 ? to[j] * p[j] : 0.0f;
}

/** One head's queries [first, last) against a block of keys. */
template <class Format>
void add_block(const Attention& a, const Gradients& g, const Keys& keys, int64_t head, int64_t first,
               int64_t last, const Parts<Format>& at, Ahead<typename Format::Element> (&next)[2]) {
  using Element = typename Format::Element;
  constexpr int64_t per = Format::kPerWord;
  const int64_t row = (keys.b * a.queries + first) * a.heads + head, ld = a.heads * a.depth,
                up_ld = a.heads * a.value_depth;
  const Element *q = static_cast<const Element*>(a.q) + row * a.depth,
                *up = static_cast<const Element*>(g.up) + row * a.value_depth;
  const int64_t wide = rounded_up(a.depth, kPanel), value_wide = rounded_up(a.value_depth, kPanel);
  bool any = false;
  Ahead<Element> coming_q{q + kStrip * ld, ld, last - first - kStrip, a.depth};
  Ahead<Element> coming_up{up + kStrip * up_ld, up_ld, last - first - kStrip, a.value_depth};
  for (int64_t query = first; query < last; query += kStrip) {
    const int64_t rows = std::min(kStrip, last - query);
    uint32_t *p_words = at.p_words + (query - first) / per * kRow,
             *ds_words = at.ds_words + (query - first) / per * kRow;
    const Seen seen = seen_of(a, keys, query, query + rows);
    // what the strip does not see weighs nothing
    for (int64_t i = 0; i < kStrip / per; i++) {
      for (uint32_t* to : {p_words + i * kRow, ds_words + i * kRow}) {
        std::fill(to, to + seen.begin, 0u);
        std::fill(to + seen.end, to + kKeys, 0u);
      }
    }
    if (seen.begin == seen.end) continue;
    any = true;
    coming_q.fetch(kStrip), coming_up.fetch(kStrip);
    for (auto& rows_of_next : next) rows_of_next.fetch(kKeys / (kQueries / kStrip));
    gather_strip(q + (query - first) * ld, ld, rows, a.depth, at.q);
    gather_strip(up + (query - first) * up_ld, up_ld, rows, a.value_depth, at.up);
    multiply_keys<Format>(at.q, a.depth, at.k_rows, seen, at.s, kRow);
    multiply_keys<Format>(at.up, a.value_depth, at.v_rows, seen, at.dp, kRow);
    const float factor = finish_scores(a, keys, head, query, rows, seen, at.s, kRow);

    const int64_t statistics = (keys.b * a.heads + head) * a.queries + query;
    int64_t from, past;
    key_range(a, keys.b, query, query + rows, from, past);
    const bool all = keys.begin <= from && past <= keys.end;
    float delta[kStrip] = {};
    const float* slope = a.softcap > 0 ? at.slope : at.s;
    for (int64_t i = 0; i < kStrip; i++) {
      float *s = at.s + i * kRow, *dp = at.dp + i * kRow;
      if (i >= rows) {
        std::fill(s + seen.begin, s + seen.end, 0.0f);
        std::fill(at.slope + i * kRow + seen.begin, at.slope + i * kRow + seen.end, 0.0f);
        continue;
      }
      if (a.softcap > 0) store_cap_slope(s, seen, a.softcap, at.slope + i * kRow);
      const float total = weigh(s, dp, seen, factor, g.lse[statistics + i]);
      delta[i] = all ? total : g.delta[statistics + i];
      if (a.softcap > 0) weigh_cap_slope(s, seen, at.slope + i * kRow);
      if (!g.dbias) continue;
      float* dbias = g.dbias + (head * a.queries + query + i) * a.keys + keys.begin;
      for (int64_t j = seen.begin; j < std::min(seen.end, keys.count()); j++)
        dbias[j] += slope[i * kRow + j] * (dp[j] - delta[i]);
    }
    for (int64_t i = 0; i < kStrip; i += 2) {
      const float *even = slope + i * kRow, *odd = even + kRow, *dp = at.dp + i * kRow;
      Element* ds = at.ds + i * kSlopes;
      for (int64_t j = seen.begin; j < seen.end; j += 16) {
        const Lanes16 upper = load16(even + j) * a.scale * (load16(dp + j) - delta[i]);
        const Lanes16 lower = load16(odd + j) * a.scale * (load16(dp + kRow + j) - delta[i + 1]);
        Format::store_pair(ds + j, ds + kSlopes + j, ds_words + i / per * kRow + j, kRow, (__m512)upper,
                           (__m512)lower);
        Format::store_words(p_words + i / per * kRow + j, kRow, (__m512)load16(at.s + i * kRow + j),
                            (__m512)load16(at.s + (i + 1) * kRow + j));
      }
    }
    // dq += ds k
    const int64_t words = (std::min(seen.end, keys.count()) - seen.begin + per - 1) / per;
    const int64_t step = g.sum_step(a);
    float* dq = g.sums_of(a, keys.b, head, query);
    for (int64_t column = 0; column < a.depth; column += kPanel) {
      const __mmask16 one = bf16_pack::lanes(a.depth - column), two = bf16_pack::lanes(a.depth - column - 16);
      multiply_strip<Format, false>(
          words, reinterpret_cast<const typename Format::Word*>(at.ds + seen.begin), kSlopes / per,
          at.k_columns + column / kPanel * panel_words((keys.count() + per - 1) / per) +
              seen.begin / per * kPanel,
          [=](int i, __m512 sum, __m512 more) __attribute__((always_inline)) {
            if (i >= rows) return;
            float* to = dq + i * step + column;
            _mm512_mask_storeu_ps(to, one, _mm512_maskz_loadu_ps(one, to) + sum);
            _mm512_mask_storeu_ps(to + 16, two, _mm512_maskz_loadu_ps(two, to + 16) + more);
          });
    }
  }
  if (!any) return;
  const int64_t words = (last - first + per - 1) / per, step = panel_words(words);
  Format::pack_columns(q, ld, last - first, a.depth, at.q_columns);
  Format::pack_columns(up, up_ld, last - first, a.value_depth, at.up_columns);
  const auto add = [&](const uint32_t* weights, const uint32_t* columns, float* sums, int64_t width) {
    for (int64_t key = 0; key < keys.count(); key += kStrip) {
      const int64_t skipped = a.causal ? std::max<int64_t>(0, keys.begin + key - first) / per : 0;
      if (skipped >= words) break;
      for (int64_t column = 0; column < width; column += kPanel) {
        float* to = sums + key * width + column;
        multiply_strip<Format, true>(
            words - skipped, reinterpret_cast<const typename Format::Word*>(weights + skipped * kRow + key),
            kRow, columns + column / kPanel * step + skipped * kPanel,
            [=](int i, __m512 sum, __m512 more) __attribute__((always_inline)) {
              float* there = to + i * width;
              _mm512_storeu_ps(there, _mm512_loadu_ps(there) + sum);
              _mm512_storeu_ps(there + 16, _mm512_loadu_ps(there + 16) + more);
            });
      }
    }
  };
  add(at.p_words, at.up_columns, at.dv, value_wide);
  add(at.ds_words, at.q_columns, at.dk, wide);
}

/** count rows of `sums`, `ld` apart, where rows of a tensor lie `step` elements apart from `place` on. */
void write(const Sink& to, int64_t place, int64_t step, int64_t count, int64_t width, float* sums,
           int64_t ld) {
  constexpr int64_t kAhead = 8;
  for (int64_t i = 0; i < count; i++) {
    const int64_t bytes = to.half ? 2 : 4;
    const char* coming =
        static_cast<const char*>(to.data) + (place + std::min(i + kAhead, count - 1) * step) * bytes;
    for (int64_t at = 0; at < width * bytes; at += 64) __builtin_prefetch(coming + at, 1);
    float* row = sums + i * ld;
    float* there = to.open(place + i * step, row);
    if (there != row) std::copy(row, row + width, there);
    to.close(place + i * step, width, row);
  }
}

template <typename Element, typename T>
float dot(const Element* x, const T* y, int64_t count) {
  Lanes16 sum{};
  int64_t i = 0;
  for (; i + kLanes16 <= count; i += kLanes16) sum += load16(x + i) * load16(y + i);
  if (i < count) sum += load_some(x + i, count - i) * load_some(y + i, count - i);
  return total16(sum);
}

/** delta of one head: needed where a query's keys are more than a block. */
template <typename Element>
void store_deltas(const Attention& a, const Gradients& g, int64_t b, int64_t head) {
  const int64_t step = a.heads * a.value_depth, first = (b * a.queries * a.heads + head) * a.value_depth;
  const Element* up = static_cast<const Element*>(g.up) + first;
  float* to = g.delta + (b * a.heads + head) * a.queries;
  for (int64_t i = 0; i < a.queries; i++, up += step) {
    const int64_t at = first + i * step;
    for (int64_t d = 0; d < a.value_depth; d += 32) {
      __builtin_prefetch(up + 16 * step + d);
      if (g.o.half) __builtin_prefetch(g.o.halves() + at + 16 * step + d);
    }
    to[i] = g.o.half ? dot(up, g.o.halves() + at, a.value_depth) : dot(up, g.o.floats() + at, a.value_depth);
  }
}

template <class Format>
void differentiate(const Attention& a, const Gradients& g, int64_t b, int64_t key_head, void* workspace) {
  using Element = typename Format::Element;
  const Parts<Format> at(a, workspace);
  const int64_t share = a.heads / a.key_heads, wide = rounded_up(a.depth, kPanel),
                value_wide = rounded_up(a.value_depth, kPanel);
  for (int64_t head = key_head * share; head < (key_head + 1) * share; head++) {
    for (int64_t query = 0; query < a.queries; query++) {
      float* sums = g.sums_of(a, b, head, query);
      std::fill(sums, sums + a.depth, 0.0f);
    }
    if (a.keys > kKeys) store_deltas<Element>(a, g, b, head);
  }
  for (int64_t key = 0; key < a.keys; key += kKeys) {
    const Keys keys(a, b, key, std::min(key + kKeys, a.keys));
    const int64_t place = (b * a.keys + key) * a.key_heads + key_head, ld = a.key_heads * a.depth,
                  value_ld = a.key_heads * a.value_depth;
    const Element* k = static_cast<const Element*>(a.k) + place * a.depth;
    const Element* v = static_cast<const Element*>(a.v) + place * a.value_depth;
    Format::pack_rows(k, ld, a.depth, keys.count(), at.k_rows);
    Format::pack_columns(k, ld, keys.count(), a.depth, at.k_columns);
    Format::pack_rows(v, value_ld, a.value_depth, keys.count(), at.v_rows);
    const int64_t left = std::min(kKeys, a.keys - keys.end);
    Ahead<Element> next[] = {{k + kKeys * ld, ld, left, a.depth},
                             {v + kKeys * value_ld, value_ld, left, a.value_depth}};
    std::fill(at.dk, at.dk + kKeys * wide, 0.0f);
    std::fill(at.dv, at.dv + kKeys * value_wide, 0.0f);
    const int64_t begin = a.causal ? std::min(key / kStrip * kStrip, a.queries) : 0;
    const int64_t end = a.window > 0 ? std::min(a.queries, keys.end - 1 + a.window) : a.queries;
    for (int64_t first = begin; first < end; first += kQueries) {
      for (int64_t head = key_head * share; head < (key_head + 1) * share; head++)
        add_block<Format>(a, g, keys, head, first, std::min(first + kQueries, end), at, next);
    }
    write(g.dk, place * a.depth, ld, keys.count(), a.depth, at.dk, wide);
    write(g.dv, place * a.value_depth, value_ld, keys.count(), a.value_depth, at.dv, value_wide);
  }
  for (int64_t head = key_head * share; g.sums && head < (key_head + 1) * share; head++) {
    const int64_t place = (b * a.queries * a.heads + head) * a.depth;
    write(g.dq, place, a.heads * a.depth, a.queries, a.depth, g.sums_of(a, b, head, 0), a.depth);
  }
}

}  // namespace

void differentiate_in_strips(const Attention& a, const KernelCall& call) {
  const Tensor& dbias = call.out[3];
  float* delta = static_cast<float*>(call.scratch);
  const Gradients g{call.in[0].data,
                    Source(call.in[4]),
                    call.in[5].f32(),
                    delta,
                    a.narrow() ? delta + a.batch * a.heads * a.queries : nullptr,
                    Sink(call.out[0]),
                    Sink(call.out[1]),
                    Sink(call.out[2]),
                    dbias ? dbias.f32() : nullptr};
  if (dbias) std::memset(dbias.data, 0, static_cast<size_t>(dbias.count()) * sizeof(float));
  // with dbias every batch row adds to the same values, so one piece takes all rows of a head in order
  const int64_t together = g.dbias ? a.batch : 1;
  call.pool.run(a.batch * a.key_heads / together, [&](int64_t piece, void* workspace) {
    for (int64_t i = 0; i < together; i++) {
      const int64_t b = piece / a.key_heads + i, key_head = piece % a.key_heads;
#if defined(__AVX512BF16__)
      if (a.narrow()) {
        differentiate<Half>(a, g, b, key_head, workspace);
        continue;
      }
#endif
      differentiate<Single>(a, g, b, key_head, workspace);
    }
  });
}

#endif

}  // namespace sluice::cpu::SLUICE_ISA
