import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import type { TelemetryEvent } from '../telemetry/event.js';
import type { BatchSource } from './batch.js';
import type { RunPrograms } from './compile-run.js';
import { describeBatch, lastCheckpointHint } from './describe-batch.js';
import { Interval, type IntervalFigures, type IntervalSums } from './interval.js';
import { learningRateAt, type ScheduleOptions } from './schedule.js';
import { StepRunner } from './step-runner.js';
import type { Watch } from './watches/watch.js';

export interface LoopOptions {
  session: Session;
  programs: RunPrograms;
  data: BatchSource;
  schedule: ScheduleOptions;
  seed: number;
  /** Packed rows per optimizer step, and per micro-batch. */
  batchSize: number;
  perDeviceBatchSize: number;
  /** Where to begin: step 0 with nothing summed up, or what a checkpoint says. */
  begin: { step: number; progress: LoopProgress | null };
  /** The step to stop before. */
  totalSteps: number;
  logEvery: number;
  /** 0: only at the end. */
  evaluateEvery: number;
  /** Product rate of the machine in FLOP/s, for MFU. */
  peakFlops: number;
  emit(event: TelemetryEvent): void;
  signal: AbortSignal;
  checkpoints: Checkpointing;
  watches: readonly Watch[];
  /** Figures of held-out data, named as they are logged; null where there are none. */
  evaluate: (() => Promise<Record<string, number>>) | null;
}

/** When and how the loop's state is saved. */
export interface Checkpointing {
  /**
   * Whether the state after `step` steps is to be saved; `values` are the figures that were logged at that step.
   * Asked once a step.
   */
  isDue(step: number, values: Readonly<Record<string, number>>, isEnd: boolean): boolean;
  /** Writes a complete checkpoint of the state after `step` steps; returns its folder. */
  save(step: number, progress: LoopProgress): string;
  /** Folder of the newest checkpoint; null before there is one. */
  readonly last: string | null;
  /** Folder of the newest checkpoint of fewer steps; null where there is none. */
  lastBefore(step: number): string | null;
}

/** What the loop needs besides weights and moments to go on as if it had never stopped. Plain JSON. */
export interface LoopProgress {
  /** Since step 0. */
  tokens: number;
  /** Of the interval that the checkpoint lies in. */
  interval: IntervalSums;
  /** The last interval that was logged, and the last evaluation. */
  last: IntervalFigures;
  evaluation: Record<string, number>;
  /** What each watch knows, by its name. */
  watches: Record<string, unknown>;
  /** Why a watch ended the run; null while it goes on. */
  stopped: string | null;
}

export interface LoopResult {
  /** Taken since step 0. */
  steps: number;
  /** Means over the last logged interval. */
  loss: number;
  tokens: number;
  tokensPerSecond: number;
  mfu: number;
  evaluation: Record<string, number>;
  /** Why the run ended before its last step; null where it did not. */
  stopped: string | null;
}

/**
 * The one training loop. A batch is a pure function of (seed, step), the loss of a step is a sum over its target tokens
 * divided once by their number, and on abort the state after the last whole step is saved before it throws.
 */
