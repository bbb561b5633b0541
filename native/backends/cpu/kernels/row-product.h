// y[m,n] = sum over k of x[m,k] w[n,k]: products whose rows do not know of each other. Every element is
// sixteen partial sums over k (k mod 16), added up in one order, whatever the number of rows and however they
// are cut: a row of y has the same bits in any batch.
//
// With one row of x, w is read once as it lies, at the speed of memory. With more, a panel of x and strips of
// w are laid out so that a tile of sums reads both from one end to the other out of the cache; w is still
// read from memory once for a panel.
//
// W is what w is stored as: `at(row, k, i)` gives columns k + 16 i .. of a row as f32, k a multiple of
// W::kStep (one cache line) and 16 i less than it; `some` the last ones, fewer than sixteen, where what
// stands behind them meets zeros of x; `from(row)` is where a row begins. W::kSplit: of a step of 32 columns
// i = 0 gives the even ones and i = 1 the odd ones, and x is brought into that order. W::kAlone: rows of w
// read side by side with a single row of x. Memory answers fastest when it is read from one end to the other,
// so as few as it takes to keep the arithmetic out of its way. W::kAhead: how many bytes ahead of its use a
// single row is asked for, 0 where the machine does that best by itself.
#pragma once

#include <type_traits>

#include "kernels.h"
#include "lanes.h"

