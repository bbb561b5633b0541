// Projection to the vocabulary and cross-entropy in one, over tiles of logits.
//   logit = h w^T, with softcap c > 0: c tanh(logit / c);  loss = lse - logit[label]
//   dlogit = dloss (exp(logit - lse) - onehot(label)) (1 - (logit / c)^2);  dh = dlogit w, dw = dlogit^T h
// Gradients go chunk by chunk: a chunk's logits all exist before its dlogits can. With bf16 operands a tile's
// logits are f32, and what stays of them for the gradient's products is bf16.
#include <cstring>

#include "../../../core/scratch.h"
#include "floats.h"
#include "lanes-math.h"
#include "product.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kTokens = 256, kWords = scratch::kTileWords;  // of one tile of logits, 512 KiB
static_assert(kTokens * kWords * 4 <= kTileBytes);

/** What one token knows of one part of the vocabulary; 16 bytes, as planned in scratch.h. */
struct Part {
  float most;    // largest logit
  float total;   // sum of exp(logit - most)
  float label;   // the label's logit if it lies here
  int32_t best;  // where the largest stands, the first of equals
};
static_assert(sizeof(Part) == 16);

Status check_labels(const Tensor& labels, int64_t vocabulary) {
  const int32_t* label = labels.i32();
  for (int64_t i = 0; i < labels.count(); i++) {
    if (label[i] >= vocabulary) {
      return Status::error(format("label %d at position %lld lies outside 0 .. %lld", label[i],
                                  static_cast<long long>(i), static_cast<long long>(vocabulary - 1)));
    }
  }
  return {};
}

struct Logits {
  DType dtype;  // of h and w
  const void *h, *w;
  int64_t width;
  float softcap;
  Gemm gemm;

  Logits(const KernelCall& call, int at)
      : dtype(call.in[at].dtype),
        h(call.in[at].data),
        w(call.in[at + 1].data),
        width(call.in[at].shape[1]),
        softcap(call.real("softcap")),
        gemm(call.gemm) {}

  bool narrow() const { return dtype == DType::bf16; }
  const void* token_row(int64_t token) const { return advance(h, dtype, token * width); }
  const void* word_row(int64_t word) const { return advance(w, dtype, word * width); }

  /** One logit summed in f64. */
  double exact(int64_t token, int64_t word) const {
    double sum = 0;
    if (narrow()) {
      const auto *a = static_cast<const uint16_t*>(token_row(token)),
                 *b = static_cast<const uint16_t*>(word_row(word));
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < width; i++) sum += static_cast<double>(from_bf16(a[i])) * from_bf16(b[i]);
    } else {
      const auto *a = static_cast<const float*>(token_row(token)),
                 *b = static_cast<const float*>(word_row(word));
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < width; i++) sum += static_cast<double>(a[i]) * b[i];
    }
    return softcap > 0 ? softcap * std::tanh(sum / softcap) : sum;
  }

  /** to[tokens, ld] for tokens from `token` and words from `word`. */
  void tile(int64_t token, int64_t tokens, int64_t word, int64_t words, float* to, int64_t ld,
            void* workspace) const {
    GemmCall call;
    call.operands = dtype;
    call.trans_b = true;
    call.m = tokens, call.n = words, call.k = width;
    call.a = token_row(token), call.lda = width;
    call.b = word_row(word), call.ldb = width;
    call.c = to, call.ldc = ld;
    multiply(gemm, call, workspace);
    if (!(softcap > 0)) return;
    const float uncap = 1.0f / softcap;
    for (int64_t i = 0; i < tokens; i++) {
#pragma GCC ivdep
      for (int64_t j = 0; j < words; j++) to[i * ld + j] = softcap * tanh_f32(to[i * ld + j] * uncap);
    }
  }
};

/** Index of the first logit that is `value`; there is one. */
int64_t place_of(const float* logits, int64_t words, float value) {
  constexpr int64_t kLook = 64;
  int64_t at = 0;
  for (; at + kLook <= words; at += kLook) {
    int32_t found = 0;
#pragma omp simd reduction(| : found)
    for (int64_t j = 0; j < kLook; j++) found |= logits[at + j] == value;
    if (found) break;
  }
  while (logits[at] != value) at++;
  return at;
}

