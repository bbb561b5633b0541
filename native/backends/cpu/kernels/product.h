// A matrix product spread over the thread pool in tiles whose size follows from its shape alone.
#pragma once

#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {

struct Tiles {
  int64_t m, n;

  /** Tiles large enough that packing is cheap beside multiplying, yet at least 8 of them in a large product.
   */
  Tiles(int64_t rows, int64_t columns, int64_t depth, int64_t products = 1) {
    m = std::min<int64_t>(rows, 512);
    n = std::min<int64_t>(columns, 1024);
    while (count(rows, m) * count(columns, n) * products < 8 && m * n * depth > kLeast) {
      if (n >= 2 * m || (n > 128 && m <= 128))
        n = half(n);
      else if (m > 32)
        m = half(m);
      else
        break;
    }
  }

  /** Tiles of our own bf16 product, whose sums are the same however it is cut: the fewer, the less is packed
   * and the more of a is fetched ahead. */
  static Tiles of_bf16(int64_t rows, int64_t columns, int64_t depth, int threads) {
    Tiles tiles;
    tiles.m = std::min<int64_t>(rows, 1024), tiles.n = std::min<int64_t>(columns, 512);
    const auto fair = [&] {
      const int64_t all = count(rows, tiles.m) * count(columns, tiles.n);
      return all % threads == 0 || all >= 4 * threads;
    };
    while (!fair() && tiles.m * tiles.n * depth > kLeast) {
      if (tiles.m >= tiles.n / 2 && tiles.m > 32)
        tiles.m = half(tiles.m);
      else if (tiles.n > 32)
        tiles.n = half(tiles.n);
      else
        break;
    }
    return tiles;
  }

  static int64_t count(int64_t size, int64_t tile) { return tile ? (size + tile - 1) / tile : 0; }
  static int64_t half(int64_t size) { return (size / 2 + 15) / 16 * 16; }

 private:
  Tiles() = default;
  static constexpr int64_t kLeast = int64_t{1} << 22;  // multiply-adds of a tile not worth cutting further
};

/** An address `count` elements further on. */
inline const void* advance(const void* at, DType type, int64_t count) {
  return static_cast<const char*>(at) + count * size_of(type);
}
inline void* advance(void* at, DType type, int64_t count) {
  return static_cast<char*>(at) + count * size_of(type);
}

/** The part of a product that starts at (row, column) and has at most the given size. */
inline GemmCall part_of(const GemmCall& whole, int64_t row, int64_t column, int64_t rows, int64_t columns) {
  GemmCall part = whole;
  part.m = std::min(rows, whole.m - row);
  part.n = std::min(columns, whole.n - column);
  part.a = advance(whole.a, whole.operands, whole.trans_a ? row : row * whole.lda);
  part.b = advance(whole.b, whole.operands, whole.trans_b ? column * whole.ldb : column);
  part.c = advance(whole.c, whole.result, row * whole.ldc + column);
  if (whole.bias) part.bias += column;
  return part;
}

/** The product of one thread: f32 by the library `gemm`, bf16 by our own kernel. */
inline void multiply(Gemm gemm, const GemmCall& call, void* workspace) {
  if (call.operands == DType::bf16)
    bf16_gemm(call, workspace, gemm);
  else
    gemm(call, workspace);
}

/** How one product, or each of several alike, is cut. */
inline Tiles tiles_of(const ThreadPool& pool, const GemmCall& whole, int64_t products = 1) {
  if (kMultipliesBf16 && whole.operands == DType::bf16 && products == 1)
    return Tiles::of_bf16(whole.m, whole.n, whole.k, pool.threads());
  return Tiles(whole.m, whole.n, whole.k, products);
}

/** Neighbouring pieces share their part of b: the larger operand is then read from memory once. */
inline void product(ThreadPool& pool, Gemm gemm, const GemmCall& whole) {
  if (whole.m == 0 || whole.n == 0) return;
  const Tiles tiles = tiles_of(pool, whole);
  const int64_t down = Tiles::count(whole.m, tiles.m), across = Tiles::count(whole.n, tiles.n);
  pool.run(down * across, [&](int64_t piece, void* workspace) {
    multiply(gemm, part_of(whole, piece % down * tiles.m, piece / down * tiles.n, tiles.m, tiles.n),
             workspace);
  });
}

}  // namespace sluice::cpu::SLUICE_ISA