namespace sluice::cpu::SLUICE_ISA {

struct RowProduct {
  int64_t m = 0, n = 0, k = 0;
  const float* x = nullptr;  // [m,k]
  int64_t ldx = 0;
  float* y = nullptr;  // [m,n]
  int64_t ldy = 0;
  const float* bias = nullptr;  // [n]
  bool accumulate = false;      // y += instead of y =
};

/** Rows [n,k] of f32 as they lie in memory. */
struct FloatRows {
  static constexpr int64_t kStep = 16;
  static constexpr bool kSplit = false;
  static constexpr int kAlone = 1;
  // with one row of x, as a share of a plain read: 0.99, into the first cache 0.82, unasked 0.93
  static constexpr int64_t kAhead = 3072;
  const float* data;
  int64_t stride;
  inline __attribute__((always_inline)) Lanes16 at(int64_t row, int64_t k, int64_t i) const {
    return load16(data + row * stride + k + i * kLanes16);
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t i, int64_t count) const {
    return load_some(data + row * stride + k + i * kLanes16, count);
  }
  const char* from(int64_t row) const { return reinterpret_cast<const char*>(data + row * stride); }
};

/** Rows [n,k] of bf16 as they lie in memory. Of two neighbours in 32 bits the even one is widened by a shift
 * and the odd one by a mask, which takes two thirds of the instructions of widening sixteen in a row, and 5
 * to 15 % less time. */
struct BfloatRows {
  static constexpr int64_t kStep = 32;
  static constexpr bool kSplit = true;
  static constexpr int kAlone = 1;
  // as a share of a plain read: unasked 1.01, into the second cache 0.67, into the first 0.80
  static constexpr int64_t kAhead = 0;
  const uint16_t* data;
  int64_t stride;
  inline __attribute__((always_inline)) Lanes16 at(int64_t row, int64_t k, int64_t i) const {
    return widen_half(load_words(data + row * stride + k), i);
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t i, int64_t count) const {
    uint16_t step[kStep] = {};
    std::memcpy(step, data + row * stride + k, static_cast<size_t>(count) * 2);
    return widen_half(load_words(step), i);
  }
  const char* from(int64_t row) const { return reinterpret_cast<const char*>(data + row * stride); }
};

/** Rows of f32 in the order of BfloatRows. */
struct SplitRows {
  static constexpr int64_t kStep = 32, kAhead = 0;
  static constexpr bool kSplit = true;
  const float* data;
  int64_t stride;
  inline __attribute__((always_inline)) Lanes16 at(int64_t row, int64_t k, int64_t i) const {
    return every_other16(data + row * stride + k, i);
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t i, int64_t count) const {
    float step[kStep] = {};
    std::memcpy(step, data + row * stride + k, static_cast<size_t>(count) * 4);
    return every_other16(step, i);
  }
  const char* from(int64_t row) const { return reinterpret_cast<const char*>(data + row * stride); }
};

/** SplitRows that were laid out in their order, whole steps of them, zeros behind. */
struct LaidOutRows {
  const float* data;
  int64_t stride;
  inline __attribute__((always_inline)) Lanes16 at(int64_t row, int64_t k, int64_t i) const {
    return load16(data + row * stride + k + i * kLanes16);
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t i, int64_t) const {
    return at(row, k, i);
  }
};

/** Rows of x in the order of W. */
template <typename W>
using LeftOf = std::conditional_t<W::kSplit, SplitRows, FloatRows>;

/** Columns in whole steps of what is laid out for W. */
template <typename W>
int64_t padded_for(int64_t columns) {
  constexpr int64_t step = W::kSplit ? W::kStep : kLanes16;
  return (columns + step - 1) / step * step;
}

/** each(k, i, columns, all) for every sixteen columns of kRows rows of w, which memory is asked for ahead in
 * the order it lies; `all`, a constant, is false where fewer than sixteen are there. */
template <int kRows, typename W, typename Each>
inline __attribute__((always_inline)) void stream_rows(const W& w, int64_t row, int64_t columns, Each each) {
  // of rows side by side all is asked for, and of the last of them that much has been passed over
  constexpr int64_t kAhead = kRows > 1 ? 6144 : W::kAhead;
  const char* ahead = w.from(row) + kAhead + (kRows - 1) * (w.from(1) - w.from(0));
  const auto sixteen = [&](int64_t k, int64_t i) __attribute__((always_inline)) {
    Lanes16 right[kRows];
#pragma GCC unroll 4
    for (int j = 0; j < kRows; j++) right[j] = w.at(row + j, k, i);
    each(k, i, right, std::true_type());
  };
  const auto some = [&](int64_t k, int64_t i, int64_t count) {
    Lanes16 right[kRows];
    for (int j = 0; j < kRows; j++) right[j] = w.some(row + j, k, i, count);
    each(k, i, right, std::false_type());
  };
  int64_t k = 0;
  for (; k + W::kStep <= columns; k += W::kStep) {
#pragma GCC unroll 8
    for (int64_t i = 0; i < W::kStep / kLanes16; i++) sixteen(k, i);
    if (kAhead == 0) continue;
#pragma GCC unroll 4
    for (int j = 0; j < kRows; j++) __builtin_prefetch(ahead + 64 * j, 0, 2);  // 2: into the second cache
    ahead += 64 * kRows;
  }
  if (k == columns) return;
  if (W::kSplit) {
    for (int64_t i = 0; i < 2; i++) some(k, i, columns - k);
    return;
  }
  int64_t i = 0;
  for (; k + (i + 1) * kLanes16 <= columns; i++) sixteen(k, i);
  if (const int64_t at = k + i * kLanes16; at < columns) some(k, i, columns - at);
}

inline void write_sum(const RowProduct& call, int64_t m, int64_t n, float sum) {
  float& y = call.y[m * call.ldy + n];
  if (call.bias) sum += call.bias[n];
  y = call.accumulate ? y + sum : sum;
}

// rows of x and of w in one tile of sums, as far as the registers go
#if defined(__AVX512F__)
inline constexpr int kTile = 4;
#else
inline constexpr int kTile = 2;
#endif

/** All rows of x, kRows of them, with kColumns rows of w. */
template <int kRows, int kColumns, typename X, typename W>
inline __attribute__((always_inline)) void multiply_few(const RowProduct& call, const X& x, const W& w,
                                                        int64_t n) {
  Lanes16 sums[kRows][kColumns] = {};
  stream_rows<kColumns>(
      w, n, call.k,
      [&](int64_t k, int64_t i, const Lanes16(&right)[kColumns], auto all) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int row = 0; row < kRows; row++) {
          const int64_t left_over = call.k - k - (W::kSplit ? 0 : i * kLanes16);
          const Lanes16 left = all ? x.at(row, k, i) : x.some(row, k, i, left_over);
#pragma GCC unroll 4
          for (int j = 0; j < kColumns; j++) sums[row][j] += left * right[j];
        }
      });
#pragma GCC unroll 4
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 4
    for (int j = 0; j < kColumns; j++) write_sum(call, i, n + j, total16(sums[i][j]));
  }
}

template <int kRows, typename X, typename W>
void multiply_few(const RowProduct& call, const X& x, const W& w, int64_t begin, int64_t end) {
  constexpr int kColumns = kRows == 1 ? W::kAlone : 2;
  int64_t n = begin;
  for (; n + kColumns <= end; n += kColumns) multiply_few<kRows, kColumns>(call, x, w, n);
  for (; n < end; n++) multiply_few<kRows, 1>(call, x, w, n);
}