/** sum of exp(logit - shift); each is left at `wide` or `half` where those are not null. */
float weigh(const float* logits, int64_t words, float shift, float* wide, uint16_t* half) {
  Lanes16 sums{};
  int64_t j = 0;
  for (; j + kLanes16 <= words; j += kLanes16) {
    const Lanes16 weights = exp_negative16(load16(logits + j) - shift);
    if (half) store16(half + j, weights);
    if (wide) store16(wide + j, weights);
    sums += weights;
  }
  float total = total16(sums);
  for (; j < words; j++) {
    const float weight = exp_negative(logits[j] - shift);
    if (half) half[j] = to_bf16(weight);
    if (wide) wide[j] = weight;
    total += weight;
  }
  return total;
}

/** A tile's logits of one token, beginning at word `first`, as its part; `wide` or `half` gets exp(logit -
 * most), where not null. */
Part part_of_row(const float* logits, int64_t first, int64_t words, int64_t label, float* wide,
                 uint16_t* half) {
  Part part{-INFINITY, 0.0f, 0.0f, -1};
  float most = -INFINITY;
#pragma omp simd reduction(max : most)
  for (int64_t j = 0; j < words; j++) most = logits[j] > most ? logits[j] : most;
  if (most > -INFINITY) {
    part.best = static_cast<int32_t>(first + place_of(logits, words, most));
  }
  part.most = most;
  if (label >= first && label < first + words) part.label = logits[label - first];
  part.total = weigh(logits, words, most == -INFINITY ? 0.0f : most, wide, half);
  return part;
}

/** `part` and what `more` adds to it; `more` is of later words. */
void extend(Part& part, const Part& more, bool holds_label) {
  const bool larger = more.most > part.most;
  const float most = larger ? more.most : part.most;
  const float shift = most == -INFINITY ? 0.0f : most;
  part.total = part.total * exp_f32(part.most - shift) + more.total * exp_f32(more.most - shift);
  part.most = most;
  if (larger) part.best = more.best;
  if (holds_label) part.label = more.label;
}

/** Loss, lse and correct of one token from its parts, `stride` apart; the label lies in part `own` (-1: no
 * label). The roundings of most logits average out in their lse, but those of the label's are the loss's own:
 * it is taken in f64, below the logarithm too, so that the loss stays at least 0. */
void finish(const Logits& logits, const Part* parts, int64_t count, int64_t stride, int64_t own,
            int64_t token, int32_t label, float& loss, float& lse, float& correct) {
  float most = parts[0].most;
  int32_t best = parts[0].best;
  for (int64_t p = 1; p < count; p++) {
    const Part& part = parts[p * stride];
    if (part.most > most) most = part.most, best = part.best;
  }
  double total = 0;
  for (int64_t p = 0; p < count; p++) {
    const Part& part = parts[p * stride];
    if (part.total > 0) total += part.total * std::exp(static_cast<double>(part.most) - most);
    // a NaN among the logits must reach the loss
    if (part.total != part.total) total = part.total;
  }
  lse = static_cast<float>(most + std::log(total));
  loss = correct = 0.0f;
  if (own < 0) return;
  const double rounded = parts[own * stride].label, exact = logits.exact(token, label);
  const double corrected = total - std::exp(rounded - most) + std::exp(exact - most);
  loss = static_cast<float>(most - exact + std::log(corrected));
  if (loss < 0) loss = 0.0f;  // by the last bit, where nothing but the label counts
  correct = best == label ? 1.0f : 0.0f;
}

/** Turns the logits of one token, from word `first` on, into dlogits. */
void differentiate(float* row, int64_t first, int64_t words, int32_t label, float up, float lse,
                   float softcap) {
  if (label < 0) {
    std::memset(row, 0, static_cast<size_t>(words) * sizeof(float));
    return;
  }
  const float uncap = softcap > 0 ? 1.0f / softcap : 0.0f;
  const bool here = label >= first && label < first + words;
  const float own = here ? row[label - first] * uncap : 0.0f;
  if (softcap > 0) {
#pragma GCC ivdep
    for (int64_t j = 0; j < words; j++) {
      const float t = row[j] * uncap;
      row[j] = up * exp_f32(row[j] - lse) * (1.0f - t * t);
    }
  } else {
#pragma GCC ivdep
    for (int64_t j = 0; j < words; j++) row[j] = up * exp_f32(row[j] - lse);
  }
  if (here) row[label - first] -= up * (1.0f - own * own);
}

