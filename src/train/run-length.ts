import { elementCount } from '../graph/index.js';
import type { ParameterSpec } from '../models/index.js';
import type { BatchSource } from './batch.js';
import type { TrainingRun } from './compile-run.js';

/** The keys of `training` that say how long a run is; max_steps overrules max_tokens, and both overrule epochs. */
export interface LengthKeys {
  /** Packed rows per optimizer step. */
  batch_size: number;
  epochs: number;
  max_tokens: number | null;
  max_steps: number | null;
}

/** Tokens per weight at which compute is best spent: Hoffmann et al., "Training Compute-Optimal Large Language Models" (2022). */
export const computeOptimalRatio = 20;

/** Optimizer steps that a training config asks for: ceil(epochs · rows / batch_size), or ceil(max_tokens / tokens of a step). */
export function totalSteps(training: LengthKeys, data: Pick<BatchSource, 'rows' | 'tokens'>): number {
  const { batch_size, epochs, max_tokens, max_steps } = training;
  if (max_steps !== null) return max_steps;
  if (max_tokens !== null) return Math.max(1, Math.ceil(max_tokens / tokensPerStep(training, data)));
  return Math.max(1, Math.ceil((epochs * data.rows) / batch_size));
}

/** A mean over the data, padding left out. */
const tokensPerStep = (
  { batch_size }: Pick<LengthKeys, 'batch_size'>,
  { rows, tokens }: Pick<BatchSource, 'rows' | 'tokens'>,
): number => (batch_size * tokens) / rows;

/** What a run will see. `perWeight` is null where not all of the model learns: the ratio means nothing there. */
export interface TokenPlan {
  tokens: number;
  perWeight: number | null;
}

export function planTokens(run: TrainingRun, steps: number): TokenPlan {
  const tokens = Math.round(steps * tokensPerStep(run.training, run.data));
  const weights = run.model.parameters();
  const all = run.adapter === null && run.trainable.length === weights.length;
  return { tokens, perWeight: all ? tokens / numbersIn(weights) : null };
}

/** `1200000 tokens, 3.1 per weight (compute-optimal: 20)` */
export const describeTokens = ({ tokens, perWeight }: TokenPlan): string =>
  perWeight === null
    ? `${tokens} tokens`
    : `${tokens} tokens, ${perWeight.toPrecision(3)} per weight (compute-optimal: ${computeOptimalRatio})`;

export const numbersIn = (parameters: readonly ParameterSpec[]): number =>
  parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