/** All rows of x, at most kTile. */
template <typename X, typename W>
void multiply_few(const RowProduct& call, const X& x, const W& w, int64_t begin, int64_t end) {
  if (call.m == 1) return multiply_few<1>(call, x, w, begin, end);
  if (call.m == 2) return multiply_few<2>(call, x, w, begin, end);
  if constexpr (kTile == 4) {
    if (call.m == 3) return multiply_few<3>(call, x, w, begin, end);
    multiply_few<4>(call, x, w, begin, end);
  }
}

// rows of x that share a strip of w, and columns of both that a tile takes at a time: a strip's part and the
// sums stay in the first cache, the panel in the second
inline constexpr int64_t kPanel = 64, kDeep = 512;

/** kTile rows from `row` on, `count` of them there and the rest zeros, laid side by side: sixteen columns of
 * each row in turn, the last ones filled up with zeros. */
template <int kTile, typename W>
void lay_out(const W& w, int64_t row, int64_t count, int64_t columns, float* to) {
  for (int64_t j = 0; j < kTile; j++, to += kLanes16) {
    if (j < count) {
      stream_rows<1>(
          w, row + j,
          columns, [&](int64_t k, int64_t i, const Lanes16(&right)[1], auto) __attribute__((always_inline)) {
            store16(to + (k + i * kLanes16) * kTile, right[0]);
          });
    } else {
      for (int64_t k = 0; k < padded_for<W>(columns); k += kLanes16) store16(to + k * kTile, Lanes16{});
    }
  }
}

struct Tile {
  Lanes16 sums[kTile][kTile] = {};
};

/** sums += x wᵀ of two laid out parts of `steps` times sixteen columns. */
inline __attribute__((always_inline)) void multiply_tile(Tile& tile, const float* x, const float* w,
                                                         int64_t steps) {
  for (; steps > 0; steps--, x += kTile * kLanes16, w += kTile * kLanes16) {
    Lanes16 left[kTile];
#pragma GCC unroll 4
    for (int i = 0; i < kTile; i++) left[i] = load16(x + i * kLanes16);
#pragma GCC unroll 4
    for (int j = 0; j < kTile; j++) {
      const Lanes16 right = load16(w + j * kLanes16);
#pragma GCC unroll 4
      for (int i = 0; i < kTile; i++) tile.sums[i][j] += left[i] * right;
    }
  }
}

/** Adds up the lanes of a tile and writes what of it lies within y. */
inline __attribute__((always_inline)) void finish_tile(const RowProduct& call, const Tile& tile, int64_t m,
                                                       int64_t n, int64_t end) {
  typedef float Row __attribute__((vector_size(4 * kTile)));
  typedef float LooseRow __attribute__((vector_size(4 * kTile), aligned(4), may_alias));
  Row rows[kTile];
#if defined(__AVX512F__)
  const Lanes16 sums = totals16(reinterpret_cast<const Lanes16(&)[kLanes16]>(tile.sums));
#else
  const Lanes4 sums = totals16(tile.sums[0][0], tile.sums[0][1], tile.sums[1][0], tile.sums[1][1]);
#endif
  std::memcpy(rows, &sums, sizeof(rows));
  const int64_t height = std::min<int64_t>(kTile, call.m - m);
  if (n + kTile > end) {
    for (int64_t i = 0; i < height; i++) {
      for (int64_t j = 0; j < end - n; j++) write_sum(call, m + i, n + j, rows[i][j]);
    }
    return;
  }
  const Row bias = call.bias ? (Row)(*reinterpret_cast<const LooseRow*>(call.bias + n)) : Row{};
  for (int64_t i = 0; i < height; i++) {
    LooseRow* y = reinterpret_cast<LooseRow*>(call.y + (m + i) * call.ldy + n);
    Row row = rows[i];
    if (call.bias) row += bias;
    *y = (LooseRow)(call.accumulate ? (Row)(*y) + row : row);
  }
}

/** Part i of `parts` of some bytes, brought into the second cache. */
inline void ask_for(const char* from, int64_t bytes, int64_t i, int64_t parts) {
  const int64_t end = bytes * (i + 1) / parts;
  for (int64_t at = bytes * i / parts; at < end; at += 64) __builtin_prefetch(from + at, 0, 2);
}

