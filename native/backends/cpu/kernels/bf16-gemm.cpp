// The bf16 matrix product of one thread, f32 sums. Where the machine multiplies bf16 (AVX-512 BF16): blocks
// of a and b are packed into panels of words, each two neighbours along the depth, and a register tile of
// kRows x kColumns sums their products. Elsewhere blocks are widened and the f32 product does the work.
#include "bf16.h"
#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kTall = 240, kWide = 512;  // of a block of c

/** [kTall, kWide] */
float* block_of_c(void* workspace) {
  return reinterpret_cast<float*>(static_cast<char*>(workspace) + kTileBytes);
}

const uint16_t* half(const void* data) { return static_cast<const uint16_t*>(data); }

#if defined(__AVX512BF16__)

constexpr int kLanes = 16, kRows = 12, kColumns = 2 * kLanes;  // 24 sums, 2 of b, 1 of a: within 32 registers
constexpr int64_t kDepth = 2048;                               // of a block
// packed b: [kWide / kColumns][kDepth / 2][kColumns] words (2 MiB); packed a: as many rows as fit 480 KiB
constexpr int64_t kPackedBytes = int64_t{480} << 10;
static_assert(kTileBytes + 4 * kTall * kWide + 2 * kDepth * kWide + kPackedBytes <=
              ThreadPool::kWorkspaceBytes);

/** Where a register tile goes. */
struct Target {
  void* c;
  int64_t ldc;
  const float* bias;
  bool narrow, accumulate;
  __mmask16 first, second;  // columns that exist

  template <int kVectors>
  void store(int row, const __m512 (&sum)[kVectors]) const {
    for (int j = 0; j < kVectors; j++) {
      const __mmask16 mask = j ? second : first;
      const int64_t at = row * ldc + j * kLanes;
      __m512 value = sum[j];
      if (bias) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, bias + j * kLanes));
      if (narrow) {
        _mm256_mask_storeu_epi16(static_cast<uint16_t*>(c) + at, mask,
                                 reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
        continue;
      }
      float* to = static_cast<float*>(c) + at;
      if (accumulate) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, to));
      _mm512_mask_storeu_ps(to, mask, value);
    }
  }
};

/** c[kHeight, kVectors * 16] from panels a [pairs][kHeight] and b [pairs][kColumns]. */
template <int kHeight, int kVectors>
void tile(int64_t pairs, const uint32_t* a, const uint32_t* b, const Target& target) {
  __m512 sum[kHeight][kVectors];
  for (int i = 0; i < kHeight; i++) {
    for (int j = 0; j < kVectors; j++) sum[i][j] = _mm512_setzero_ps();
  }
  for (int64_t k = 0; k < pairs; k++, a += kHeight, b += kColumns) {
    __m512bh right[kVectors];
    for (int j = 0; j < kVectors; j++) right[j] = (__m512bh)_mm512_loadu_si512(b + j * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kHeight; i++) {
      const __m512bh left = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[i]));
      for (int j = 0; j < kVectors; j++) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], left, right[j]);
    }
  }
  for (int i = 0; i < kHeight; i++) target.store(i, sum[i]);
}

using Tile = void (*)(int64_t pairs, const uint32_t* a, const uint32_t* b, const Target& target);

template <int kVectors>
constexpr Tile tiles[kRows + 1] = {nullptr,           tile<1, kVectors>,  tile<2, kVectors>,
                                   tile<3, kVectors>, tile<4, kVectors>,  tile<5, kVectors>,
                                   tile<6, kVectors>, tile<7, kVectors>,  tile<8, kVectors>,
                                   tile<9, kVectors>, tile<10, kVectors>, tile<11, kVectors>,
                                   tile<12, kVectors>};

void transpose_words(__m512i (&x)[16]) {
  __m512i y[16];
  for (int i = 0; i < 16; i += 2) {
    y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
    x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
    x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
    x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
    y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
    y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
    y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
  }
  for (int i = 0; i < 8; i++) {
    x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xdd);
  }
}

__mmask16 lanes(int64_t count) {
  return count >= 16  ? __mmask16(0xffff)
         : count <= 0 ? __mmask16(0)
                      : static_cast<__mmask16>((1u << count) - 1);
}
__mmask32 halves(int64_t count) {
  return count >= 32 ? ~__mmask32{0} : count <= 0 ? __mmask32{0} : (__mmask32{1} << count) - 1;
}

