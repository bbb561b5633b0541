// Cross-entropy of one chunk of logits, a group per token. The products around it are the backend's.
//   with softcap c > 0: logit = c tanh(raw / c);  loss = lse - logit[label]
//   draw = dloss (exp(logit - lse) - onehot(label)) (1 - (logit / c)^2)
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

struct LossRows {
  int64 words;
  float softcap;
  int op;
  int draw_bf16;
};

FN float capped(float raw, float softcap) { return softcap > 0 ? softcap * tanh(raw / softcap) : raw; }

/** raw [tokens, words] -> loss, lse, correct of each token: 0, lse, 0 where its label is negative. */
KERNEL(loss_rows, READS(0, float, raw), READS(1, int, labels), WRITES(2, float, loss), WRITES(3, float, lse),
       WRITES(4, float, correct), WRITES(5, int, bad), PARAMS(6, LossRows)) {
  GROUP_MEMORY(float, shared, 32);
  GROUP_MEMORY(int, best, 1);
  const int64 row = GROUP * p.words;
  const int label = labels[GROUP];
  if (THREAD == 0) best[0] = int(p.words);
  float most = -INFINITY;
  for (int64 i = THREAD; i < p.words; i += THREADS) {
    const float value = capped(raw[row + i], p.softcap);
    most = value > most || value != value ? value : most;
  }
  most = GROUP_MAX(most, shared);
  const float shift = most == -INFINITY ? 0.0f : most;
  float total = 0.0f;
  int mine = int(p.words);
  for (int64 i = THREAD; i < p.words; i += THREADS) {
    const float value = capped(raw[row + i], p.softcap);
    total += exp(value - shift);
    if (value == most && mine == int(p.words)) mine = int(i);
  }
  lower_shared(best, mine);
  const float all = shift + log(GROUP_SUM(total, shared));
  if (THREAD != 0) return;
  lse[GROUP] = all;
  if (label >= p.words) {
    lower(bad, p.op);
    return;
  }
  loss[GROUP] = label < 0 ? 0.0f : all - capped(raw[row + (label < 0 ? 0 : label)], p.softcap);
  correct[GROUP] = label >= 0 && best[0] == label ? 1.0f : 0.0f;
}

/** raw [tokens, words] -> draw, alike. */
KERNEL(loss_rows_grad, READS(0, float, raw), READS(1, int, labels), READS(2, float, lse),
       READS(3, float, dloss), WRITES(4, void, draw), PARAMS(5, LossRows)) {
  const int64 row = GROUP * p.words;
  const int label = labels[GROUP];
  const float up = label < 0 ? 0.0f : dloss[GROUP], all = lse[GROUP];
  for (int64 i = THREAD; i < p.words; i += THREADS) {
    const float value = capped(raw[row + i], p.softcap);
    const float uncap = p.softcap > 0 ? 1.0f - value / p.softcap * (value / p.softcap) : 1.0f;
    const float slope = exp(value - all) - (i == label ? 1.0f : 0.0f);
    STORE(draw, row + i, up == 0.0f ? 0.0f : up * slope * uncap);
  }
}

DIALECT_END
