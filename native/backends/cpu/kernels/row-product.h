// y[m,n] = sum over k of x[m,k] w[n,k]: products whose rows do not know of each other. Every element is
// sixteen partial sums over k (k mod 16), added up in one order, whatever the number of rows and however they
// are cut: a row of y has the same bits in any batch. Both operands are read as they lie, and w once for all
// rows of x: with few rows (a step of decoding) this runs at the speed of memory.
//
// W is what w is stored as: `at(row, k, i)` gives columns k + 16 i .. of a row as f32, k a multiple of
// W::kStep and 16 i less than it; `some` the last ones, fewer than sixteen, where what stands behind them
// meets zeros of x.
#pragma once

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

// how far ahead of its use w is asked for: what memory brings in the time one answer takes, and some more
inline constexpr int64_t kAheadBytes = 12288;

/** Rows [n,k] as they lie in memory, f32 or bf16. */
template <typename T>
struct PlainRows {
  static constexpr int64_t kStep = kLanes16;
  const T* data;
  int64_t stride;
  inline __attribute__((always_inline)) Lanes16 at(int64_t row, int64_t k, int64_t) const {
    return load16(data + row * stride + k);
  }
  inline __attribute__((always_inline)) Lanes16 some(int64_t row, int64_t k, int64_t, int64_t count) const {
    return load_some(data + row * stride + k, count);
  }
  const void* ahead(int64_t row, int64_t k) const {
    return data + row * stride + k + kAheadBytes / static_cast<int64_t>(sizeof(T));
  }
};
using FloatRows = PlainRows<float>;
using BfloatRows = PlainRows<uint16_t>;

// rows of x and of w in one register tile, as far as the registers go
#if defined(__AVX512F__)
inline constexpr int kTileRows = 4, kTileColumns = 6;
#else
inline constexpr int kTileRows = 2, kTileColumns = 2;
#endif

/** kFresh: the rows of w come from memory, so what follows them is asked for ahead. */
template <int kRows, int kColumns, bool kFresh, typename W>
inline __attribute__((always_inline)) void row_tile(const RowProduct& call, const W& w, int64_t m,
                                                    int64_t n) {
  Lanes16 sum[kRows][kColumns] = {};
  const float* x = call.x + m * call.ldx;
  const int64_t whole = call.k / kLanes16 * kLanes16;
  const auto step = [&](const Lanes16(&left)[kRows], int column, Lanes16 right)
      __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int i = 0; i < kRows; i++) sum[i][column] += left[i] * right;
  };
  const auto sixteen = [&](int64_t k, int64_t part) __attribute__((always_inline)) {
    Lanes16 left[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; i++) left[i] = load16(x + i * call.ldx + k + part * kLanes16);
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; j++) step(left, j, w.at(n + j, k, part));
    if (kFresh && part == 0) {
#pragma GCC unroll 8
      for (int j = 0; j < kColumns; j++) __builtin_prefetch(w.ahead(n + j, k));
    }
  };
  int64_t k = 0;
  for (; k + W::kStep <= whole; k += W::kStep) {
#pragma GCC unroll 8
    for (int64_t part = 0; part < W::kStep / kLanes16; part++) sixteen(k, part);
  }
  for (int64_t part = 0; k + (part + 1) * kLanes16 <= whole; part++) sixteen(k, part);
  if (whole < call.k) {
    Lanes16 left[kRows];
    for (int i = 0; i < kRows; i++) left[i] = load_some(x + i * call.ldx + whole, call.k - whole);
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; j++)
      step(left, j, w.some(n + j, k, (whole - k) / kLanes16, call.k - whole));
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; i++) {
    float* y = call.y + (m + i) * call.ldy + n;
#pragma GCC unroll 8
    for (int j = 0; j < kColumns; j++) {
      float value = total16(sum[i][j]);
      if (call.bias) value += call.bias[n + j];
      y[j] = call.accumulate ? y[j] + value : value;
    }
  }
}

/** All rows of x with kColumns rows of w. */
template <int kColumns, typename W>
inline __attribute__((always_inline)) void row_strip(const RowProduct& call, const W& w, int64_t n) {
  const int64_t first = std::min<int64_t>(kTileRows, call.m);
  if (kTileRows > 3 && first == 4) row_tile<4, kColumns, true>(call, w, 0, n);
  if (kTileRows > 3 && first == 3) row_tile<3, kColumns, true>(call, w, 0, n);
  if (first == 2) row_tile<2, kColumns, true>(call, w, 0, n);
  if (first == 1) row_tile<1, kColumns, true>(call, w, 0, n);
  int64_t m = first;
  for (; m + kTileRows <= call.m; m += kTileRows) row_tile<kTileRows, kColumns, false>(call, w, m, n);
  for (; m < call.m; m++) row_tile<1, kColumns, false>(call, w, m, n);
}

/** The columns [begin, end) of y, on the calling thread. */
template <typename W>
void row_product(const RowProduct& call, const W& w, int64_t begin, int64_t end) {
  int64_t n = begin;
  for (; n + kTileColumns <= end; n += kTileColumns) row_strip<kTileColumns>(call, w, n);
  for (; n < end; n++) row_strip<1>(call, w, n);
}

/** Spread over the pool: pieces of about `kPieceBytes` of w, `row_bytes` each row, and at most 128 rows of x.
 */
template <typename W>
void spread_row_product(ThreadPool& pool, const RowProduct& call, const W& w, int64_t row_bytes) {
  constexpr int64_t kPieceBytes = int64_t{1} << 17, kTall = 128;
  if (call.m == 0 || call.n == 0) return;
  const int64_t step = kTileColumns;
  int64_t wide = std::max<int64_t>(1, kPieceBytes / std::max<int64_t>(1, row_bytes) / step) * step;
  wide = std::min(wide, std::max<int64_t>(step, (call.n + 3) / 4 / step * step));  // some for every thread
  const int64_t across = (call.n + wide - 1) / wide, down = (call.m + kTall - 1) / kTall;
  pool.run(across * down, [&](int64_t piece, void*) {
    RowProduct part = call;
    const int64_t row = piece % down * kTall;
    part.m = std::min(kTall, call.m - row);
    part.x += row * call.ldx;
    part.y += row * call.ldy;
    const int64_t begin = piece / down * wide;
    row_product(part, w, begin, std::min(begin + wide, call.n));
  });
}

}  // namespace sluice::cpu::SLUICE_ISA