/** A chunk of tokens: where its logits lie, and the operands of its products. */
struct Chunk {
  const KernelCall& call;
  const Logits& logits;
  int64_t vocabulary, stride, start, count;
  void* memory;  // [count, stride], of the operands' dtype

  float* row(int64_t token, int64_t word) const {
    return static_cast<float*>(memory) + token * stride + word;
  }
  uint16_t* narrow_row(int64_t token, int64_t word) const {
    return static_cast<uint16_t*>(memory) + token * stride + word;
  }

  /** use(token, word, words, its f32 logits, where bf16 ones are kept) for every token of every tile; beside
   * f32 operands the last is null and what is left in the logits is kept. */
  template <typename Use>
  void project(Use use) const {
    const int64_t down = (count + kTokens - 1) / kTokens, across = (vocabulary + kWords - 1) / kWords;
    call.pool.run(down * across, [&](int64_t piece, void* workspace) {
      const int64_t first = piece % down * kTokens, tokens = std::min(kTokens, count - first);
      const int64_t word = piece / down * kWords, words = std::min(kWords, vocabulary - word);
      const bool narrows = logits.narrow();
      float* tile = narrows ? static_cast<float*>(workspace) : row(first, word);
      const int64_t ld = narrows ? kWords : stride;
      logits.tile(start + first, tokens, word, words, tile, ld, workspace);
      for (int64_t i = 0; i < tokens; i++) {
        use(first + i, word, words, tile + i * ld, narrows ? narrow_row(first + i, word) : nullptr);
      }
    });
  }

  /** dh = dlogits w; prepare(token, word, words) makes one token's dlogits of one tile right before they are
   * used. */
  template <typename Prepare>
  void input_gradient(const Tensor& dh, Prepare prepare) const {
    const int64_t width = logits.width;
    const Sink sink(dh);
    in_pieces(call.pool, count, rows_at_once(width, sink.half),
              [&](int64_t begin, int64_t end, void* workspace) {
                const int64_t at = (start + begin) * width;
                float* sums = sink.open(at, static_cast<float*>(workspace));
                for (int64_t word = 0; word < vocabulary; word += kWords) {
                  GemmCall part;
                  part.operands = logits.dtype;
                  part.m = end - begin, part.n = width, part.k = std::min(kWords, vocabulary - word);
                  for (int64_t token = begin; token < end; token++) prepare(token, word, part.k);
                  part.a = advance(memory, logits.dtype, begin * stride + word), part.lda = stride;
                  part.b = logits.word_row(word), part.ldb = width;
                  part.c = sums, part.ldc = width;
                  part.accumulate = word > 0;
                  multiply(call.gemm, part, workspace);
                }
                sink.close(at, (end - begin) * width, sums);
              });
  }

  /** Tokens of one piece: 64, or up to 128 where their sums fit the workspace. Our own bf16 product gives the
   * same however it is cut, and packs w the less often the more tokens it takes at once. */
  int64_t rows_at_once(int64_t width, bool in_workspace) const {
    const int64_t fit = std::max<int64_t>(1, kTileBytes / 4 / width);
    if (!kMultipliesBf16 || !logits.narrow()) return in_workspace ? std::min<int64_t>(fit, 128) : 64;
    int64_t rows = std::min<int64_t>(fit, 256);
    while (rows > 64 && (count + rows - 1) / rows < call.pool.threads()) rows /= 2;
    return rows;
  }

  /** dw += dlogits^T h, or the first chunk's dw = */
  void weight_gradient(float* dw, bool adds) const {
    GemmCall whole;
    whole.operands = logits.dtype;
    whole.trans_a = true;
    whole.m = vocabulary, whole.n = logits.width, whole.k = count;
    whole.a = memory, whole.lda = stride;
    whole.b = logits.token_row(start), whole.ldb = logits.width;
    whole.c = dw, whole.ldc = logits.width;
    whole.accumulate = adds;
    product(call.pool, call.gemm, whole);
  }
};