/** The columns [begin, end) of y for a panel of at most `tiles` * kTile rows. */
template <typename W>
void multiply_panel(const RowProduct& call, const W& w, int64_t begin, int64_t end, int64_t tiles,
                    float* workspace) {
  const int64_t wide = padded_for<W>(call.k);
  float* const strip = workspace;
  float* const panel = workspace + kTile * wide;
  const LeftOf<W> x{call.x, call.ldx};
  for (int64_t i = 0; i < tiles; i++)
    lay_out<kTile>(x, i * kTile, call.m - i * kTile, call.k, panel + i * kTile * wide);
  Tile held[kPanel / kTile];
  for (int64_t n = begin; n < end; n += kTile) {
    lay_out<kTile>(w, n, end - n, call.k, strip);
    const char* const following = w.from(n + kTile);
    const int64_t bytes = w.from(n + 2 * kTile) - following;
    int64_t k = 0;
    do {
      const int64_t next = std::min(k + kDeep, wide);
      for (int64_t i = 0; i < tiles; i++) {
        if (k == 0) ask_for(following, bytes, i, tiles);
        Tile tile;
        if (k > 0) tile = held[i];
        multiply_tile(tile, panel + i * kTile * wide + k * kTile, strip + k * kTile, (next - k) / kLanes16);
        if (next < wide)
          held[i] = tile;
        else
          finish_tile(call, tile, i * kTile, n, end);
      }
      k = next;
    } while (k < wide);
  }
}

/** The columns [begin, end) of y, on the calling thread, in `bytes` of workspace. */
template <typename W>
void row_product(const RowProduct& call, const W& w, int64_t begin, int64_t end, void* workspace,
                 int64_t bytes) {
  const int64_t wide = padded_for<W>(call.k);
  const LeftOf<W> x{call.x, call.ldx};
  if constexpr (!W::kSplit) {
    if (call.m <= kTile) return multiply_few(call, x, w, begin, end);
  } else if (call.m <= kTile && call.m * wide * 4 <= bytes) {
    float* const copy = static_cast<float*>(workspace);
    for (int64_t m = 0; m < call.m; m++) lay_out<1>(x, m, 1, call.k, copy + m * wide);
    return multiply_few(call, LaidOutRows{copy, wide}, w, begin, end);
  }
  const int64_t fit = bytes / 4 / kTile / wide - 1;  // tiles beside a strip
  const int64_t most = fit < 1 ? 1 : std::min(kPanel / kTile, fit) * kTile;
  for (int64_t m = 0; m < call.m; m += most) {
    RowProduct panel = call;
    panel.m = std::min(most, call.m - m);
    panel.x += m * call.ldx;
    panel.y += m * call.ldy;
    if (most > 1)
      multiply_panel(panel, w, begin, end, (panel.m + kTile - 1) / kTile, static_cast<float*>(workspace));
    else  // rows of more than a hundred thousand columns
      multiply_few<1>(panel, LeftOf<W>{panel.x, panel.ldx}, w, begin, end);
  }
}

/** Spread over the pool: for few rows of x a piece of w, `row_bytes` each row, for every thread, of at most
 * 1 MiB: where a piece begins, memory must find into its stride anew. Else tiles. */
template <typename W>
void spread_row_product(ThreadPool& pool, const RowProduct& call, const W& w, int64_t row_bytes) {
  constexpr int64_t kPieceBytes = int64_t{1} << 18, kLeast = 16, kMost = 128;
  if (call.m == 0 || call.n == 0) return;
  const bool few = call.m <= kTile;
  const int64_t parts = few ? pool.threads() : 4;  // some for every thread
  int64_t most = (few ? 4 : 1) * kPieceBytes / std::max<int64_t>(1, row_bytes);
  if (!few) most = std::min(most, kMost);
  const int64_t wide =
      std::clamp((call.n + parts - 1) / parts, kLeast, std::max(kLeast, most)) / kTile * kTile;
  const int64_t across = (call.n + wide - 1) / wide, down = (call.m + kPanel - 1) / kPanel;
  pool.run(across * down, [&](int64_t piece, void* workspace) {
    RowProduct part = call;
    const int64_t row = piece % down * kPanel;
    part.m = std::min(kPanel, call.m - row);
    part.x += row * call.ldx;
    part.y += row * call.ldy;
    const int64_t begin = piece / down * wide;
    row_product(part, w, begin, std::min(begin + wide, call.n), workspace, kTileBytes);
  });
}

}  // namespace sluice::cpu::SLUICE_ISA
