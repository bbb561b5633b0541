import {
  add,
  affine,
  div,
  expand,
  max,
  mul,
  oneHot,
  reshape,
  sigmoid,
  softmax,
  stopGradient,
  sum,
  type Tensor,
  takeAlong,
  topk,
} from '../../graph/index.js';
import { linear } from '../blocks/linear.js';
import type { ConfigReader } from '../config-reader.js';
import { type Init, zeros } from '../parameter.js';
import type { ModelTrace, RouterOutput } from '../trace.js';

/** Routing over x [N,H] to the best experts of the best groups. */
export type Router = (trace: ModelTrace, x: Tensor) => RouterOutput;

interface RouterSettings {
  readonly experts: number;
  readonly perToken: number;
  readonly groups: number;
  readonly keptGroups: number;
  readonly factor: number;
  readonly init: Init;
}

export function readRouter(config: ConfigReader, version: 2 | 3, init: Init): Router {
  const settings: RouterSettings = {
    experts: config.integer('n_routed_experts'),
    perToken: config.integer('num_experts_per_tok'),
    groups: config.integer('n_group', 1),
    keptGroups: config.integer('topk_group', 1),
    factor: config.number('routed_scaling_factor', 1),
    init,
  };
  if (version === 3) {
    const normalize = config.boolean('norm_topk_prob', true);
    return (trace, x) => sigmoidRouter(trace, x, settings, normalize);
  }
  const method = config.choice('topk_method', ['greedy', 'group_limited_greedy'], 'greedy');
  return (trace, x) => softmaxRouter(trace, x, settings, method === 'group_limited_greedy');
}

/** DeepSeek-V2: softmax; a group counts as its best expert; experts of other groups weigh nothing. */
function softmaxRouter(
  trace: ModelTrace,
  x: Tensor,
  settings: RouterSettings,
  grouped: boolean,
): RouterOutput {
  const { experts, perToken, groups, factor, init } = settings;
  const moeLogits = linear(trace, 'gate', x, { out: experts, init, kind: 'router' });
  const probabilities = softmax(moeLogits);
  const byGroup = (scores: Tensor) => max(reshape(scores, [-1, groups, experts / groups]));
  const scores = grouped
    ? mul(probabilities, groupMask(byGroup(stopGradient(probabilities)), settings))
    : probabilities;
  const topIndices = topk(scores, perToken).indices;
  return {
    moeLogits,
    probabilities,
    topIndices,
    topWeights: affine(takeAlong(scores, topIndices), factor, 0),
  };
}

/** DeepSeek-V3: sigmoid; a bias helps choose but does not weigh; a group counts as its two best experts. */
function sigmoidRouter(
  trace: ModelTrace,
  x: Tensor,
  settings: RouterSettings,
  normalize: boolean,
): RouterOutput {
  const { experts, perToken, groups, factor, init } = settings;
  const moeLogits = linear(trace, 'gate', x, { out: experts, init, kind: 'router' });
  const probabilities = sigmoid(moeLogits);
  const bias = trace.within('gate', () => trace.buffer('e_score_correction_bias', [experts], zeros));
  const choice = add(stopGradient(probabilities), bias);
  const byGroup = sum(topk(reshape(choice, [-1, groups, experts / groups]), 2).values, { axes: [-1] });
  // 0 for experts of kept groups, far below any score for the others
  const allowed = add(choice, affine(groupMask(byGroup, settings), 1e9, -1e9));
  const topIndices = topk(allowed, perToken).indices;
  const chosen = takeAlong(probabilities, topIndices);
  const weights = normalize
    ? div(chosen, affine(sum(chosen, { axes: [-1], keepdims: true }), 1, 1e-20))
    : chosen;
  return { moeLogits, probabilities, topIndices, topWeights: affine(weights, factor, 0) };
}

/** [N, groups] scores -> [N, experts]: 1 for the experts of the best groups, 0 for the others. */
function groupMask(scores: Tensor, { experts, groups, keptGroups }: RouterSettings): Tensor {
  const kept = sum(oneHot(topk(scores, keptGroups).indices, groups), { axes: [1] });
  const tokens = scores.shape[0]!;
  const size = experts / groups;
  return reshape(expand(reshape(kept, [tokens, groups, 1]), [tokens, groups, size]), [tokens, experts]);
}
