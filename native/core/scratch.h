// How many bytes of scratch each op needs: the contract between the planner (src/graph, which mirrors these
// formulas and places the bytes in the arena) and the decoder (native/program, which refuses a program that
// gives an op less).
//
// The numbers follow from shapes alone, never from the number of threads: work is cut into pieces of fixed
// size that any thread may take, so results do not depend on the thread count either. Small tiles that fit a
// core's cache live in the thread pool's own per-thread workspace and are not part of any plan.
//
// clang-format off
//   op                          bytes
//   sum_squares                 8 * sum over inputs of ceil(elements / 65536)   one f64 per piece
//   rms_norm_grad               4 * H * ceil(rows / 128)                        dweight per piece of rows
//   layer_norm_grad             8 * H * ceil(rows / 128)                        dweight and dbias per piece
//   attention_grad              4 * B * Hq * T                                  sum(do * o) per query
//                               + 4 * B * T * Hq * D with bf16 operands         f32 sums of dq
//   linear_cross_entropy        128 * N                                         8 vocabulary parts x 4 numbers
//   linear_cross_entropy_grad   size * stride(V) * chunk(N, V, size, dw)        logits of one chunk of tokens
//   linear_cross_entropy_train  (size * stride(V) + 16 * ceil(V / 1024)) * chunk(N, V, size, dw)   and 4 numbers per tile and token
//   quantized_matmul            4 * elements of x and y where x is bf16         both in f32, on the CPU
//   every other op              0
// clang-format on
//
// rows is the product of all dimensions of x but the last (H); N and V are the rows of h and w; size is the
// bytes of one of their elements; dw whether it is wanted.
#pragma once

#include <cstdint>

namespace sluice::scratch {

inline constexpr int64_t kSumPiece = 65536;  // elements
inline constexpr int64_t kNormPiece = 128;   // rows
inline constexpr int64_t kVocabularyParts = 8;
inline constexpr int64_t kTileWords = 1024;               // words of one tile of logits
inline constexpr int64_t kLogitBytes = int64_t{1} << 25;  // what one chunk of logits may hold

constexpr int64_t pieces(int64_t count, int64_t size) { return (count + size - 1) / size; }

/** Called once per input of sum_squares; the bytes add up. */
constexpr int64_t sum_squares(int64_t elements) { return 8 * pieces(elements, kSumPiece); }

constexpr int64_t rms_norm_grad(int64_t rows, int64_t width) { return 4 * width * pieces(rows, kNormPiece); }

constexpr int64_t layer_norm_grad(int64_t rows, int64_t width) {
  return 8 * width * pieces(rows, kNormPiece);
}

constexpr int64_t attention_grad(int64_t batch, int64_t query_heads, int64_t queries, int64_t depth,
                                 bool narrow) {
  return 4 * batch * query_heads * queries * (narrow ? 1 + depth : 1);
}

constexpr int64_t linear_cross_entropy(int64_t tokens) { return 16 * kVocabularyParts * tokens; }

/** Tokens whose logits of `size` bytes exist at once: 2^25 / size / V rounded down to a multiple of 64,
 * within 64 .. 1024, at most N. Half as many without dw, which costs nothing then: dw is read and written once
 * for each chunk. */
constexpr int64_t loss_chunk(int64_t tokens, int64_t vocabulary, int64_t size, bool dw) {
  int64_t chunk = kLogitBytes / (dw ? 1 : 2) / size / (vocabulary < 1 ? 1 : vocabulary) / 64 * 64;
  chunk = chunk < 64 ? 64 : chunk > 1024 ? 1024 : chunk;
  return chunk < tokens ? chunk : tokens;
}

/** Elements from one token's logits to the next: V rounded up to whole cache lines, and one line more, so
 * that the rows of a power-of-two vocabulary do not all fall on the same lines of the cache (measured: 94 ->
 * 108 GFLOP/s per core for dw). */
constexpr int64_t logit_stride(int64_t vocabulary) { return (vocabulary + 15) / 16 * 16 + 16; }

constexpr int64_t linear_cross_entropy_grad(int64_t tokens, int64_t vocabulary, int64_t size, bool dw) {
  return size * logit_stride(vocabulary) * loss_chunk(tokens, vocabulary, size, dw);
}

constexpr int64_t linear_cross_entropy_train(int64_t tokens, int64_t vocabulary, int64_t size, bool dw) {
  return (size * logit_stride(vocabulary) + 16 * pieces(vocabulary, kTileWords)) *
         loss_chunk(tokens, vocabulary, size, dw);
}

constexpr int64_t quantized_matmul(int64_t x_elements, int64_t y_elements, bool narrow) {
  return narrow ? 4 * (x_elements + y_elements) : 0;
}

}  // namespace sluice::scratch
