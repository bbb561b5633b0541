// Products with frozen weights kept in 8 or 4 bits: y = x wᵀ (+ bias), and y = x w for the gradient of x.
// With few rows of x, or independent ones, w is expanded in registers while it streams by; large products
// expand one tile at a time into the thread's cache and multiply as usual. w never exists in f32 as a whole.
#include "quantized-rows.h"

#include <cstring>

#include "bf16.h"
#include "expert-rows.h"
#include "kernels.h"
#include "row-product.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kTall = 512;  // rows of x of one tile

/** How the rows of x and y belong to experts; without experts there is one. */
struct Groups {
  const int32_t* offsets;  // [experts+1]
  int64_t experts;
};

struct Weights {
  int64_t n, k, padded;
  const uint8_t* codes;  // [experts, n, ...]
  const float* scales;

  template <typename W>
  W of(int64_t expert) const {
    return {codes + expert * n * W::bytes(padded), scales + expert * n * (padded / kQuantBlock), padded};
  }
};

/** What is multiplied and where it goes, in f32. */
struct Rows {
  const float* x;
  float* y;
};

template <typename W>
void forward(const KernelCall& call, const Rows& all, const Weights& weights, const Groups& groups,
             bool by_rows) {
  const auto [x, y] = all;
  const float* bias = call.in[3] ? call.in[3].f32() : nullptr;
  const int64_t n = weights.n, k = weights.k;
  // by rows: about 64 KiB of codes a piece; else a tile of at most 2 MiB once it is expanded
  const int64_t rows = by_rows ? (int64_t{1} << 16) / W::bytes(weights.padded)
                               : std::min<int64_t>(256, (int64_t{1} << 19) / weights.padded);
  const int64_t wide = std::max<int64_t>(kTile, std::min(rows, (n + 3) / 4) / kTile * kTile);
  const auto tiles = expert_tiles(groups.offsets, groups.experts, n, wide, kTall);
  call.pool.run(static_cast<int64_t>(tiles.size()), [&](int64_t piece, void* workspace) {
    const ExpertTile& tile = tiles[static_cast<size_t>(piece)];
    const W w = weights.of<W>(tile.expert);
    const int64_t end = std::min(tile.column + wide, n);
    if (by_rows) {
      RowProduct product;
      product.m = tile.end - tile.row, product.n = n, product.k = k;
      product.x = x + tile.row * k, product.ldx = k;
      product.y = y + tile.row * n, product.ldy = n;
      product.bias = bias;
      return row_product(product, w, tile.column, end, workspace, kTileBytes);
    }
    float* expanded = static_cast<float*>(workspace);
    dequantize(w, tile.column, end, 0, (k + 15) / 16 * 16, expanded, weights.padded);
    GemmCall part;
    part.trans_b = true;
    part.m = tile.end - tile.row, part.n = end - tile.column, part.k = k;
    part.a = x + tile.row * k, part.lda = k;
    part.b = expanded, part.ldb = weights.padded;
    part.c = y + tile.row * n + tile.column, part.ldc = n;
    part.accumulate = bias != nullptr;
    for (int64_t row = tile.row; bias && row < tile.end; row++) {
      std::memcpy(y + row * n + tile.column, bias + tile.column, static_cast<size_t>(part.n) * 4);
    }
    call.gemm(part, workspace);
  });
}

/** y [R,K] = x [R,N] w, the sum over n in chunks whose expanded tile stays in the cache. */
template <typename W>
void backward(const KernelCall& call, const Rows& all, const Weights& weights, const Groups& groups) {
  const auto [x, y] = all;
  constexpr int64_t kWide = 512, kDeep = 256;  // columns of y, rows of w
  const int64_t n = weights.n, k = weights.k;
  const auto tiles = expert_tiles(groups.offsets, groups.experts, k, kWide, kTall);
  call.pool.run(static_cast<int64_t>(tiles.size()), [&](int64_t piece, void* workspace) {
    const ExpertTile& tile = tiles[static_cast<size_t>(piece)];
    const W w = weights.of<W>(tile.expert);
    float* expanded = static_cast<float*>(workspace);
    const int64_t end = std::min(tile.column + kWide, k);
    for (int64_t deep = 0; deep < n; deep += kDeep) {
      const int64_t last = std::min(deep + kDeep, n);
      dequantize(w, deep, last, tile.column, (end + 15) / 16 * 16, expanded, kWide);
      GemmCall part;
      part.m = tile.end - tile.row, part.n = end - tile.column, part.k = last - deep;
      part.a = x + tile.row * n + deep, part.lda = n;
      part.b = expanded, part.ldb = kWide;
      part.c = y + tile.row * k + tile.column, part.ldc = k;
      part.accumulate = deep > 0;
      call.gemm(part, workspace);
    }
  });
}

template <typename W>
void multiply(const KernelCall& call, const Rows& all, const Weights& weights, const Groups& groups,
              int64_t rows) {
  if (!call.integer("trans_b")) return backward<W>(call, all, weights, groups);
  forward<W>(call, all, weights, groups, call.independent_rows || rows <= 8);
}

}  // namespace

Status kernel_quantized_matmul(const KernelCall& call) {
  const Tensor &x = call.in[0], &codes = call.in[1], &y = call.out[0];
  const int64_t rows = x.shape.rows();
  const bool narrow_x = x.dtype == DType::bf16, narrow_y = y.dtype == DType::bf16;
  auto* wide_x = static_cast<float*>(call.scratch);
  const Rows all_rows{narrow_x ? wide_x : x.f32(), narrow_y ? wide_x + x.count() : y.f32()};
  if (narrow_x) {
    in_pieces(call.pool, x.count(), kElements, [&](int64_t begin, int64_t end, void*) {
      widen(static_cast<const uint16_t*>(x.data) + begin, wide_x + begin, end - begin);
    });
  }
  Weights weights;
  weights.n = codes.shape[-2], weights.k = call.integer("columns");
  weights.padded = (weights.k + kQuantGroup - 1) / kQuantGroup * kQuantGroup;
  weights.codes = static_cast<const uint8_t*>(codes.data), weights.scales = call.in[2].f32();
  const int32_t all[2] = {0, static_cast<int32_t>(rows)};
  Groups groups{all, 1};
  if (call.inputs > 4 && call.in[4]) {
    if (Status status = check_offsets(call.in[4], rows); !status.ok()) return status;
    groups = {call.in[4].i32(), codes.shape[0]};
    const int64_t used = groups.offsets[groups.experts], width = y.shape.last();
    std::memset(all_rows.y + used * width, 0, static_cast<size_t>((rows - used) * width) * sizeof(float));
  }
  if (call.op.attribute("format").text == "int8")
    multiply<Int8Rows>(call, all_rows, weights, groups, rows);
  else
    multiply<Nf4Rows>(call, all_rows, weights, groups, rows);
  if (narrow_y) {
    in_pieces(call.pool, y.count(), kElements, [&](int64_t begin, int64_t end, void*) {
      narrow(all_rows.y + begin, static_cast<uint16_t*>(y.data) + begin, end - begin);
    });
  }
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
