// Projection to the vocabulary and cross-entropy in one, over tiles of logits.
//   logit = h w^T, with softcap c > 0: c tanh(logit / c);  loss = lse - logit[label]
//   dlogit = dloss (exp(logit - lse) - onehot(label)) (1 - (logit / c)^2);  dh = dlogit w, dw = dlogit^T h
#include <cstring>

#include "../../../core/scratch.h"
#include "kernels.h"
#include "product.h"
#include "vector-math.h"

namespace sluice::cpu::SLUICE_ISA {
namespace {

constexpr int64_t kTokens = 128, kWords = scratch::kTileWords;  // of one tile of logits, 512 KiB
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

/** Takes `words` more logits, which begin at word `first`, into a token's part. */
void extend(Part& part, const float* logits, int64_t first, int64_t words, int64_t label) {
  float most = part.most;
#pragma omp simd reduction(max : most)
  for (int64_t j = 0; j < words; j++) most = logits[j] > most ? logits[j] : most;
  if (most > part.most) {
    int64_t best = 0;
    while (logits[best] != most) best++;
    part.best = static_cast<int32_t>(first + best);
  }
  float total = 0;
  const float shift = most == -INFINITY ? 0.0f : most;
#pragma omp simd reduction(+ : total)
  for (int64_t j = 0; j < words; j++) total += exp_f32(logits[j] - shift);
  part.total = part.total * exp_f32(part.most - shift) + total;
  part.most = most;
  if (label >= first && label < first + words) part.label = logits[label - first];
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

/** dh of a chunk of tokens, and its share of dw (null: not wanted), from its dlogits [count, vocabulary]. */
void chunk_gradients(const KernelCall& call, const Tensor& h, const Tensor& w, const float* dlogits,
                     int64_t start, int64_t count, float* dh_all, float* dw_all) {
  const int64_t width = h.shape[1], vocabulary = w.shape[0];
  GemmCall dh;
  dh.m = count, dh.n = width, dh.k = vocabulary;
  dh.a = dlogits, dh.lda = vocabulary;
  dh.b = w.f32(), dh.ldb = width;
  dh.c = dh_all + start * width, dh.ldc = width;
  product(call.pool, call.gemm, dh);
  if (!dw_all) return;
  GemmCall dw;
  dw.trans_a = true;
  dw.m = vocabulary, dw.n = width, dw.k = count;
  dw.a = dlogits, dw.lda = vocabulary;
  dw.b = h.f32() + start * width, dw.ldb = width;
  dw.c = dw_all, dw.ldc = width;
  dw.accumulate = start > 0;
  product(call.pool, call.gemm, dw);
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
      for (int64_t i = 0; i < count; i++) extend(part[i], tile + i * kWords, word, words, labels[first + i]);
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
  float* chunk = static_cast<float*>(call.scratch);  // [chunk tokens, vocabulary]
  const int64_t size = scratch::loss_chunk(tokens, vocabulary);
  const int64_t across = (vocabulary + kWords - 1) / kWords;
  for (int64_t start = 0; start < tokens; start += size) {
    const int64_t count = std::min(size, tokens - start), down = (count + kTokens - 1) / kTokens;
    call.pool.run(down * across, [&](int64_t piece, void* workspace) {
      const int64_t first = piece % down * kTokens, rows = std::min(kTokens, count - first);
      const int64_t word = piece / down * kWords, words = std::min(kWords, vocabulary - word);
      float* tile = chunk + first * vocabulary + word;
      logits.tile(start + first, rows, word, words, tile, vocabulary, workspace);
      for (int64_t i = 0; i < rows; i++) {
        const int64_t token = start + first + i;
        differentiate(tile + i * vocabulary, word, words, labels[token], dloss[token], lse[token], softcap);
      }
    });
    chunk_gradients(call, call.in[1], call.in[2], chunk, start, count, call.out[0].f32(),
                    call.out[1] ? call.out[1].f32() : nullptr);
  }
  if (tokens == 0 && call.out[1])
    std::memset(call.out[1].data, 0, static_cast<size_t>(vocabulary * width) * 4);
  return {};
}

Status kernel_linear_cross_entropy_train(const KernelCall& call) {
  const int64_t tokens = call.in[0].shape[0], width = call.in[0].shape[1], vocabulary = call.in[1].shape[0];
  if (Status status = check_labels(call.in[2], vocabulary); !status.ok()) return status;
  const float softcap = call.real("softcap");
  const Logits logits{call.in[0].f32(), call.in[1].f32(), width, softcap, call.gemm};
  const int32_t* labels = call.in[2].i32();
  const float* dloss = call.in[3].f32();
  float *loss = call.out[0].f32(), *lse = call.out[1].f32(), *correct = call.out[2].f32();
  const int64_t size = scratch::loss_chunk(tokens, vocabulary);
  const int64_t across = (vocabulary + kWords - 1) / kWords;
  float* chunk = static_cast<float*>(call.scratch);                  // [size, vocabulary]
  Part* parts = reinterpret_cast<Part*>(chunk + size * vocabulary);  // [across, size]
  for (int64_t start = 0; start < tokens; start += size) {
    const int64_t count = std::min(size, tokens - start), down = (count + kTokens - 1) / kTokens;
    const auto each_tile = [&](auto use) {
      call.pool.run(down * across, [&](int64_t piece, void* workspace) {
        const int64_t first = piece % down * kTokens, rows = std::min(kTokens, count - first);
        const int64_t word = piece / down * kWords, words = std::min(kWords, vocabulary - word);
        use(first, rows, word, words, chunk + first * vocabulary + word, workspace);
      });
    };
    each_tile([&](int64_t first, int64_t rows, int64_t word, int64_t words, float* tile, void* workspace) {
      logits.tile(start + first, rows, word, words, tile, vocabulary, workspace);
      Part* part = parts + word / kWords * size + first;
      for (int64_t i = 0; i < rows; i++) {
        part[i] = {-INFINITY, 0.0f, 0.0f, -1};
        extend(part[i], tile + i * vocabulary, word, words, labels[start + first + i]);
      }
    });
    for (int64_t i = 0; i < count; i++) {
      const int64_t token = start + i, own = labels[token] >= 0 ? labels[token] / kWords : -1;
      finish(parts + i, across, size, own, labels[token], loss[token], lse[token], correct[token]);
    }
    each_tile([&](int64_t first, int64_t rows, int64_t word, int64_t words, float* tile, void*) {
      for (int64_t i = 0; i < rows; i++) {
        const int64_t token = start + first + i;
        differentiate(tile + i * vocabulary, word, words, labels[token], dloss[token], lse[token], softcap);
      }
    });
    chunk_gradients(call, call.in[0], call.in[1], chunk, start, count, call.out[3].f32(),
                    call.out[4] ? call.out[4].f32() : nullptr);
  }
  if (tokens == 0 && call.out[4])
    std::memset(call.out[4].data, 0, static_cast<size_t>(vocabulary * width) * 4);
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