/** use(chunk) for one chunk after the other; dw is added to what is there where it is `kept`. */
template <typename Use>
void each_chunk(const KernelCall& call, const Logits& logits, int64_t tokens, int64_t vocabulary,
                const Tensor& dw, bool kept, Use use) {
  const int64_t size = scratch::loss_chunk(tokens, vocabulary, size_of(logits.dtype), bool(dw));
  for (int64_t start = 0; start < tokens; start += size) {
    const Chunk chunk{call,        logits,
                      vocabulary,  scratch::logit_stride(vocabulary),
                      start,       std::min(size, tokens - start),
                      call.scratch};
    use(chunk);
    if (dw) chunk.weight_gradient(dw.f32(), kept || start > 0);
  }
  if (tokens == 0 && dw && !kept) std::memset(dw.data, 0, static_cast<size_t>(dw.count()) * sizeof(float));
}

/** exp(logit - most) made part of a dlogit by the slope of the softcap; `most` is the row's largest logit. */
void weigh_by_slope(float* row, int64_t words, float most, float softcap) {
  const float uncap = 1.0f / softcap, shift = most == -INFINITY ? 0.0f : most;
#pragma GCC ivdep
  for (int64_t j = 0; j < words; j++) {
    const float t = row[j] * uncap;
    row[j] = exp_f32(row[j] - shift) * (1.0f - t * t);
  }
}

}  // namespace

Status kernel_linear_cross_entropy(const KernelCall& call) {
  const int64_t tokens = call.in[0].shape[0], vocabulary = call.in[1].shape[0];
  if (Status status = check_labels(call.in[2], vocabulary); !status.ok()) return status;
  const Logits logits(call, 0);
  const int32_t* labels = call.in[2].i32();
  float *loss = call.out[0].f32(), *lse = call.out[1].f32(), *correct = call.out[2].f32();
  Part* parts = static_cast<Part*>(call.scratch);  // [kVocabularyParts, tokens]
  const int64_t kParts = scratch::kVocabularyParts;
  const int64_t blocks = (tokens + kTokens - 1) / kTokens;
  const int64_t each = ((vocabulary + kParts - 1) / kParts + 15) / 16 * 16;  // words of a part
  call.pool.run(blocks * kParts, [&](int64_t piece, void* workspace) {
    float* tile = static_cast<float*>(workspace);
    // pieces that run at the same time share their part of w
    const int64_t first = piece % blocks * kTokens, count = std::min(kTokens, tokens - first);
    const int64_t begin = piece / blocks * each, end = std::min(begin + each, vocabulary);
    Part* part = parts + piece / blocks * tokens + first;
    for (int64_t i = 0; i < count; i++) part[i] = {-INFINITY, 0.0f, 0.0f, -1};
    for (int64_t word = begin; word < end; word += kWords) {
      const int64_t words = std::min(kWords, end - word);
      logits.tile(first, count, word, words, tile, kWords, workspace);
      for (int64_t i = 0; i < count; i++) {
        const int32_t label = labels[first + i];
        extend(part[i], part_of_row(tile + i * kWords, word, words, label, nullptr, nullptr),
               label >= word && label < word + words);
      }
    }
  });
  in_pieces(call.pool, tokens, 1024, [&](int64_t begin, int64_t end, void*) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t own = labels[i] >= 0 ? labels[i] / each : -1;
      finish(logits, parts + i, kParts, tokens, own, i, labels[i], loss[i], lse[i], correct[i]);
    }
  });
  return {};
}

