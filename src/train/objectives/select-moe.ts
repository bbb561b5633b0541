import { add, mul, notEqual, reshape, sigmoid, type Tensor } from '../../graph/index.js';
import { gateMoments, loadBalancingLoss, type QualityLossOptions, qualityLoss } from '../../models/index.js';
import { crossEntropy } from './language-model.js';
import type { Objective, ObjectiveInputs } from './objective.js';

export interface SelectMoeOptions {
  qualityLoss: QualityLossOptions;
  qualityLossWeight: number;
  loadBalancing: boolean;
  /** Weight of (load balancing + qualityLossWeight · quality loss). */
  auxLossWeight: number;
  /** Logs mean and variance of every layer's gate. */
  debug: boolean;
}

/** Language-model loss + auxLossWeight · (load balancing, if enabled + qualityLossWeight · quality loss). */
export function selectMoe(options: SelectMoeOptions): Objective {
  return {
    name: 'select_moe',
    build(inputs) {
      const { output, segmentIds, microShare } = inputs;
      const { loss: lm, metrics } = crossEntropy(inputs);
      const quality = mul(qualityLoss(output.routers, segmentIds, options.qualityLoss), microShare);
      metrics.quality_loss = quality;
      let auxiliary = mul(quality, options.qualityLossWeight);
      if (options.loadBalancing) {
        const balance = mul(loadBalancingLoss(output.routers, segmentIds), microShare);
        metrics.load_balancing_loss = balance;
        auxiliary = add(balance, auxiliary);
      }
      if (options.debug) Object.assign(metrics, gateFigures(inputs));
      return { loss: add(lm, mul(auxiliary, options.auxLossWeight)), metrics };
    },
  };
}

function gateFigures({ output, segmentIds, microShare }: ObjectiveInputs): Record<string, Tensor> {
  const tokens = reshape(notEqual(segmentIds, 0), [...segmentIds.shape, 1]);
  return Object.fromEntries(
    output.routers.flatMap(({ qualityScore }, layer) => {
      const moments = gateMoments(sigmoid(qualityScore!), tokens);
      return [
        [`gate_mean.${layer}`, mul(moments.mean, microShare)],
        [`gate_variance.${layer}`, mul(moments.variance, microShare)],
      ];
    }),
  );
}
