// The bf16 matrix product of one thread, f32 sums, where the machine multiplies bf16 (AVX-512 BF16): blocks
// of b, and of a where its depth is not contiguous, are packed into panels of words, each two neighbours
// along the depth, and register tiles sum their products. Elsewhere: bf16-widened.cpp.
#if defined(__AVX512BF16__)

#include "../../../core/op-table.h"
#include "bf16-blocks.h"
#include "bf16.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

using namespace bf16_pack;

constexpr int64_t kTall = 264, kWide = 512;  // of a block of c
constexpr int64_t kWideAside = 256;          // of a block of sums that is narrowed later
// of a block: as deep as a panel of b stays in the cache, and an adapter more
constexpr int64_t kDepth = 2112;
// packed b: kWide / kColumns panels of kDepth / 2 x kColumns words (2 MiB), and gaps for each product
// a: as many rows as fit 448 KiB, and the gaps between them
constexpr int64_t kLeftBytes = int64_t{448} << 10;
constexpr int64_t kRightWords =
    kWide / kColumns * (panel_step(kDepth / 2, kColumns) + kMostProductTerms * 2 * kLanes);
static_assert(kTileBytes + 4 * (kTall * kWideAside + kRightWords) + kLeftBytes +
                  kMostProductTerms * kTall * 4 * (kLanes + 1) <=
              ThreadPool::kWorkspaceBytes);

/** [kTall, kWideAside] */
float* block_of_c(void* workspace) {
  return reinterpret_cast<float*>(static_cast<char*>(workspace) + kTileBytes);
}

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

}  // namespace sluice::cpu::SLUICE_ISA

#endif
