// Matrix products: plain, batched, and grouped by expert.
#include <cstring>

#include "expert-rows.h"
#include "kernels.h"
#include "product.h"
#include "row-product.h"

namespace sluice::cpu::SLUICE_ISA {
Status kernel_matmul(const KernelCall& call) {
  const Tensor &a = call.in[0], &b = call.in[1], &y = call.out[0];
  const float* bias = call.inputs > 2 && call.in[2] ? call.in[2].f32() : nullptr;
  GemmCall whole;
  whole.trans_a = call.integer("trans_a");
  whole.trans_b = call.integer("trans_b");
  const bool flat = b.shape.rank == 2 && (!whole.trans_a || a.shape.rank == 2);  // all rows of a at once
  whole.n = y.shape.last();
  whole.m = flat ? y.shape.rows() : y.shape[-2];
  whole.k = whole.trans_a ? a.shape[-2] : a.shape[-1];
  whole.operands = a.dtype;
  whole.result = y.dtype;
  whole.a = a.data;
  whole.lda = a.shape[-1];
  whole.b = b.data;
  whole.ldb = b.shape[-1];
  whole.c = y.data;
  whole.ldc = whole.n;
  const bool begin_with_bias = bias && a.dtype == DType::f32;  // our own product adds it by itself
  whole.accumulate = begin_with_bias;
  whole.bias = begin_with_bias ? nullptr : bias;
  if (y.count() == 0) return {};
  constexpr int64_t kFewRows = 8;  // up to here w is streamed from memory, and multiplying is cheap
  const bool plain = a.dtype == DType::f32 && y.dtype == DType::f32;
  const bool narrow_weights = a.dtype != b.dtype;  // a f32, b bf16: only with trans_b and a b of rank 2
  if (plain && flat && !whole.trans_a && whole.trans_b &&
      (narrow_weights || call.independent_rows || whole.m <= kFewRows)) {
    row_matmul(call);
    return {};
  }

  const int64_t batch = flat ? 1 : y.shape.product(0, y.shape.rank - 2);
  const int64_t a_step = whole.m * whole.k, y_step = whole.m * whole.n;
  const int64_t b_step = b.shape.rank == 2 ? 0 : whole.k * whole.n;
  const Tiles tiles = tiles_of(call.pool, whole, batch);
  const int64_t down = Tiles::count(whole.m, tiles.m), across = Tiles::count(whole.n, tiles.n);
  const int64_t each = down * across;
  // tiny products are handed out several at a time
  const int64_t together =
      std::max<int64_t>(1, (int64_t{1} << 18) / std::max<int64_t>(1, tiles.m * tiles.n * whole.k));
  in_pieces(call.pool, batch * each, together, [&](int64_t begin, int64_t end, void* workspace) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t at = i / each, tile = i % each;
      GemmCall part = part_of(whole, tile % down * tiles.m, tile / down * tiles.n, tiles.m, tiles.n);
      part.a = advance(part.a, part.operands, at * a_step);
      part.b = advance(part.b, part.operands, at * b_step);
      part.c = advance(part.c, part.result, at * y_step);
      for (int64_t row = 0; begin_with_bias && row < part.m; row++) {
        std::memcpy(static_cast<float*>(part.c) + row * part.ldc, bias + tile / down * tiles.n,
                    static_cast<size_t>(part.n) * 4);
      }
      multiply(call.gemm, part, workspace);
    }
  });
  return {};
}

Status kernel_accumulate_matmul(const KernelCall& call) {
  const Tensor &sum = call.in[0], &a = call.in[1], &b = call.in[2];
  GemmCall whole;
  whole.trans_a = call.integer("trans_a");
  whole.trans_b = call.integer("trans_b");
  whole.m = sum.shape[0], whole.n = sum.shape[1];
  whole.k = a.shape[whole.trans_a ? 0 : 1];
  whole.operands = a.dtype;
  whole.a = a.data, whole.lda = a.shape[1];
  whole.b = b.data, whole.ldb = b.shape[1];
  whole.c = sum.data, whole.ldc = whole.n;
  whole.accumulate = true;
  if (whole.k > 0) product(call.pool, call.gemm, whole);
  return {};
}

