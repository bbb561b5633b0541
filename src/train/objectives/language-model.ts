import { add, mul, sum } from '../../graph/index.js';
import { lmLoss, loadBalancingLoss } from '../../models/index.js';
import type { Objective, ObjectiveInputs, ObjectiveOutputs } from './objective.js';

/**
 * Next-token cross-entropy: its sum over all targets of the step, divided once by their number. A mixture of experts
 * adds `auxLossWeight` times the load-balancing loss.
 */
export function languageModel(options: { auxLossWeight: number }): Objective {
  return {
    name: 'language_model',
    build(inputs) {
      const { loss: lm, metrics } = crossEntropy(inputs);
      const { output, segmentIds, microShare } = inputs;
      if (output.routers.length === 0 || options.auxLossWeight === 0) return { loss: lm, metrics };
      const balance = mul(loadBalancingLoss(output.routers, segmentIds), microShare);
      return {
        loss: add(lm, mul(balance, options.auxLossWeight)),
        metrics: { ...metrics, load_balancing_loss: balance },
      };
    },
  };
}

/** The language-model part that every objective starts with. */
export function crossEntropy({ output, labels, lossScale }: ObjectiveInputs): ObjectiveOutputs {
  const lm = lmLoss(output, labels);
  const loss = mul(lm.sum, lossScale);
  return { loss, metrics: { lm_loss: loss, accuracy: mul(sum(lm.correct), lossScale) } };
}