export async function runLoop(options: LoopOptions): Promise<LoopResult> {
  const { session, programs, data, totalSteps, emit, signal, seed, watches, checkpoints } = options;
  const runner = new StepRunner(session, programs, options.batchSize / options.perDeviceBatchSize);
  const { step: startStep, progress } = options.begin;
  const interval = new Interval(progress?.interval);
  let evaluation = progress?.evaluation ?? {};
  let tokens = progress?.tokens ?? 0;
  let last = progress?.last ?? { means: {}, tokensPerSecond: 0, mfu: 0 };
  let stopped = progress?.stopped ?? null;
  let step = startStep;
  for (const watch of watches) {
    const known = progress?.watches[watch.name];
    if (known !== undefined) watch.restore(known);
  }
  const save = () => {
    const known = Object.fromEntries(watches.map((watch) => [watch.name, watch.state()]));
    const sums = interval.state();
    const folder = checkpoints.save(step, {
      tokens,
      interval: sums,
      last,
      evaluation,
      watches: known,
      stopped,
    });
    interval.restartClock();
    return folder;
  };
  const started = performance.now();

  while (step < totalSteps && stopped === null) {
    if (signal.aborted) {
      const folder = save();
      throw new SluiceError('interrupted', `interrupted after step ${step}; checkpoint written`, {
        where: folder,
        hint: `go on with resume=${folder}`,
      });
    }
    const batch = data.batch(seed, step, options.batchSize);
    if (batch.targets === 0) {
      throw new SluiceError('data.no_targets', `the batch of step ${step} has no token that carries loss`, {
        where: describeBatch(batch, data, { step, seed }),
        hint: 'every row of it is masked or empty; look at the dataset and its chat template',
      });
    }
    const learningRate = learningRateAt(step, options.schedule);
    const values = await runner.take(batch, { seed, step, learningRate });
    for (const [name, value] of Object.entries(values)) {
      if (Number.isFinite(value)) continue;
      const cause = await runner.explain(batch, { seed, step, learningRate });
      const good = checkpoints.lastBefore(step); // one of this very step holds the weights that gave it
      throw new SluiceError('train.not_finite', `${name} is ${value} at step ${step}: ${cause.message}`, {
        where: describeBatch(batch, data, { step, seed }),
        hint: `lower training.learning_rate or training.max_grad_norm, or look at those rows; ${lastCheckpointHint(good)}`,
        cause,
      });
    }
    step += 1;
    tokens += batch.tokens;
    interval.add(values, batch.tokens, runner.flopsOf(batch));
    for (const watch of watches) watch.afterStep?.({ step, batch, values, lastCheckpoint: checkpoints.last });

    const logged: Record<string, number> = {};
    if (step % options.logEvery === 0 || step === totalSteps) {
      last = interval.close(options.peakFlops);
      for (const [name, value] of Object.entries(last.means)) logged[`train/${name}`] = value;
      logged['train/learning_rate'] = learningRate;
      for (const watch of watches) Object.assign(logged, watch.figures?.());
      const measured = { 'train/tokens_per_second': last.tokensPerSecond, 'train/mfu': last.mfu };
      emit({ type: 'metrics', step, values: { ...logged, ...measured }, measured: Object.keys(measured) });
    }
    emit({
      type: 'progress',
      phase: 'train',
      step,
      totalSteps,
      loss: values.lm_loss ?? values.loss ?? Number.NaN,
      tokensPerSecond: last.tokensPerSecond || interval.rate(),
      mfu: last.mfu || interval.mfu(options.peakFlops),
      etaSeconds: ((performance.now() - started) / 1000 / (step - startStep)) * (totalSteps - step),
    });
    const evaluate = async () => {
      if (options.evaluate === null) return;
      evaluation = await options.evaluate();
      emit({ type: 'metrics', step, values: evaluation });
      for (const [name, value] of Object.entries(evaluation)) {
        if (Number.isFinite(value)) continue;
        throw new SluiceError('train.not_finite', `${name} is ${value} after step ${step}`, {
          hint: `lower training.learning_rate or training.max_grad_norm, or look at the held-out rows; ${lastCheckpointHint(checkpoints.lastBefore(step))}`,
        });
      }
      Object.assign(logged, evaluation);
      interval.restartClock();
    };
    const isEvaluated =
      step === totalSteps || (options.evaluateEvery > 0 && step % options.evaluateEvery === 0);
    if (isEvaluated) await evaluate();
    if (Object.keys(logged).length > 0)
      for (const watch of watches) stopped ??= watch.afterLog?.(step, logged) ?? null;
    if (stopped !== null && !isEvaluated) await evaluate();
    if (checkpoints.isDue(step, logged, step === totalSteps || stopped !== null)) save();
  }
  for (const watch of watches) watch.finish?.();
  return {
    steps: step,
    loss: last.means.lm_loss ?? last.means.loss ?? Number.NaN,
    tokens,
    tokensPerSecond: last.tokensPerSecond,
    mfu: last.mfu,
    evaluation,
    stopped,
  };
}
