// State changes: accumulation, and AdamW as torch.optim.AdamW computes it, over states of f32 or bf16.
#pragma once

#include "random.h"

DIALECT_BEGIN

struct Accumulate {
  int64 count;
};

KERNEL(accumulate, WRITES(0, float, state), READS(1, float, x), PARAMS(2, Accumulate)) {
  const int64 i = AT;
  if (i < p.count) state[i] += x[i];
}

/** log_beta are natural logarithms: beta^step from them loses no digits where beta is close to 1. */
struct AdamW {
  int64 count;
  float beta1, beta2, rest1, rest2, log_beta1, log_beta2, eps, weight_decay;
  uint32 stream;
  int by_chance, param_bf16, grad_bf16, m_bf16, v_bf16;
};

/** exp(x) - 1 for x <= 0. */
FN float exp_minus_one(float x) {
  if (x < -0.35f) return exp(x) - 1.0f;
  float term = x, sum = x;
  for (int i = 2; i < 10; i++) {
    term *= x / float(i);
    sum += term;
  }
  return sum;
}

/** As store_float, but what becomes bf16 goes up with the probability of its distance from below, by 16 bits.
 */
FN void store_by_chance(DEVICE void* y, int64 at, float value, int is_bf16, uint32 chance) {
  const uint32 bits = float_to_bits(value);
  if (is_bf16 && (bits & 0x7f800000u) != 0x7f800000u)
    ((DEVICE bf16*)y)[at] = bf16((bits + chance) >> 16);
  else
    store_float(y, at, value, is_bf16);
}

/** scalars = learning rate, step from 1, gradient scale; a NaN scale changes nothing. rng is read where
 * p.by_chance. */
KERNEL(adamw, WRITES(0, void, param), READS(1, void, grad), WRITES(2, void, m), WRITES(3, void, v),
       READS(4, float, scalars), READS(5, int, rng), PARAMS(6, AdamW)) {
  const int64 i = AT;
  const float rate = scalars[0], step = scalars[1], scale = scalars[2];
  if (i >= p.count || scale != scale) return;
  const float g = LOAD(grad, i) * scale;
  const float first = LOAD(m, i) * p.beta1 + g * p.rest1, second = LOAD(v, i) * p.beta2 + g * g * p.rest2;
  const float size = rate / -exp_minus_one(step * p.log_beta1);
  const float root = sqrt(second / -exp_minus_one(step * p.log_beta2));
  // p - shrink·p and not (1 - shrink)·p, whose factor is rounded the same way in every step
  const float old = LOAD(param, i);
  const float made = old - (old * (rate * p.weight_decay) + size * first / (root + p.eps));
  if (!p.by_chance) {
    STORE(m, i, first);
    STORE(v, i, second);
    STORE(param, i, made);
    return;
  }
  const Words words = philox(rng, p.stream, uint32(i / 4));
  const uint32 word = words.w[i % 4];
  store_by_chance(m, i, first, p.m_bf16, word & 0xffffu);
  store_by_chance(v, i, second, p.v_bf16, word >> 8 & 0xffffu);
  store_by_chance(param, i, made, p.param_bf16, word >> 16);
}

DIALECT_END
