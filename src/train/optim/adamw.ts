import { adamw, type Graph, type Tensor } from '../../graph/index.js';

/** AdamW as `torch.optim.AdamW`; decay is decoupled and skips what Transformers' Trainer skips. */
export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  weight_decay: number;
}

/** Names of the two moments of a parameter in the session. */
export const momentNames = (parameter: string): [string, string] => [
  `optimizer.exp_avg.${parameter}`,
  `optimizer.exp_avg_sq.${parameter}`,
];

/** Biases and norm weights are not decayed: vectors, in other words. */
export const isDecayed = (shape: readonly number[]): boolean => shape.length > 1;

/**
 * Adds one update per parameter. `scalars` is f32 [3]: learning rate, step from 1, gradient scale.
 */
export function updateParameters(
  graph: Graph,
  pairs: readonly { name: string; parameter: Tensor; gradient: Tensor }[],
  scalars: Tensor,
  options: AdamWOptions,
): void {
  for (const { name, parameter, gradient } of pairs) {
    const [first, second] = momentNames(name);
    graph.scope(name, () =>
      adamw(
        parameter,
        gradient,
        graph.state(first, 'f32', parameter.shape),
        graph.state(second, 'f32', parameter.shape),
        scalars,
        {
          beta1: options.beta1,
          beta2: options.beta2,
          eps: options.eps,
          weightDecay: isDecayed(parameter.shape) ? options.weight_decay : 0,
        },
      ),
    );
  }
}
