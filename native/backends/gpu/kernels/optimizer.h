// State changes: accumulation, and AdamW as torch.optim.AdamW computes it.
#pragma once

#include "../dialect.h"

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

/** scalars = learning rate, step from 1, gradient scale; a NaN scale changes nothing. */
KERNEL(adamw, WRITES(0, float, param), READS(1, float, grad), WRITES(2, float, m), WRITES(3, float, v),
       READS(4, float, scalars), PARAMS(5, AdamW)) {
  const int64 i = AT;
  const float rate = scalars[0], step = scalars[1], scale = scalars[2];
  if (i >= p.count || scale != scale) return;
  const float g = grad[i] * scale;
  const float first = m[i] * p.beta1 + g * p.rest1, second = v[i] * p.beta2 + g * g * p.rest2;
  m[i] = first;
  v[i] = second;
  const float size = rate / -exp_minus_one(step * p.log_beta1);
  const float root = sqrt(second / -exp_minus_one(step * p.log_beta2));
  param[i] = param[i] * (1.0f - rate * p.weight_decay) - size * first / (root + p.eps);
}

DIALECT_END
