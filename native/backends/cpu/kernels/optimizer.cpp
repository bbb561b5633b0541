// State changes: assignment, accumulation, and AdamW as torch.optim.AdamW computes it, over states of f32 or
// bf16.
#include <cstring>

#include "floats.h"
#include "philox.h"

namespace sluice::cpu::SLUICE_ISA {

Status kernel_assign(const KernelCall& call) {
  char* to = static_cast<char*>(call.in[0].data);
  const char* from = static_cast<const char*>(call.in[1].data);
  const int64_t bytes = call.in[0].count() * size_of(call.in[0].dtype);
  in_pieces(call.pool, bytes, 1 << 17, [=](int64_t begin, int64_t end, void*) {
    std::memmove(to + begin, from + begin, static_cast<size_t>(end - begin));
  });
  return {};
}

Status kernel_fill(const KernelCall& call) {
  float* to = call.in[0].f32();
  const float value = call.real("value");
  in_pieces(call.pool, call.in[0].count(), kElements,
            [=](int64_t begin, int64_t end, void*) { std::fill(to + begin, to + end, value); });
  return {};
}

Status kernel_accumulate(const KernelCall& call) {
  float* to = call.in[0].f32();
  const float* from = call.in[1].f32();
  in_pieces(call.pool, call.in[0].count(), kElements, [=](int64_t begin, int64_t end, void*) {
#pragma GCC ivdep
    for (int64_t i = begin; i < end; i++) to[i] += from[i];
  });
  return {};
}

namespace {

struct AdamW {
  float keep1, take1, keep2, take2, shrink, size, correction, eps, scale;

  /** Scalars as of ops.def, `scale` a number. */
  AdamW(const KernelCall& call, const float* scalars) {
    const double beta1 = call.op.attribute("beta1").real, beta2 = call.op.attribute("beta2").real;
    const double rate = scalars[0], step = scalars[1];
    keep1 = static_cast<float>(beta1), take1 = static_cast<float>(1.0 - beta1);
    keep2 = static_cast<float>(beta2), take2 = static_cast<float>(1.0 - beta2);
    shrink = static_cast<float>(rate * call.op.attribute("weight_decay").real);
    size = static_cast<float>(rate / (1.0 - std::pow(beta1, step)));
    correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, step)));
    eps = call.real("eps");
    scale = scalars[2];
  }

  /** From param, m and v to new_param, new_m and new_v, which may be the same. */
  SLUICE_INLINE void update(const AdamW& self, int64_t count, const float* grad, const float* param,
                            const float* m, const float* v, float* new_param, float* new_m, float* new_v) {
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) {
      const float g = grad[i] * self.scale;
      const float first = m[i] * self.keep1 + g * self.take1;
      const float second = v[i] * self.keep2 + g * g * self.take2;
      new_m[i] = first;
      new_v[i] = second;
      // p - shrink·p and not (1 - shrink)·p, whose factor is rounded the same way in every step
      new_param[i] = param[i] - (param[i] * self.shrink +
                                 self.size * first / (std::sqrt(second) * self.correction + self.eps));
    }
  }
};

/** Writes f32 as bf16: up with the probability of the distance from below, by 16 bits of a word of each
 * element. */
void narrow_by_chance(const float* from, uint16_t* to, int64_t count, const uint32_t* words, int shift) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) {
    const uint32_t bits = to_bits(from[i]);
    const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    const uint32_t rounded = (bits + (words[i] >> shift & 0xffffu)) >> 16;
    to[i] = static_cast<uint16_t>(finite ? rounded : to_bf16(from[i]));
  }
}

}  // namespace

Status kernel_adamw(const KernelCall& call) {
  const Tensor &param = call.in[0], &grad = call.in[1], &m = call.in[2], &v = call.in[3];
  const float* scalars = call.in[4].f32();
  if (scalars[2] != scalars[2])
    return {};  // no gradient to follow: the state stays what it was, for whoever asks why
  const AdamW step(call, scalars);
  const Source grads(grad);
  if (!grads.half && !Source(param).half && !Source(m).half && !Source(v).half) {
    in_pieces(call.pool, param.count(), kElements, [&](int64_t begin, int64_t end, void*) {
      float *p = param.f32() + begin, *first = m.f32() + begin, *second = v.f32() + begin;
      AdamW::update(step, end - begin, grad.f32() + begin, p, first, second, p, first, second);
    });
    return {};
  }
  const bool by_chance = call.inputs > 5 && call.in[5];
  const Stream stream = by_chance ? Stream::of(call.in[5], call.integer("stream")) : Stream{};
  in_pieces(call.pool, param.count(), kElements, [&](int64_t begin, int64_t end, void*) {
    constexpr int64_t kSome = 4 * kBlocks;
    float read[4][kSome], made[3][kSome];
    uint32_t words[kSome];
    for (int64_t at = begin; at < end; at += kSome) {
      const int64_t count = std::min(kSome, end - at);
      AdamW::update(step, count, grads.read(at, count, read[0]), Source(param).read(at, count, read[1]),
                    Source(m).read(at, count, read[2]), Source(v).read(at, count, read[3]), made[0], made[1],
                    made[2]);
      if (by_chance) draw_some(stream, at, words, [](uint32_t word) { return word; });
      const auto store = [&](const Tensor& to, const float* from, int shift) {
        if (to.dtype == DType::f32)
          std::copy(from, from + count, to.f32() + at);
        else if (by_chance)
          narrow_by_chance(from, static_cast<uint16_t*>(to.data) + at, count, words, shift);
        else
          narrow(from, static_cast<uint16_t*>(to.data) + at, count);
      };
      store(param, made[0], 16);
      store(m, made[1], 0);
      store(v, made[2], 8);
    }
  });
  return {};
}

}  // namespace sluice::cpu::SLUICE_ISA