/** Up to 16 rows whose depth is contiguous -> words to[pair * stride + row]. Missing rows give zeros. */
void pack_rows(const uint16_t* x, int64_t ld, int64_t rows, int64_t depth, uint32_t* to, int64_t stride,
               __mmask16 written) {
  for (int64_t k = 0; k < depth; k += 32) {
    __m512i block[16];
    const __mmask32 mask = halves(depth - k);
    for (int i = 0; i < 16; i++)
      block[i] = i < rows ? _mm512_maskz_loadu_epi16(mask, x + i * ld + k) : _mm512_setzero_si512();
    transpose_words(block);
    const int64_t pairs = std::min<int64_t>(16, (depth - k + 1) / 2);
    for (int64_t pair = 0; pair < pairs; pair++)
      _mm512_mask_storeu_epi32(to + (k / 2 + pair) * stride, written, block[pair]);
  }
}

/** Words [pairs][stride] of up to 16 columns from `deep` rows of the depth, ld apart. */
void pack_columns(const uint16_t* x, int64_t ld, int64_t deep, __mmask16 read, uint32_t* to, int64_t stride,
                  __mmask16 written) {
  for (int64_t k = 0; k < deep; k += 2, to += stride) {
    const uint16_t* even = x + k * ld;
    __m512i words = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(read, even));
    if (k + 1 < deep) {
      const __m512i odd = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(read, even + ld));
      words = _mm512_or_si512(words, _mm512_slli_epi32(odd, 16));
    }
    _mm512_mask_storeu_epi32(to, written, words);
  }
}

/** Panels of kWidth from x, each [pairs][its width]; the last may be narrower unless `full`. */
template <int kWidth>
void pack(const uint16_t* x, int64_t ld, bool depth_contiguous, int64_t depth, int64_t count, bool full,
          uint32_t* to) {
  const int64_t pairs = (depth + 1) / 2;
  if (depth_contiguous) {
    for (int64_t first = 0; first < count; first += kWidth, to += pairs * kWidth) {
      const int64_t width = std::min<int64_t>(kWidth, count - first), stride = full ? kWidth : width;
      for (int64_t i = 0; i < stride; i += kLanes) {
        pack_rows(x + (first + i) * ld, ld, std::clamp<int64_t>(width - i, 0, kLanes), depth, to + i, stride,
                  lanes(stride - i));
      }
    }
    return;
  }
  // a few rows at a time: what is written lies together, and what is read stays in the cache
  constexpr int64_t kTogether = 16;
  for (int64_t k = 0; k < depth; k += kTogether) {
    const int64_t deep = std::min(kTogether, depth - k);
    for (int64_t first = 0; first < count; first += kWidth) {
      const int64_t width = std::min<int64_t>(kWidth, count - first), stride = full ? kWidth : width;
      const uint16_t* from = x + k * ld + first;
      uint32_t* panel = to + first * pairs + k / 2 * stride;
      for (int64_t i = 0; i < stride; i += kLanes)
        pack_columns(from + i, ld, deep, lanes(width - i), panel + i, stride, lanes(stride - i));
    }
  }
}

#else

/** Elements [first, first + count) by [depth, depth + deep) of an operand as f32, rows kept as rows. */
const float* widen_block(const uint16_t* x, int64_t ld, bool depth_in_rows, int64_t first, int64_t depth,
                         int64_t count, int64_t deep, float* to) {
  const int64_t rows = depth_in_rows ? deep : count, width = depth_in_rows ? count : deep;
  x += depth_in_rows ? depth * ld + first : first * ld + depth;
  for (int64_t i = 0; i < rows; i++) widen(x + i * ld, to + i * width, width);
  return to;
}

#endif

/** A block of bf16 results whose sums do not fit one pass over the depth: summed as f32, then narrowed. */
void narrow_blocks(const GemmCall& call, void* workspace, Gemm f32) {
  for (int64_t row = 0; row < call.m; row += kTall) {
    for (int64_t column = 0; column < call.n; column += kWide) {
      GemmCall part = call;
      part.m = std::min(kTall, call.m - row), part.n = std::min(kWide, call.n - column);
      part.a = half(call.a) + (call.trans_a ? row : row * call.lda);
      part.b = half(call.b) + (call.trans_b ? column * call.ldb : column);
      part.c = block_of_c(workspace), part.ldc = kWide;
      part.result = DType::f32;
      if (call.bias) part.bias += column;
      bf16_gemm(part, workspace, f32);
      for (int64_t i = 0; i < part.m; i++) {
        narrow(block_of_c(workspace) + i * kWide,
               static_cast<uint16_t*>(call.c) + (row + i) * call.ldc + column, part.n);
      }
    }
  }
}

}  // namespace

