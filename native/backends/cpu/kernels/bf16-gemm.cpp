// The bf16 matrix product of one thread, f32 sums. Where the machine multiplies bf16 (AVX-512 BF16): blocks
// of b, and of a where its depth is not contiguous, are packed into panels of words, each two neighbours
// along the depth, and a register tile of kRows x kColumns sums their products, or those of several products
// one after the other. Elsewhere blocks are widened and the f32 product does the work.
#include <cstring>
#include <utility>

#include "../../../core/op-table.h"
#include "bf16-pack.h"
#include "bf16.h"
#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kTall = 264, kWide = 512;  // of a block of c
#if defined(__AVX512BF16__)
constexpr int64_t kWideAside = 256;  // of a block of sums that is narrowed later
#else
constexpr int64_t kWideAside = kWide;
#endif

/** [kTall, kWideAside] */
float* block_of_c(void* workspace) {
  return reinterpret_cast<float*>(static_cast<char*>(workspace) + kTileBytes);
}

[[maybe_unused]] constexpr int64_t divided_up(int64_t size, int64_t by) { return (size + by - 1) / by; }

const uint16_t* half(const void* data) { return static_cast<const uint16_t*>(data); }

#if defined(__AVX512BF16__)

using namespace bf16_pack;

constexpr int kRows = 12, kColumns = 2 * kLanes;  // 24 sums, 2 of b, 1 of a: within 32 registers
constexpr int kFewRows = 8;                       // of a tile where c has 13 to 16 rows
constexpr int64_t kDepth =
    2112;  // of a block: as deep as a panel of b stays in the cache, and an adapter more
// packed b: kWide / kColumns panels of kDepth / 2 x kColumns words (2 MiB), and gaps for each product
// a: as many rows as fit 448 KiB, and the gaps between them
constexpr int64_t kLeftBytes = int64_t{448} << 10;
constexpr int64_t kRightWords =
    kWide / kColumns * (panel_step(kDepth / 2, kColumns) + kMostProductTerms * 2 * kLanes);
static_assert(kTileBytes + 4 * (kTall * kWideAside + kRightWords) + kLeftBytes +
                  kMostProductTerms * kTall * 4 * (kLanes + 1) <=
              ThreadPool::kWorkspaceBytes);

/** Two neighbours along the depth, wherever they lie. */
using Word [[gnu::may_alias, gnu::aligned(2)]] = uint32_t;

/** Where a register tile goes. */
struct Target {
  void* c;
  int64_t ldc;
  const float* bias;
  const float* addend;
  int64_t ld_addend;
  bool narrow, begun;       // begun: c holds the sums so far, f32
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