Status kernel_grouped_matmul(const KernelCall& call) {
  const Tensor &x = call.in[0], &w = call.in[1], &y = call.out[0];
  const int64_t rows = x.shape[0], k = x.shape[1], n = y.shape[1], experts = w.shape[0];
  const bool trans_b = call.integer("trans_b");
  const int32_t* offsets = call.in[2].i32();
  if (Status status = check_offsets(call.in[2], rows); !status.ok()) return status;
  const int64_t used = offsets[experts];
  std::memset(advance(y.data, y.dtype, used * n), 0,
              static_cast<size_t>((rows - used) * n * size_of(y.dtype)));

  const int64_t tall = 256, wide = std::min<int64_t>(n, 512);
  const std::vector<ExpertTile> tiles = expert_tiles(offsets, experts, n, wide, tall);
  call.pool.run(static_cast<int64_t>(tiles.size()), [&](int64_t piece, void* workspace) {
    const ExpertTile& tile = tiles[static_cast<size_t>(piece)];
    if (x.dtype != w.dtype) {  // x f32, w bf16 with trans_b
      RowProduct part;
      part.m = tile.end - tile.row;
      part.n = n, part.k = k;
      part.x = x.f32() + tile.row * k, part.ldx = k;
      part.y = y.f32() + tile.row * n, part.ldy = n;
      const uint16_t* expert = static_cast<const uint16_t*>(w.data) + tile.expert * k * n;
      const int64_t end = std::min(tile.column + wide, n);
      return row_product(part, BfloatRows{expert, k}, tile.column, end, workspace, kTileBytes);
    }
    GemmCall part;
    part.trans_b = trans_b;
    part.m = tile.end - tile.row;
    part.n = std::min(wide, n - tile.column);
    part.k = k;
    part.operands = x.dtype;
    part.result = y.dtype;
    part.a = advance(x.data, x.dtype, tile.row * k);
    part.lda = k;
    part.b = advance(w.data, w.dtype, tile.expert * k * n + (trans_b ? tile.column * k : tile.column));
    part.ldb = trans_b ? k : n;
    part.c = advance(y.data, y.dtype, tile.row * n + tile.column);
    part.ldc = n;
    multiply(call.gemm, part, workspace);
  });
  return {};
}

Status kernel_grouped_matmul_wgrad(const KernelCall& call) {
  const Tensor &a = call.in[0], &b = call.in[1], &dw = call.out[0];
  const int64_t rows = a.shape[0], m = a.shape[1], n = b.shape[1], experts = dw.shape[0];
  const int32_t* offsets = call.in[2].i32();
  if (Status status = check_offsets(call.in[2], rows); !status.ok()) return status;
  const int64_t tall = std::min<int64_t>(m, 256), wide = std::min<int64_t>(n, 512);
  const int64_t down = Tiles::count(m, tall), across = Tiles::count(n, wide);
  if (dw.count() == 0) return {};
  call.pool.run(experts * down * across, [&](int64_t piece, void* workspace) {
    const int64_t e = piece / (down * across), tile = piece % (down * across);
    const int64_t row = tile % down * tall, column = tile / down * wide;
    GemmCall part;
    part.trans_a = true;
    part.m = std::min(tall, m - row);
    part.n = std::min(wide, n - column);
    part.k = offsets[e + 1] - offsets[e];
    part.operands = a.dtype;
    part.a = advance(a.data, a.dtype, offsets[e] * m + row);
    part.lda = m;
    part.b = advance(b.data, b.dtype, offsets[e] * n + column);
    part.ldb = n;
    float* c = dw.f32() + e * m * n + row * n + column;
    part.c = c;
    part.ldc = n;
    if (part.k) {
      multiply(call.gemm, part, workspace);
      return;
    }
    for (int64_t i = 0; i < part.m; i++) std::memset(c + i * n, 0, static_cast<size_t>(part.n) * 4);
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
