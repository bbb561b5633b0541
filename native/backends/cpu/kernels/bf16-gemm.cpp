// The bf16 matrix product of one thread, f32 sums. Where the machine multiplies bf16 (AVX-512 BF16): blocks
// of b, and of a where its depth is not contiguous, are packed into panels of words, each two neighbours
// along the depth, and a register tile of kRows x kColumns sums their products. Elsewhere blocks are widened
// and the f32 product does the work.
#include <cstring>
#include <utility>

#include "bf16-pack.h"
#include "bf16.h"
#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kTall = 264, kWide = 512;  // of a block of c

/** [kTall, kWide] */
float* block_of_c(void* workspace) {
  return reinterpret_cast<float*>(static_cast<char*>(workspace) + kTileBytes);
}

[[maybe_unused]] constexpr int64_t divided_up(int64_t size, int64_t by) { return (size + by - 1) / by; }

const uint16_t* half(const void* data) { return static_cast<const uint16_t*>(data); }

#if defined(__AVX512BF16__)

using namespace bf16_pack;

constexpr int kRows = 12, kColumns = 2 * kLanes;  // 24 sums, 2 of b, 1 of a: within 32 registers
constexpr int64_t kDepth = 2048;                  // of a block: as deep as a panel of b stays in the cache
// packed b: kWide / kColumns panels of kDepth / 2 x kColumns words (2 MiB)
// a: as many rows as fit 448 KiB, and the gaps between them
constexpr int64_t kLeftBytes = int64_t{448} << 10;
constexpr int64_t kRightWords = kWide / kColumns * panel_step(kDepth / 2, kColumns);
static_assert(kTileBytes + 4 * (kTall * kWide + kRightWords) + kLeftBytes + kTall * 4 * kLanes <=
              ThreadPool::kWorkspaceBytes);

/** Two neighbours along the depth, wherever they lie. */
using Word [[gnu::may_alias, gnu::aligned(2)]] = uint32_t;

/** Where a register tile goes. */
struct Target {
  void* c;
  int64_t ldc;
  const float* bias;
  bool narrow, accumulate;
  __mmask16 first, second;  // columns that exist

  /** each(sum, mask, element of c) for all vectors of a tile, unrolled: an index that varies would keep the
   * sums in memory all along. */
  template <int kHeight, int kVectors, typename Each>
  inline __attribute__((always_inline)) void each_sum(__m512 (&sum)[kHeight][kVectors], Each each) const {
#pragma GCC unroll 12
    for (int i = 0; i < kHeight; i++) {
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; j++) each(sum[i][j], j ? second : first, i * ldc + j * kLanes, j);
    }
  }

  template <int kHeight, int kVectors>
  inline __attribute__((always_inline)) void store(__m512 (&sum)[kHeight][kVectors]) const {
    if (bias) {
      __m512 added[kVectors];
      for (int j = 0; j < kVectors; j++)
        added[j] = _mm512_maskz_loadu_ps(j ? second : first, bias + j * kLanes);
      each_sum(
          sum, [&](__m512 & value, __mmask16, int64_t, int j)
                   __attribute__((always_inline)) { value = _mm512_add_ps(value, added[j]); });
    }
    if (narrow) {
      uint16_t* to = static_cast<uint16_t*>(c);
      each_sum(
          sum, [&](__m512 value, __mmask16 mask, int64_t at, int) __attribute__((always_inline)) {
            _mm256_mask_storeu_epi16(to + at, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value)));
          });
      return;
    }
    float* to = static_cast<float*>(c);
    if (accumulate) {
      each_sum(
          sum, [&](__m512 & value, __mmask16 mask, int64_t at, int) __attribute__((always_inline)) {
            value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, to + at));
          });
    }
    each_sum(
        sum, [&](__m512 value, __mmask16 mask, int64_t at, int)
                 __attribute__((always_inline)) { _mm512_mask_storeu_ps(to + at, mask, value); });
  }

  /** The lines of memory that store() will touch: they arrive while the tile is summed. */
  void fetch(int64_t rows) const {
    const int64_t bytes = narrow ? 2 : 4;
    for (int64_t row = 0; row < rows; row++) {
      const char* line = static_cast<const char*>(c) + row * ldc * bytes;
      __builtin_prefetch(line, 1);
      if (!narrow) __builtin_prefetch(line + 64, 1);
    }
  }
};

/** c[kHeight, kVectors * 16] from a and a panel b [pairs][kColumns]; a is a panel [pairs][kHeight], or rows
 * of words `row` apart. */
template <int kHeight, int kVectors, bool kPanel>
void tile(int64_t pairs, const Word* a, int64_t row, const uint32_t* b, const Target& target) {
  __m512 sum[kHeight][kVectors];
#pragma GCC unroll 12
  for (int i = 0; i < kHeight; i++) {
    for (int j = 0; j < kVectors; j++) sum[i][j] = _mm512_setzero_ps();
  }
  const Word* rows[4] = {a, a + 3 * row, a + 6 * row, a + 9 * row};  // addresses of the others are cheap
  for (int64_t k = 0; k < pairs; k++, b += kColumns) {
    __m512bh right[kVectors];
    for (int j = 0; j < kVectors; j++) right[j] = (__m512bh)_mm512_loadu_si512(b + j * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kHeight; i++) {
      const uint32_t word = kPanel ? a[k * kHeight + i] : rows[i / 3][i % 3 * row + k];
      const __m512bh left = (__m512bh)_mm512_set1_epi32(static_cast<int>(word));
      for (int j = 0; j < kVectors; j++) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], left, right[j]);
    }
  }
  target.store(sum);
}

