import { matmul, mul, type Tensor, tanh } from '../graph/index.js';
import type { ModelOutput } from '../models/index.js';

/** Logits of `hidden` [...,H]: projection by the head and soft cap -> [...,V]. For few tokens only. */
export function logitsOf(output: Pick<ModelOutput, 'headWeight' | 'logitSoftcap'>, hidden: Tensor): Tensor {
  const { headWeight, logitSoftcap } = output;
  return hidden.graph.scope('logits', () => {
    const logits = matmul(hidden, headWeight, { transB: true });
    return logitSoftcap > 0 ? mul(tanh(mul(logits, 1 / logitSoftcap)), logitSoftcap) : logits;
  });
}
