import {
  div,
  moeCombine,
  moeDispatch,
  moeGather,
  reshape,
  softmax,
  sum,
  type Tensor,
  takeAlong,
  topk,
} from '../../graph/index.js';
import type { Init } from '../parameter.js';
import type { ModelTrace, RouterOutput } from '../trace.js';
import { expertLinear, linear } from './linear.js';
import { type Activation, gated } from './mlp.js';

export interface MoeConfig {
  readonly experts: number;
  readonly perToken: number;
  /** Inner size of one expert. */
  readonly inner: number;
  readonly activation: Activation;
  readonly init: Init;
  /** The chosen experts' weights are divided by their sum. */
  readonly normalize: boolean;
}

/** The names of an expert's three projections; Mixtral calls them w1, w3, w2. */
export interface ExpertNames {
  readonly gate: string;
  readonly up: string;
  readonly down: string;
}

export const usualExpertNames: ExpertNames = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' };

/** Softmax router `gate` over x [N,H], then the `perToken` most probable experts. */
export function route(trace: ModelTrace, x: Tensor, config: MoeConfig): RouterOutput {
  const moeLogits = linear(trace, 'gate', x, { out: config.experts, init: config.init, kind: 'router' });
  return trace.graph.scope('route', () => {
    const probabilities = softmax(moeLogits);
    const topIndices = topk(probabilities, config.perToken).indices;
    const chosen = takeAlong(probabilities, topIndices);
    const topWeights = config.normalize ? div(chosen, sum(chosen, { axes: [-1], keepdims: true })) : chosen;
    return { moeLogits, probabilities, topIndices, topWeights };
  });
}

/** The chosen experts on x [N,H], weighted and added: [N,H]. Nothing is computed for an expert without tokens. */
export function experts(
  trace: ModelTrace,
  x: Tensor,
  router: Pick<RouterOutput, 'topIndices' | 'topWeights'>,
  config: Pick<MoeConfig, 'experts' | 'inner' | 'activation' | 'init'>,
  names: ExpertNames = usualExpertNames,
): Tensor {
  const { topIndices, topWeights } = router;
  const { inner, activation, init } = config;
  return trace.within('experts', () => {
    const { order, inverse, offsets } = moeDispatch(topIndices, config.experts);
    const rows = moeGather(x, order, inverse, topIndices.shape[1]!);
    const project = (name: string, input: Tensor, out: number) =>
      expertLinear(trace, name, input, { out, init, experts: config.experts, offsets });
    const hidden = gated(project(names.gate, rows, inner), project(names.up, rows, inner), activation);
    return moeCombine(project(names.down, hidden, x.shape[1]!), inverse, topWeights, order);
  });
}

/** A whole mixture layer on x [B,T,H]; what the router decided is noted in the trace. */
export function moe(
  trace: ModelTrace,
  x: Tensor,
  config: MoeConfig,
  names: ExpertNames = usualExpertNames,
): Tensor {
  const rows = reshape(x, [-1, x.shape.at(-1)!]);
  const router = route(trace, rows, config);
  trace.routers.push(router);
  return reshape(experts(trace, rows, router, config, names), x.shape);
}
