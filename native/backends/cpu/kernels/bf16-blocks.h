// What of the operands of a bf16 product is multiplied at once, and how it is laid out for register tiles.
// For AVX-512 BF16.
#pragma once

#if defined(__AVX512BF16__)

#include <algorithm>
#include <cstring>

#include "bf16-tile.h"
#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA::bf16_pack {

inline constexpr int kFewRows = 8;  // of a tile where c has 13 to 16 rows

constexpr int64_t divided_up(int64_t size, int64_t by) { return (size + by - 1) / by; }

inline const uint16_t* half(const void* data) { return static_cast<const uint16_t*>(data); }

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

}  // namespace sluice::cpu::SLUICE_ISA::bf16_pack

#endif
