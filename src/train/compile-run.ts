import { SluiceError } from '../errors.js';
import type { Program, RecomputeMode } from '../graph/index.js';
import type { LoraAdapter, Model, ParameterSpec } from '../models/index.js';
import type { BatchSource } from './batch.js';
import type { CheckpointKeys } from './checkpoints.js';
import { freeCut } from './micro-batches.js';
import type { Objective } from './objectives/objective.js';
import { type OptimizerKeys, optimizerOf } from './optim/optimizer-config.js';
import type { LengthKeys } from './run-length.js';
import type { ScheduleKeys } from './schedule-config.js';
import { buildStep, programsOfStep, type StepPrograms } from './step.js';
import type { WatchKeys } from './watches/watches-of.js';

/** The keys of `training` that every training stage has. */
export interface TrainingConfig extends LengthKeys, CheckpointKeys, WatchKeys {
  /** bf16: mixed precision. What weights and moments are held in is the optimizer's. */
  dtype: 'fp32' | 'bf16';
  learning_rate: number;
  /** Rows of a pass; `auto`: as few as the CPU still multiplies at full speed. */
  per_device_batch_size: number | 'auto';
  max_grad_norm: number | null;
  log_every: number;
  /** Which results of the forward pass are made again instead of held; changes no number. */
  recompute: RecomputeMode;
  /** Bytes for states and intermediates; null: what the machine has free. */
  memory_budget: number | null;
  optimizer: OptimizerKeys;
  schedule: ScheduleKeys;
}

/** A training stage's parts: a model with its weights in a session, data, and what is to be learnt. */
export interface TrainingRun {
  model: Model;
  adapter: LoraAdapter | null;
  objective: Objective;
  trainable: readonly ParameterSpec[];
  data: BatchSource;
  training: TrainingConfig;
  seed: number;
  threads: number;
}

/** The programs of a run by the length of the rows that they take: one, or several where rows are cut for a while. */
export type RunPrograms = ReadonlyMap<number, StepPrograms>;

/** The programs of a run, compiled but not loaded, in at most `budget` bytes if they can be. Throws `config.batch_size`. */
export function compileRun(run: TrainingRun, budget: number): RunPrograms {
  return new Map(run.data.lengths.map((length) => [length, compileLength(run, length, budget)]));
}

/** Packed rows of a pass. A function of config and data alone, for it decides the order of sums. */
export function rowsPerPass({ training, data }: Pick<TrainingRun, 'training' | 'data'>): number {
  const { batch_size, per_device_batch_size, dtype } = training;
  if (per_device_batch_size !== 'auto') return per_device_batch_size;
  return batch_size / freeCut({ rows: batch_size, length: data.length, dtype });
}

function compileLength(run: TrainingRun, length: number, budget: number): StepPrograms {
  const { batch_size, max_grad_norm, optimizer } = run.training;
  const per_device_batch_size = rowsPerPass(run);
  if (batch_size % per_device_batch_size !== 0) {
    const divisors = Array.from({ length: batch_size }, (_, i) => i + 1).filter((n) => batch_size % n === 0);
    throw new SluiceError(
      'config.batch_size',
      `training.batch_size=${batch_size} must be a multiple of training.per_device_batch_size=${per_device_batch_size}`,
      { hint: `per_device_batch_size can be ${divisors.join(', ')}` },
    );
  }
  return buildStep({
    model: run.model,
    adapter: run.adapter,
    objective: run.objective,
    trainable: run.trainable,
    batch: (per_device_batch_size * run.data.length) / length,
    length,
    accumulation: batch_size / per_device_batch_size,
    optimizer: optimizerOf(optimizer, run.trainable),
    maxGradNorm: max_grad_norm,
    threads: run.threads,
    dtype: run.training.dtype,
    recompute: run.training.recompute,
    memoryBudget: budget,
  });
}

/** What each of them is, in their order. */
export function programNames(programs: RunPrograms): string[] {
  return [...programs].flatMap(([length, { micro }]) => {
    const about = programs.size === 1 ? '' : `, rows of ${length} tokens`;
    const names = micro === null ? ['step'] : ['forward and backward', 'update'];
    return names.map((name) => name + about);
  });
}

export const programsOf = (programs: RunPrograms): Program[] =>
  [...programs.values()].flatMap(programsOfStep);