using Tile = void (*)(int64_t pairs, const Word* a, int64_t row, const uint32_t* b, const Target& target);

template <int kVectors, bool kPanel, typename = std::make_integer_sequence<int, kRows>>
struct ByHeight;
template <int kVectors, bool kPanel, int... kHeights>
struct ByHeight<kVectors, kPanel, std::integer_sequence<int, kHeights...>> {
  static constexpr Tile tiles[] = {nullptr, tile<kHeights + 1, kVectors, kPanel>...};
};
template <int kVectors, bool kPanel>
constexpr auto& tiles = ByHeight<kVectors, kPanel>::tiles;

/** A block of a: panels, or where the depth is contiguous its rows, read as they lie. */
struct Left {
  const Word* words;
  int64_t row;  // words from one row to the next; 0: panels

  /** `tall` rows of a from (row, depth) on; what must move goes `to`. */
  Left(const GemmCall& call, int64_t row_at, int64_t depth, int64_t tall, int64_t deep, uint32_t* to) {
    const uint16_t* a = half(call.a) + (call.trans_a ? depth * call.lda + row_at : row_at * call.lda + depth);
    const int64_t pairs = (deep + 1) / 2;
    words = to, row = 0;
    constexpr int64_t kPage = 2048;  // rows so far apart all fall on the same lines of the cache
    if (call.trans_a || deep % 2) {
      pack<kRows>(a, call.lda, !call.trans_a, deep, tall, false, to);
    } else if (call.lda % 2 == 0 && call.lda % kPage) {
      words = reinterpret_cast<const Word*>(a), row = call.lda / 2;
    } else {
      row = pairs + kLanes;
      for (int64_t i = 0; i < tall; i++)
        std::memcpy(to + i * row, a + i * call.lda, static_cast<size_t>(deep) * 2);
    }
  }

  const Word* at(int64_t i, int64_t pairs) const {
    return words + (row ? i * row : i / kRows * panel_step(pairs, kRows));
  }
};

/** The rows of a that are multiplied next, fetched a few lines at a time while others are. */
struct Ahead {
  const char* at = nullptr;
  int64_t step = 0, bytes = 0, rows = 0, lines = 0, column = 0;

  Ahead(const GemmCall& call, int64_t row, int64_t depth, int64_t tall, int64_t deep, int64_t tiles) {
    if (row >= call.m) return;
    const int64_t count = std::min(tall, call.m - row);
    const uint16_t* a = half(call.a) + (call.trans_a ? depth * call.lda + row : row * call.lda + depth);
    at = reinterpret_cast<const char*>(a), step = 2 * call.lda;
    rows = call.trans_a ? deep : count, bytes = 2 * (call.trans_a ? count : deep);
    lines = (rows * ((bytes + 63) / 64) + tiles - 1) / tiles;
  }

  void fetch() {
    for (int64_t line = 0; line < lines && rows > 0; line++) {
      __builtin_prefetch(at + column, 0, 2);
      if ((column += 64) >= bytes) column = 0, at += step, rows--;
    }
  }
};

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
  uint32_t* moved_a = packed_b + kRightWords;
  const int64_t fit = kLeftBytes / 2 / std::clamp<int64_t>((call.k + 1) / 2 * 2, 2, kDepth);
  const int64_t down = std::max<int64_t>(1, divided_up(call.m, std::min(kTall, fit / kRows * kRows)));
  // with so little depth b stays in the first cache, and c is written whole rows at a time
  constexpr int64_t kShallow = 32;
  const int64_t tall_of_block =
      call.k <= kShallow ? kRows : divided_up(divided_up(call.m, down), kRows) * kRows;
  for (int64_t column = 0; column < call.n; column += kWide) {
    const int64_t wide = std::min(kWide, call.n - column);
    for (int64_t depth = 0; depth == 0 || depth < call.k; depth += kDepth) {
      const int64_t deep = std::min(kDepth, call.k - depth), pairs = (deep + 1) / 2;
      const uint16_t* b =
          half(call.b) + (call.trans_b ? column * call.ldb + depth : depth * call.ldb + column);
      pack<kColumns>(b, call.ldb, call.trans_b, deep, wide, true, packed_b);
      for (int64_t row = 0; row < call.m; row += tall_of_block) {
        const int64_t tall = std::min(tall_of_block, call.m - row);
        const Left left(call, row, depth, tall, deep, moved_a);
        Ahead ahead(call, row + tall, depth, tall_of_block, deep,
                    divided_up(tall, kRows) * divided_up(wide, kColumns));
        for (int64_t j = 0; j < wide; j += kColumns) {
          Target target{nullptr,
                        call.ldc,
                        call.bias && depth == 0 ? call.bias + column + j : nullptr,
                        call.result == DType::bf16,
                        call.accumulate || depth > 0,
                        lanes(wide - j),
                        lanes(wide - j - kLanes)};
          const uint32_t* right = packed_b + j / kColumns * panel_step(pairs, kColumns);
          const auto& by_height = wide - j > kLanes ? (left.row ? tiles<2, false> : tiles<2, true>)
                                                    : (left.row ? tiles<1, false> : tiles<1, true>);
          for (int64_t i = 0; i < tall; i += kRows) {
            const int64_t at = (row + i) * call.ldc + column + j, height = std::min<int64_t>(kRows, tall - i);
            target.c = static_cast<char*>(call.c) + at * size_of(call.result);
            target.fetch(height);
            ahead.fetch();
            by_height[static_cast<size_t>(height)](pairs, left.at(i, pairs), left.row, right, target);
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