Status kernel_linear_cross_entropy_grad(const KernelCall& call) {
  const int64_t tokens = call.in[1].shape[0], vocabulary = call.in[2].shape[0];
  if (Status status = check_labels(call.in[3], vocabulary); !status.ok()) return status;
  const Logits logits(call, 1);
  const float *dloss = call.in[0].f32(), *lse = call.in[4].f32();
  const int32_t* labels = call.in[3].i32();
  each_chunk(call, logits, tokens, vocabulary, call.out[1], false, [&](const Chunk& chunk) {
    chunk.project([&](int64_t i, int64_t word, int64_t words, float* row, uint16_t* half) {
      const int64_t token = chunk.start + i;
      differentiate(row, word, words, labels[token], dloss[token], lse[token], logits.softcap);
      if (half) narrow(row, half, words);
    });
    chunk.input_gradient(call.out[0], [](int64_t, int64_t, int64_t) {});
  });
  return {};
}

namespace {

/** h, w, labels and dloss are the inputs from `at` on. The first pass leaves exp(logit - its tile's maximum),
 * so that the second only multiplies; with a softcap f32 logits stay what they are, and bf16 ones, too coarse
 * for that, become weight times slope. */
Status train(const KernelCall& call, int at, const Tensor& dw, bool kept) {
  const int64_t tokens = call.in[at].shape[0], vocabulary = call.in[at + 1].shape[0];
  if (Status status = check_labels(call.in[at + 2], vocabulary); !status.ok()) return status;
  const Logits logits(call, at);
  const float softcap = logits.softcap;
  const bool store = !(softcap > 0);
  const int32_t* labels = call.in[at + 2].i32();
  const float* dloss = call.in[at + 3].f32();
  float *loss = call.out[0].f32(), *lse = call.out[1].f32(), *correct = call.out[2].f32();
  const int64_t size = scratch::loss_chunk(tokens, vocabulary, size_of(logits.dtype), bool(dw)),
                across = scratch::pieces(vocabulary, kWords);
  Part* parts = static_cast<Part*>(
      advance(call.scratch, logits.dtype, size * scratch::logit_stride(vocabulary)));  // [size, across]
  each_chunk(call, logits, tokens, vocabulary, dw, kept, [&](const Chunk& chunk) {
    chunk.project([&](int64_t i, int64_t word, int64_t words, float* row, uint16_t* half) {
      Part& part = parts[i * across + word / kWords];
      const int32_t label = labels[chunk.start + i];
      part = part_of_row(row, word, words, label, store && !half ? row : nullptr, store ? half : nullptr);
      if (store || !half) return;
      weigh_by_slope(row, words, part.most, softcap);
      narrow(row, half, words);
    });
    in_pieces(call.pool, chunk.count, 64, [&](int64_t begin, int64_t end, void*) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t token = chunk.start + i, own = labels[token] >= 0 ? labels[token] / kWords : -1;
        finish(logits, parts + i * across, across, 1, own, token, labels[token], loss[token], lse[token],
               correct[token]);
      }
    });
    chunk.input_gradient(call.out[3], [&](int64_t i, int64_t word, int64_t words) {
      const int64_t token = chunk.start + i;
      const int32_t label = labels[token];
      const Part& part = parts[i * across + word / kWords];
      const bool here = label >= word && label < word + words;
      const float up = label < 0 ? 0.0f : dloss[token], factor = up * exp_f32(part.most - lse[token]);
      if (logits.narrow()) {
        uint16_t* row = chunk.narrow_row(i, word);
        scale(row, words, factor);
        // the label's own entry loses most of its size: it is made anew, from the f32 logit
        if (here) {
          const float t = softcap > 0 ? part.label / softcap : 0.0f;
          row[label - word] = to_bf16(up * (exp_f32(part.label - lse[token]) - 1.0f) * (1.0f - t * t));
        }
        return;
      }
      float* row = chunk.row(i, word);
      if (!store || label < 0) {
        differentiate(row, word, words, label, dloss[token], lse[token], softcap);
        return;
      }
      for (int64_t j = 0; j < words; j++) row[j] *= factor;
      if (here) row[label - word] -= up;
    });
  });
  return {};
}

}  // namespace

Status kernel_linear_cross_entropy_train(const KernelCall& call) {
  return train(call, 0, call.out[4], false);
}

Status kernel_accumulate_linear_cross_entropy_train(const KernelCall& call) {
  return train(call, 1, call.in[0], true);
}

}  // namespace sluice::cpu::SLUICE_ISA
