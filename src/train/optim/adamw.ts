import { adamw, type Graph, type RoundingChance, type Tensor } from '../../graph/index.js';
import { streamOf } from '../../models/index.js';
import type { Optimizer, Updated } from './optimizer.js';

/** AdamW as `torch.optim.AdamW`; decay is decoupled and skips what Transformers' Trainer skips. */
export interface AdamWOptions {
  beta1: number;
  beta2: number;
  eps: number;
  weight_decay: number;
}

/** What the states of a run are held in; fp32 and no chance where they are not given. */
export interface StatePrecision {
  /** Of the two moments. */
  state_dtype: 'fp32' | 'bf16';
  /** Of the weights that learn; bf16: there is no fp32 copy of them. */
  main_params_dtype: 'fp32' | 'bf16';
  /** States of bf16 are rounded up or down by chance, so that on average small updates are not lost; else to nearest. */
  bf16_stochastic_round: boolean;
}

export const plainPrecision: StatePrecision = {
  state_dtype: 'fp32',
  main_params_dtype: 'fp32',
  bf16_stochastic_round: true,
};

export function adamW(options: AdamWOptions, precision: StatePrecision = plainPrecision): Optimizer {
  const stateDtype = precision.state_dtype === 'bf16' ? 'bf16' : 'f32';
  return {
    name: 'adamw',
    states: ({ name }) => momentNames(name),
    stateDtype,
    update: (graph, updated, scalars) => {
      for (const each of updated) {
        const rounds =
          precision.bf16_stochastic_round && (stateDtype === 'bf16' || each.parameter.dtype === 'bf16');
        const stream = streamOf(`optimizer.${each.spec.name}`);
        const chance = rounds ? { rng: graph.input('rng', 'i32', [4]), stream } : undefined;
        updateOne(graph, each, scalars, { ...options, stateDtype, chance });
      }
    },
  };
}

/** Names of the two moments of a parameter in the session. */
const momentNames = (parameter: string): [string, string] => [
  `optimizer.exp_avg.${parameter}`,
  `optimizer.exp_avg_sq.${parameter}`,
];

/** Biases and norm weights are not decayed: vectors, in other words. */
const isDecayed = (shape: readonly number[]): boolean => shape.length > 1;

interface UpdateOptions extends AdamWOptions {
  stateDtype: 'f32' | 'bf16';
  chance: RoundingChance | undefined;
}

function updateOne(
  graph: Graph,
  { spec, parameter, gradient }: Updated,
  scalars: Tensor,
  { beta1, beta2, eps, weight_decay, stateDtype, chance }: UpdateOptions,
): void {
  const [first, second] = momentNames(spec.name);
  graph.scope(spec.name, () =>
    adamw(
      parameter,
      gradient,
      graph.state(first, stateDtype, parameter.shape),
      graph.state(second, stateDtype, parameter.shape),
      scalars,
      {
        beta1,
        beta2,
        eps,
        weightDecay: isDecayed(parameter.shape) ? weight_decay : 0,
        ...(chance && { chance }),
      },
    ),
  );
}