#if defined(__AVX512BF16__)

void bf16_gemm(const GemmCall& call, void* workspace, Gemm f32) {
  if (call.result == DType::bf16 && call.k > kDepth) return narrow_blocks(call, workspace, f32);
  uint32_t* packed_b = reinterpret_cast<uint32_t*>(block_of_c(workspace) + kTall * kWide);
  uint32_t* packed_a = packed_b + kDepth / 2 * kWide;
  const uint16_t *a = half(call.a), *b = half(call.b);
  const int64_t rows_that_fit = kPackedBytes / 2 / std::clamp<int64_t>((call.k + 1) / 2 * 2, 2, kDepth);
  const int64_t tall_of_block = std::min<int64_t>(kTall, rows_that_fit / kRows * kRows);
  for (int64_t column = 0; column < call.n; column += kWide) {
    const int64_t wide = std::min(kWide, call.n - column);
    for (int64_t depth = 0; depth == 0 || depth < call.k; depth += kDepth) {
      const int64_t deep = std::min(kDepth, call.k - depth), pairs = (deep + 1) / 2;
      pack<kColumns>(b + (call.trans_b ? column * call.ldb + depth : depth * call.ldb + column), call.ldb,
                     call.trans_b, deep, wide, true, packed_b);
      for (int64_t row = 0; row < call.m; row += tall_of_block) {
        const int64_t tall = std::min(tall_of_block, call.m - row);
        pack<kRows>(a + (call.trans_a ? depth * call.lda + row : row * call.lda + depth), call.lda,
                    !call.trans_a, deep, tall, false, packed_a);
        for (int64_t j = 0; j < wide; j += kColumns) {
          Target target{nullptr,
                        call.ldc,
                        call.bias && depth == 0 ? call.bias + column + j : nullptr,
                        call.result == DType::bf16,
                        call.accumulate || depth > 0,
                        lanes(wide - j),
                        lanes(wide - j - kLanes)};
          for (int64_t i = 0; i < tall; i += kRows) {
            const int64_t at = (row + i) * call.ldc + column + j, height = std::min<int64_t>(kRows, tall - i);
            target.c = static_cast<char*>(call.c) + at * size_of(call.result);
            (wide - j > kLanes ? tiles<2> : tiles<1>)[height](pairs, packed_a + i * pairs,
                                                              packed_b + j * pairs, target);
          }
        }
      }
    }
  }
}

#else

void bf16_gemm(const GemmCall& call, void* workspace, Gemm f32) {
  if (call.result == DType::bf16) return narrow_blocks(call, workspace, f32);
  constexpr int64_t kDepth = 256;
  float* wide_a = block_of_c(workspace) + kTall * kWide;
  float* wide_b = wide_a + kTall * kDepth;
  // the f32 product packs behind its own tile bytes: its workspace begins so much later
  void* rest = static_cast<char*>(workspace) + 4 * (kTall * kWide + kTall * kDepth + kDepth * kWide);
  for (int64_t row = 0; row < call.m; row += kTall) {
    for (int64_t column = 0; column < call.n; column += kWide) {
      for (int64_t depth = 0; depth == 0 || depth < call.k; depth += kDepth) {
        GemmCall part = call;
        part.operands = DType::f32;
        part.m = std::min(kTall, call.m - row), part.n = std::min(kWide, call.n - column);
        part.k = std::min(kDepth, call.k - depth);
        part.a = widen_block(half(call.a), call.lda, call.trans_a, row, depth, part.m, part.k, wide_a);
        part.b = widen_block(half(call.b), call.ldb, !call.trans_b, column, depth, part.n, part.k, wide_b);
        part.lda = call.trans_a ? part.m : part.k;
        part.ldb = call.trans_b ? part.k : part.n;
        float* c = static_cast<float*>(call.c) + row * call.ldc + column;
        part.c = c;
        part.bias = nullptr;
        for (int64_t i = 0; call.bias && depth == 0 && i < part.m; i++) {
          for (int64_t j = 0; j < part.n; j++)
            c[i * call.ldc + j] = call.bias[column + j] + (call.accumulate ? c[i * call.ldc + j] : 0.0f);
        }
        part.accumulate = call.accumulate || call.bias || depth > 0;
        f32(part, rest);
      }
    }
  }
}

#endif

}  // namespace sluice::cpu::SLUICE_ISA
