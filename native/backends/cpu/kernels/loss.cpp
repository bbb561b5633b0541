// Projection to the vocabulary and cross-entropy in one, over tiles of logits.
//   logit = h w^T, with softcap c > 0: c tanh(logit / c);  loss = lse - logit[label]
//   dlogit = dloss (exp(logit - lse) - onehot(label)) (1 - (logit / c)^2);  dh = dlogit w, dw = dlogit^T h
// Gradients go chunk by chunk: a chunk's logits all exist before its dlogits can.
#include <cstring>

#include "../../../core/scratch.h"
#include "kernels.h"
#include "product.h"
#include "vector-math.h"

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
  const float *h, *w;
  int64_t width;
  float softcap;
  Gemm gemm;

  /** to[tokens, ld] for tokens from `token` and words from `word`. */
  void tile(int64_t token, int64_t tokens, int64_t word, int64_t words, float* to, int64_t ld,
            void* workspace) const {
    GemmCall call;
    call.trans_b = true;
    call.m = tokens, call.n = words, call.k = width;
    call.a = h + token * width, call.lda = width;
    call.b = w + word * width, call.ldb = width;
    call.c = to, call.ldc = ld;
    gemm(call, workspace);
    if (!(softcap > 0)) return;
    const float uncap = 1.0f / softcap;
    for (int64_t i = 0; i < tokens; i++) {
#pragma GCC ivdep
      for (int64_t j = 0; j < words; j++) to[i * ld + j] = softcap * tanh_f32(to[i * ld + j] * uncap);
    }
  }
};

/** A tile's logits of one token, beginning at word `first`, as its part; with `store` each becomes
 * exp(logit - most). */
Part part_of_row(float* logits, int64_t first, int64_t words, int64_t label, bool store) {
  Part part{-INFINITY, 0.0f, 0.0f, -1};
  float most = -INFINITY;
#pragma omp simd reduction(max : most)
  for (int64_t j = 0; j < words; j++) most = logits[j] > most ? logits[j] : most;
  if (most > -INFINITY) {
    int64_t best = 0;
    while (logits[best] != most) best++;
    part.best = static_cast<int32_t>(first + best);
  }
  part.most = most;
  if (label >= first && label < first + words) part.label = logits[label - first];
  const float shift = most == -INFINITY ? 0.0f : most;
  float total = 0;
  if (store) {
#pragma omp simd reduction(+ : total)
    for (int64_t j = 0; j < words; j++) {
      const float weight = exp_f32(logits[j] - shift);
      logits[j] = weight;
      total += weight;
    }
  } else {
#pragma omp simd reduction(+ : total)
    for (int64_t j = 0; j < words; j++) total += exp_f32(logits[j] - shift);
  }
  part.total = total;
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
 * label). */
void finish(const Part* parts, int64_t count, int64_t stride, int64_t own, int32_t label, float& loss,
            float& lse, float& correct) {
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
  const double log_total = std::log(total);
  lse = static_cast<float>(most + log_total);
  loss =
      own < 0 ? 0.0f : static_cast<float>(most - static_cast<double>(parts[own * stride].label) + log_total);
  correct = own >= 0 && best == label ? 1.0f : 0.0f;
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
  const float* w;
  int64_t width, vocabulary, stride, start, count;
  float* memory;  // [count, stride]

  float* row(int64_t token, int64_t word) const { return memory + token * stride + word; }

  /** use(first token, tokens, first word, words, workspace) for every tile, its logits computed. */
  template <typename Use>
  void project(Use use) const {
    const int64_t down = (count + kTokens - 1) / kTokens, across = (vocabulary + kWords - 1) / kWords;
    call.pool.run(down * across, [&](int64_t piece, void* workspace) {
      const int64_t first = piece % down * kTokens, tokens = std::min(kTokens, count - first);
      const int64_t word = piece / down * kWords, words = std::min(kWords, vocabulary - word);
      logits.tile(start + first, tokens, word, words, row(first, word), stride, workspace);
      use(first, tokens, word, words);
    });
  }

  /** dh = dlogits w; prepare(token, word, words) makes one token's dlogits of one tile right before they are
   * used. */
  template <typename Prepare>
  void input_gradient(float* dh, Prepare prepare) const {
    in_pieces(call.pool, count, 64, [&](int64_t begin, int64_t end, void* workspace) {
      for (int64_t word = 0; word < vocabulary; word += kWords) {
        GemmCall part;
        part.m = end - begin, part.n = width, part.k = std::min(kWords, vocabulary - word);
        for (int64_t token = begin; token < end; token++) prepare(token, word, part.k);
        part.a = row(begin, word), part.lda = stride;
        part.b = w + word * width, part.ldb = width;
        part.c = dh + (start + begin) * width, part.ldc = width;
        part.accumulate = word > 0;
        call.gemm(part, workspace);
      }
    });
  }

  /** dw += dlogits^T h */
  void weight_gradient(float* dw) const {
    GemmCall whole;
    whole.trans_a = true;
    whole.m = vocabulary, whole.n = width, whole.k = count;
    whole.a = memory, whole.lda = stride;
    whole.b = logits.h + start * width, whole.ldb = width;
    whole.c = dw, whole.ldc = width;
    whole.accumulate = start > 0;
    product(call.pool, call.gemm, whole);
  }
};

