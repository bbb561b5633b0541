import { adamw, type Graph, type Tensor } from '../../graph/index.js';
import type { Optimizer, Updated } from './optimizer.js';

/** AdamW as `torch.optim.AdamW`; decay is decoupled and skips what Transformers' Trainer skips. */
export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  weight_decay: number;
}

export const adamW = (options: AdamWOptions): Optimizer => ({
  name: 'adamw',
  states: ({ name }) => momentNames(name),
  update: (graph, updated, scalars) => {
    for (const each of updated) updateOne(graph, each, scalars, options);
  },
});

/** Names of the two moments of a parameter in the session. */
const momentNames = (parameter: string): [string, string] => [
  `optimizer.exp_avg.${parameter}`,
  `optimizer.exp_avg_sq.${parameter}`,
];

/** Biases and norm weights are not decayed: vectors, in other words. */
const isDecayed = (shape: readonly number[]): boolean => shape.length > 1;

function updateOne(
  graph: Graph,
  { spec, parameter, gradient }: Updated,
  scalars: Tensor,
  { beta1, beta2, eps, weight_decay }: AdamWOptions,
): void {
  const [first, second] = momentNames(spec.name);
  graph.scope(spec.name, () =>
    adamw(
      parameter,
      gradient,
      graph.state(first, 'f32', parameter.shape),
      graph.state(second, 'f32', parameter.shape),
      scalars,
      { beta1, beta2, eps, weightDecay: isDecayed(parameter.shape) ? weight_decay : 0 },
    ),
  );
}
