import {
  add,
  affine,
  cast,
  concat,
  div,
  linearCrossEntropy,
  mean,
  mul,
  notEqual,
  oneHot,
  reshape,
  sigmoid,
  square,
  sub,
  sum,
  type Tensor,
} from '../graph/index.js';
import type { ModelOutput, RouterOutput } from './trace.js';

/** Cross-entropy of a batch, per token and in sum; the caller divides once by the global number of targets. */
export interface LmLoss {
  /** Scalar: sum over targets, nats. */
  readonly sum: Tensor;
  /** [B*T], 0 where there is no target. */
  readonly perToken: Tensor;
  /** [B*T]: 1 where the largest logit is the label's. */
  readonly correct: Tensor;
}

/** labels i32[B,T]: the target of each position, negative for none (already shifted). */
export function lmLoss(output: ModelOutput, labels: Tensor): LmLoss {
  const { hidden, headWeight, logitSoftcap } = output;
  return hidden.graph.scope('lm_loss', () => {
    const head = headWeight.dtype === 'bf16' ? cast(headWeight, 'f32') : headWeight;
    const { loss, correct } = linearCrossEntropy(hidden, head, labels, { softcap: logitSoftcap });
    return { sum: sum(loss), perToken: loss, correct };
  });
}

/**
 * Load-balancing loss as transformers computes it: experts · Σ_e (share of choices of e) · (mean probability of e),
 * over the non-padding tokens of all layers together; 1·k when evenly spread. Scalar.
 */
export function loadBalancingLoss(routers: readonly RouterOutput[], segmentIds: Tensor): Tensor {
  const { graph } = segmentIds;
  return graph.scope('load_balancing_loss', () => {
    const tokens = reshape(notEqual(segmentIds, 0), [-1, 1]);
    const count = mul(sum(tokens), routers.length);
    const experts = routers[0]!.moeLogits.shape[1]!;
    const perLayer = routers.map(({ probabilities, topIndices }) => ({
      chosen: sum(mul(sum(oneHot(topIndices, experts), { axes: [1] }), tokens), { axes: [0] }),
      probability: sum(mul(probabilities, tokens), { axes: [0] }),
    }));
    const chosen = div(total(perLayer.map((layer) => layer.chosen)), count);
    const probability = div(total(perLayer.map((layer) => layer.probability)), count);
    return affine(sum(mul(chosen, probability)), experts, 0);
  });
}

/** Settings of the quality loss, by the names of a Select-MoE config. */
export interface QualityLossOptions {
  readonly type: string;
  readonly betaTargetMean: number;
  readonly betaTargetVar: number;
  readonly meanWeight: number;
  readonly varWeight: number;
  readonly lambdaVar: number;
}

export interface GateMoments {
  /** Scalars over the non-padding tokens of one layer: mean of g, of g², and variance (n-1). */
  readonly mean: Tensor;
  readonly meanSquare: Tensor;
  readonly variance: Tensor;
}

/** One layer's loss from g = sigmoid(score) [B,T,1] and its moments; `tokens` [B,T,1] is 1 where there is a token. */
export type QualityLoss = (
  moments: GateMoments,
  options: QualityLossOptions,
  gate: { readonly g: Tensor; readonly tokens: Tensor },
) => Tensor;

const qualityLosses = new Map<string, QualityLoss>([
  ['sigmoid', (m) => m.mean],
  ['mse', (m) => m.meanSquare],
  [
    'beta_moment_matching',
    (m, o) =>
      add(
        mul(square(sub(m.mean, o.betaTargetMean)), o.meanWeight),
        mul(square(sub(m.variance, o.betaTargetVar)), o.varWeight),
      ),
  ],
  ['mean_variance_regularization', (m, o) => sub(square(sub(m.mean, 0.5)), mul(m.variance, o.lambdaVar))],
]);

/** Makes `quality_loss_type: <name>` known (DESIGN calls these `custom`). */
export function registerQualityLoss(name: string, loss: QualityLoss): void {
  qualityLosses.set(name, loss);
}

export function qualityLossTypes(): string[] {
  return [...qualityLosses.keys()];
}

/** Mean over layers of the quality loss. Scalar; gradients flow through all of it. */
export function qualityLoss(
  routers: readonly RouterOutput[],
  segmentIds: Tensor,
  options: QualityLossOptions,
): Tensor {
  const { graph } = segmentIds;
  const loss = qualityLosses.get(options.type);
  if (!loss) throw new RangeError(`quality loss ${options.type} is none of ${qualityLossTypes().join(', ')}`);
  return graph.scope('quality_loss', () => {
    const tokens = reshape(notEqual(segmentIds, 0), [...segmentIds.shape, 1]);
    const perLayer = routers.map((router) => {
      const g = sigmoid(router.qualityScore!);
      return loss(gateMoments(g, tokens), options, { g, tokens });
    });
    return mul(total(perLayer), 1 / perLayer.length);
  });
}

/** The sample variance divides by n-1 and is taken about the mean, not from squares, to keep its digits. */
export function gateMoments(g: Tensor, tokens: Tensor): GateMoments {
  const count = sum(tokens);
  const average = div(sum(mul(g, tokens)), count);
  const meanSquare = div(sum(mul(square(g), tokens)), count);
  const variance = div(sum(mul(square(sub(g, average)), tokens)), sub(count, 1));
  return { mean: average, meanSquare, variance };
}

/** [B]: the score of each row, the mean over layers of the mean over its non-padding tokens of g. */
export function rowScores(routers: readonly RouterOutput[], segmentIds: Tensor): Tensor {
  return mean(layerScores(routers, segmentIds), { axes: [1] });
}

/** [B, layers]: mean over the row's non-padding tokens of g, layer by layer. */
export function layerScores(routers: readonly RouterOutput[], segmentIds: Tensor): Tensor {
  const { graph } = segmentIds;
  return graph.scope('row_scores', () => {
    const tokens = notEqual(segmentIds, 0);
    const count = sum(tokens, { axes: [1] });
    const [rows, length] = segmentIds.shape as [number, number];
    const columns = routers.map(({ qualityScore }) => {
      const g = reshape(sigmoid(qualityScore!), [rows, length]);
      return reshape(div(sum(mul(g, tokens), { axes: [1] }), count), [rows, 1]);
    });
    return concat(columns as [Tensor, ...Tensor[]], 1);
  });
}

function total(tensors: readonly Tensor[]): Tensor {
  return tensors.reduce((a, b) => add(a, b));
}