/** use(chunk) for one chunk after the other. */
template <typename Use>
void each_chunk(const KernelCall& call, const Logits& logits, int64_t tokens, int64_t vocabulary,
                const Tensor& dw, Use use) {
  const int64_t size = scratch::loss_chunk(tokens, vocabulary);
  for (int64_t start = 0; start < tokens; start += size) {
    const Chunk chunk{call,
                      logits,
                      logits.w,
                      logits.width,
                      vocabulary,
                      scratch::logit_stride(vocabulary),
                      start,
                      std::min(size, tokens - start),
                      static_cast<float*>(call.scratch)};
    use(chunk);
    if (dw) chunk.weight_gradient(dw.f32());
  }
  if (tokens == 0 && dw) std::memset(dw.data, 0, static_cast<size_t>(dw.count()) * sizeof(float));
}

}  // namespace

Status kernel_linear_cross_entropy(const KernelCall& call) {
  const int64_t tokens = call.in[0].shape[0], width = call.in[0].shape[1], vocabulary = call.in[1].shape[0];
  if (Status status = check_labels(call.in[2], vocabulary); !status.ok()) return status;
  const Logits logits{call.in[0].f32(), call.in[1].f32(), width, call.real("softcap"), call.gemm};
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
        extend(part[i], part_of_row(tile + i * kWords, word, words, label, false),
               label >= word && label < word + words);
      }
    }
  });
  in_pieces(call.pool, tokens, 1024, [&](int64_t begin, int64_t end, void*) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t own = labels[i] >= 0 ? labels[i] / each : -1;
      finish(parts + i, kParts, tokens, own, labels[i], loss[i], lse[i], correct[i]);
    }
  });
  return {};
}

Status kernel_linear_cross_entropy_grad(const KernelCall& call) {
  const int64_t tokens = call.in[1].shape[0], width = call.in[1].shape[1], vocabulary = call.in[2].shape[0];
  if (Status status = check_labels(call.in[3], vocabulary); !status.ok()) return status;
  const float softcap = call.real("softcap");
  const Logits logits{call.in[1].f32(), call.in[2].f32(), width, softcap, call.gemm};
  const float *dloss = call.in[0].f32(), *lse = call.in[4].f32();
  const int32_t* labels = call.in[3].i32();
  each_chunk(call, logits, tokens, vocabulary, call.out[1], [&](const Chunk& chunk) {
    chunk.project([&](int64_t first, int64_t count, int64_t word, int64_t words) {
      for (int64_t i = first; i < first + count; i++) {
        const int64_t token = chunk.start + i;
        differentiate(chunk.row(i, word), word, words, labels[token], dloss[token], lse[token], softcap);
      }
    });
    chunk.input_gradient(call.out[0].f32(), [](int64_t, int64_t, int64_t) {});
  });
  return {};
}

/** Without a softcap the first pass leaves exp(logit - its tile's maximum), so that the second only
 * multiplies. */
Status kernel_linear_cross_entropy_train(const KernelCall& call) {
  const int64_t tokens = call.in[0].shape[0], width = call.in[0].shape[1], vocabulary = call.in[1].shape[0];
  if (Status status = check_labels(call.in[2], vocabulary); !status.ok()) return status;
  const float softcap = call.real("softcap");
  const bool store = !(softcap > 0);
  const Logits logits{call.in[0].f32(), call.in[1].f32(), width, softcap, call.gemm};
  const int32_t* labels = call.in[2].i32();
  const float* dloss = call.in[3].f32();
  float *loss = call.out[0].f32(), *lse = call.out[1].f32(), *correct = call.out[2].f32();
  const int64_t size = scratch::loss_chunk(tokens, vocabulary), across = scratch::pieces(vocabulary, kWords);
  Part* parts = reinterpret_cast<Part*>(static_cast<float*>(call.scratch) +
                                        size * scratch::logit_stride(vocabulary));  // [size, across]
  each_chunk(call, logits, tokens, vocabulary, call.out[4], [&](const Chunk& chunk) {
    chunk.project([&](int64_t first, int64_t count, int64_t word, int64_t words) {
      for (int64_t i = first; i < first + count; i++) {
        parts[i * across + word / kWords] =
            part_of_row(chunk.row(i, word), word, words, labels[chunk.start + i], store);
      }
    });
    in_pieces(call.pool, chunk.count, 64, [&](int64_t begin, int64_t end, void*) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t token = chunk.start + i, own = labels[token] >= 0 ? labels[token] / kWords : -1;
        finish(parts + i * across, across, 1, own, labels[token], loss[token], lse[token], correct[token]);
      }
    });
    chunk.input_gradient(call.out[3].f32(), [&](int64_t i, int64_t word, int64_t words) {
      const int64_t token = chunk.start + i;
      const int32_t label = labels[token];
      float* row = chunk.row(i, word);
      if (!store || label < 0) {
        differentiate(row, word, words, label, dloss[token], lse[token], softcap);
        return;
      }
      const float up = dloss[token],
                  factor = up * exp_f32(parts[i * across + word / kWords].most - lse[token]);
      for (int64_t j = 0; j < words; j++) row[j] *= factor;
      if (label >= word && label < word + words) row[label - word] -= up;
    });
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