  /** What is summed so far: sums run on in one order, however the depth is cut. */
  template <int kHeight, int kVectors>
  inline __attribute__((always_inline)) void begin(__m512 (&sum)[kHeight][kVectors]) const {
    const float* from = static_cast<const float*>(c);
    if (begun) {
      each_sum(
          sum, [&](__m512 & value, __mmask16 mask, int64_t at, int)
                   __attribute__((always_inline)) { value = _mm512_maskz_loadu_ps(mask, from + at); });
    } else {
      each_sum(
          sum, [&](__m512 & value, __mmask16, int64_t, int)
                   __attribute__((always_inline)) { value = _mm512_setzero_ps(); });
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
    if (addend) {
#pragma GCC unroll 12
      for (int i = 0; i < kHeight; i++) {
#pragma GCC unroll 2
        for (int j = 0; j < kVectors; j++) {
          const __m512 more = _mm512_maskz_loadu_ps(j ? second : first, addend + i * ld_addend + j * kLanes);
          sum[i][j] = _mm512_add_ps(sum[i][j], more);
        }
      }
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
    each_sum(
        sum, [&](__m512 value, __mmask16 mask, int64_t at, int)
                 __attribute__((always_inline)) { _mm512_mask_storeu_ps(to + at, mask, value); });
  }

  /** The lines of memory that store() will touch: they arrive while the tile is summed. */
  void fetch(int64_t rows) const {
    for (int64_t row = 0; addend && row < rows; row++) {
      __builtin_prefetch(addend + row * ld_addend);
      __builtin_prefetch(addend + row * ld_addend + kLanes);
    }
    const int64_t bytes = narrow ? 2 : 4;
    for (int64_t row = 0; row < rows; row++) {
      const char* line = static_cast<const char*>(c) + row * ldc * bytes;
      __builtin_prefetch(line, 1);
      if (!narrow) __builtin_prefetch(line + 64, 1);
    }
  }
};

/** One product's part of a register tile: rows of a and a panel of b [pairs][kColumns]. a is a panel
 * [pairs][height], or rows of words `row` apart. */
struct Strip {
  const Word* a;
  int64_t row;
  const uint32_t* b;
  int64_t pairs;
};

/** c[kHeight, kVectors * 16] from `count` strips. */
template <int kHeight, int kVectors, bool kPanel>
void tile(const Strip* strips, int count, const Target& target) {
  __m512 sum[kHeight][kVectors];
  target.begin(sum);
  for (const Strip* strip = strips; strip < strips + count; strip++) {
    const Word* a = strip->a;
    const uint32_t* b = strip->b;
    const int64_t row = strip->row, pairs = strip->pairs;
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
  }
  target.store(sum);
}

using Tile = void (*)(const Strip* strips, int count, const Target& target);

template <int kVectors, bool kPanel, typename = std::make_integer_sequence<int, kRows>>
struct ByHeight;
template <int kVectors, bool kPanel, int... kHeights>
struct ByHeight<kVectors, kPanel, std::integer_sequence<int, kHeights...>> {
  static constexpr Tile tiles[] = {nullptr, tile<kHeights + 1, kVectors, kPanel>...};
};
template <int kVectors, bool kPanel>
constexpr auto& tiles = ByHeight<kVectors, kPanel>::tiles;

/** Part of a product's depth, and where its b lies packed. */
struct Segment {
  const GemmTerm* term;
  int64_t depth, deep;
  uint32_t* packed;

  int64_t pairs() const { return (deep + 1) / 2; }
  const uint16_t* a(int64_t row) const {
    return half(term->a) + (term->trans_a ? depth * term->lda + row : row * term->lda + depth);
  }
  const uint16_t* b(int64_t column) const {
    return half(term->b) + (term->trans_b ? column * term->ldb + depth : depth * term->ldb + column);
  }
};

/** What is summed in registers at once: parts of the products, together at most as deep as a block. */
struct Pass {
  Segment segments[kMostProductTerms];
  int count = 0;
  int64_t depth = 0;  // of all

  /** From (term, depth) on, which move to where the next one begins. */
  Pass(const GemmSum& sum, int64_t deepest, int& term, int64_t& from) {
    while (term < sum.count && (depth < deepest || sum.terms[term].k == from)) {
      const int64_t deep = std::min(deepest - depth, sum.terms[term].k - from);
      if (deep > 0) segments[count++] = {sum.terms + term, from, deep, nullptr};
      depth += deep, from += deep;
      if (from == sum.terms[term].k) term++, from = 0;
    }
  }
};

/** A block of a: panels, or where the depth is contiguous its rows, read as they lie. */
struct Left {
  const Word* words = nullptr;
  int64_t row = 0;   // words from one row to the next; 0: panels
  int64_t tall = 0;  // of a panel

  /** Whether rows lie so far apart that all fall on the same lines of the cache. */
  static bool is_paged(const GemmTerm& term) { return !term.trans_a && term.lda % 2048 == 0; }

  /** Rows [first, first + count) of a segment; what must move goes `to`, which moves behind it. */
  void take(const Segment& segment, int64_t first, int64_t count, int64_t height, bool as_they_lie,
            uint32_t*& to) {
    const uint16_t* a = segment.a(first);
    const int64_t lda = segment.term->lda, deep = segment.deep, pairs = segment.pairs();
    words = to, row = 0, tall = height;
    if (segment.term->trans_a) {
      if (height == kRows)
        pack<kRows>(a, lda, false, deep, count, false, to);
      else
        pack<kFewRows>(a, lda, false, deep, count, false, to);
      to += divided_up(count, height) * panel_step(pairs, static_cast<int>(height));
    } else if (deep % 2 == 0 && lda % 2 == 0 && (as_they_lie || !is_paged(*segment.term))) {
      words = reinterpret_cast<const Word*>(a), row = lda / 2;
    } else {
      row = pairs + kLanes;
      for (int64_t i = 0; i < count; i++, to += row) {
        to[pairs - 1] = 0;
        std::memcpy(to, a + i * lda, static_cast<size_t>(deep) * 2);
      }
    }
  }

  const Word* at(int64_t i, int64_t pairs) const {
    return words + (row ? i * row : i / tall * panel_step(pairs, static_cast<int>(tall)));
  }
};

/** The rows of a that are multiplied next, fetched a few lines at a time while others are. */
class Ahead {
 public:
  Ahead(const Pass& pass, int64_t row, int64_t rows, int64_t tiles)
      : segment_(pass.segments), end_(pass.segments + (rows > 0 ? pass.count : 0)), row_(row), rows_(rows) {
    int64_t lines = 0;
    for (const Segment* segment = segment_; segment < end_; segment++) {
      const bool turned = segment->term->trans_a;
      lines += (turned ? segment->deep : rows) * (((turned ? rows : segment->deep) + 31) / 32);
    }
    lines_ = divided_up(lines, tiles);
    begin();
  }

  void fetch() {
    for (int64_t line = 0; line < lines_ && segment_ < end_; line++) {
      __builtin_prefetch(at_ + column_, 0, 2);
      if ((column_ += 64) < bytes_) continue;
      column_ = 0, at_ += step_;
      if (--left_ == 0) segment_++, begin();
    }
  }

 private:
  void begin() {
    if (segment_ >= end_) return;
    const bool turned = segment_->term->trans_a;
    at_ = reinterpret_cast<const char*>(segment_->a(row_)), step_ = 2 * segment_->term->lda;
    left_ = turned ? segment_->deep : rows_, bytes_ = 2 * (turned ? rows_ : segment_->deep);
  }

  const Segment *segment_, *end_;
  int64_t row_, rows_, lines_ = 0;
  const char* at_ = nullptr;
  int64_t step_ = 0, bytes_ = 0, left_ = 0, column_ = 0;
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

#if defined(__AVX512BF16__)

/** A block of bf16 results whose sums do not fit one pass over the depth: summed as f32, then narrowed. */
void narrow_blocks(const GemmSum& sum, void* workspace) {
  for (int64_t row = 0; row < sum.m; row += kTall) {
    for (int64_t column = 0; column < sum.n; column += kWideAside) {
      GemmTerm terms[kMostProductTerms];
      for (int i = 0; i < sum.count; i++) {
        GemmTerm& term = terms[i] = sum.terms[i];
        term.a = half(term.a) + (term.trans_a ? row : row * term.lda);
        term.b = half(term.b) + (term.trans_b ? column * term.ldb : column);
      }
      GemmSum part = sum;
      part.terms = terms;
      part.m = std::min(kTall, sum.m - row), part.n = std::min(kWideAside, sum.n - column);
      part.c = block_of_c(workspace), part.ldc = kWideAside;
      part.result = DType::f32;
      if (sum.bias) part.bias += column;
      if (sum.addend) part.addend += row * sum.ld_addend + column;
      bf16_gemm_sum(part, workspace);
      for (int64_t i = 0; i < part.m; i++) {
        narrow(block_of_c(workspace) + i * kWideAside,
               static_cast<uint16_t*>(sum.c) + (row + i) * sum.ldc + column, part.n);
      }
    }
  }
}

/** Rows of a register tile. */
int64_t height_of(const GemmSum& sum, const Pass& pass) {
  const bool turned = pass.count > 0 && pass.segments[0].term->trans_a;
  if (turned && sum.m > kRows && sum.m <= 2 * kFewRows) return kFewRows;
  return kRows;
}

/** Columns [column, column + wide) of c, or what they are after this pass. */
void multiply_pass(const GemmSum& sum, const Pass& pass, int64_t column, int64_t wide, bool is_first,
                   bool is_last, uint32_t* moved_a) {
  const bool panels = pass.count > 0 && pass.segments[0].term->trans_a;
  // few columns read a once: it is then not worth moving, and few enough rows may share lines of the cache
  constexpr int64_t kSharing = 6;
  const bool as_it_lies = pass.count == 1 && sum.n <= kLanes && Left::is_paged(*pass.segments[0].term);
  const int64_t height = as_it_lies ? kSharing : height_of(sum, pass);
  const int64_t fit = kLeftBytes / 2 / std::max<int64_t>((pass.depth + 1) / 2 * 2, 2);
  const int64_t down = std::max<int64_t>(1, divided_up(sum.m, std::min(kTall, fit / height * height)));
  // with so little depth b stays in the first cache, and c is written whole rows at a time
  constexpr int64_t kShallow = 32;
  const int64_t tall_of_block =
      pass.depth <= kShallow ? height : divided_up(divided_up(sum.m, down), height) * height;
  for (int64_t row = 0; row < sum.m; row += tall_of_block) {
    const int64_t tall = std::min(tall_of_block, sum.m - row);
    Left left[kMostProductTerms];
    uint32_t* moved = moved_a;
    for (int s = 0; s < pass.count; s++) left[s].take(pass.segments[s], row, tall, height, as_it_lies, moved);
    Ahead ahead(pass, row + tall, std::min(tall_of_block, sum.m - row - tall),
                divided_up(tall, height) * divided_up(wide, kColumns));
    for (int64_t j = 0; j < wide; j += kColumns) {
      Target target{nullptr,
                    sum.ldc,
                    sum.bias && is_last ? sum.bias + column + j : nullptr,
                    nullptr,
                    sum.ld_addend,
                    sum.result == DType::bf16,
                    sum.accumulate || !is_first,
                    lanes(wide - j),
                    lanes(wide - j - kLanes)};
      Strip strips[kMostProductTerms];
      for (int s = 0; s < pass.count; s++) {
        const int64_t pairs = pass.segments[s].pairs();
        strips[s] = {nullptr, left[s].row,
                     pass.segments[s].packed + j / kColumns * panel_step(pairs, kColumns), pairs};
      }
      const auto& by_height = wide - j > kLanes ? (panels ? tiles<2, true> : tiles<2, false>)
                                                : (panels ? tiles<1, true> : tiles<1, false>);
      for (int64_t i = 0; i < tall; i += height) {
        const int64_t at = (row + i) * sum.ldc + column + j, rows = std::min(height, tall - i);
        target.c = static_cast<char*>(sum.c) + at * size_of(sum.result);
        if (sum.addend && is_last) target.addend = sum.addend + (row + i) * sum.ld_addend + column + j;
        target.fetch(rows);
        ahead.fetch();
        for (int s = 0; s < pass.count; s++) strips[s].a = left[s].at(i, strips[s].pairs);
        by_height[static_cast<size_t>(rows)](strips, pass.count, target);
      }
    }
  }
}

/** A product of few columns as the transpose of one of few rows: what is deep and wide is then packed as b
 * is, whole rows of it at a time. */
bool is_better_turned(const GemmCall& call) {
  return call.trans_a && call.n <= 2 * kRows && call.m >= 2 * call.n && call.result == DType::f32 &&
         !call.bias;
}

void turned_product(const GemmCall& call, void* workspace) {
  constexpr int64_t kSide = 512;  // [2 * kRows, kSide] of the result beside c
  static_assert(2 * kRows * kSide <= kTall * kWideAside);
  float* beside = block_of_c(workspace);
  for (int64_t row = 0; row < call.m; row += kSide) {
    const GemmTerm term{!call.trans_b, false, call.k, call.b, call.ldb, half(call.a) + row, call.lda};
    GemmSum sum;
    sum.m = call.n, sum.n = std::min(kSide, call.m - row);
    sum.terms = &term, sum.count = 1;
    sum.c = beside, sum.ldc = kSide;
    sum.accumulate = call.accumulate;
    float* c = static_cast<float*>(call.c) + row * call.ldc;
    for (int64_t i = 0; call.accumulate && i < sum.n; i++)
      for (int64_t j = 0; j < sum.m; j++) beside[j * kSide + i] = c[i * call.ldc + j];
    bf16_gemm_sum(sum, workspace);
    for (int64_t i = 0; i < sum.n; i++)
      for (int64_t j = 0; j < sum.m; j++) c[i * call.ldc + j] = beside[j * kSide + i];
  }
}

}  // namespace

void bf16_gemm_sum(const GemmSum& sum, void* workspace) {
  int64_t depth = 0;
  for (int i = 0; i < sum.count; i++) depth += sum.terms[i].k;
  // what is rounded must be summed in one pass; a block is then narrower where it is deeper
  const bool is_narrow = sum.result == DType::bf16, is_deep = is_narrow && depth > kDepth;
  if (is_narrow && depth > 2 * kDepth) return narrow_blocks(sum, workspace);
  // few rows read b once: what is packed of it is used before it leaves the cache
  constexpr int64_t kShallowPass = 256;
  const bool is_low = !is_narrow && sum.m <= 2 * kRows;
  const int64_t wide_of_block = is_deep ? kWide / 2 : kWide;
  const int64_t deepest = is_deep ? depth : is_low ? kShallowPass : kDepth;
  uint32_t* packed_b = reinterpret_cast<uint32_t*>(block_of_c(workspace) + kTall * kWideAside);
  for (int64_t column = 0; column < sum.n; column += wide_of_block) {
    const int64_t wide = std::min(wide_of_block, sum.n - column);
    int term = 0;
    int64_t from = 0;
    for (bool is_first = true; is_first || term < sum.count; is_first = false) {
      Pass pass(sum, deepest, term, from);
      uint32_t* packed = packed_b;
      for (Segment* segment = pass.segments; segment < pass.segments + pass.count; segment++) {
        segment->packed = packed;
        pack<kColumns>(segment->b(column), segment->term->ldb, segment->term->trans_b, segment->deep, wide,
                       true, packed);
        packed += divided_up(wide, kColumns) * panel_step(segment->pairs(), kColumns);
      }
      multiply_pass(sum, pass, column, wide, is_first, term == sum.count, packed_b + kRightWords);
    }
  }
}

void bf16_gemm(const GemmCall& call, void* workspace, Gemm) {
  if (is_better_turned(call)) return turned_product(call, workspace);
  const GemmTerm term{call.trans_a, call.trans_b, call.k, call.a, call.lda, call.b, call.ldb};
  GemmSum sum;
  sum.m = call.m, sum.n = call.n;
  sum.terms = &term, sum.count = 1;
  sum.bias = call.bias;
  sum.c = call.c, sum.ldc = call.ldc;
  sum.result = call.result, sum.accumulate = call.accumulate;
  bf16_gemm_sum(sum, workspace);
}

#else

/** A block of bf16 results: summed as f32, then narrowed. */
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
