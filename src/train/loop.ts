import type { Batch } from '../data/index.js';
import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { rngInput } from '../models/index.js';
import type { TelemetryEvent } from '../telemetry/event.js';
import { type BatchSource, sliceBatch } from './batch.js';
import type { RunPrograms } from './compile-run.js';
import { firstNonFinite } from './first-non-finite.js';
import { Interval, type IntervalFigures, type IntervalSums } from './interval.js';
import { learningRateAt, type ScheduleOptions } from './schedule.js';

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
}

export interface LoopResult {
  steps: number;
  /** Means over the last logged interval. */
  loss: number;
  tokens: number;
  tokensPerSecond: number;
  mfu: number;
  evaluation: Record<string, number>;
}

/**
 * The one training loop. A batch is a pure function of (seed, step), the loss of a step is a sum over its target tokens
 * divided once by their number, and on abort the state after the last whole step is saved before it throws.
 */
export async function runLoop(options: LoopOptions): Promise<LoopResult> {
  const { session, programs, data, totalSteps, emit, signal } = options;
  const accumulation = options.batchSize / options.perDeviceBatchSize;
  const loaded = new Map(
    [...programs].map(([length, { micro, update }]) => [
      length,
      {
        micro: micro === null ? null : session.load(micro),
        update: session.load(update),
        flops: update.cost.flops + (micro?.cost.flops ?? 0) * accumulation,
      },
    ]),
  );
  let stepFlops = 0;
  const { step: startStep, progress } = options.begin;
  const interval = new Interval(progress?.interval);
  let evaluation = progress?.evaluation ?? {};
  let tokens = progress?.tokens ?? 0;
  let last = progress?.last ?? { means: {}, tokensPerSecond: 0, mfu: 0 };
  const save = (step: number) => {
    const folder = options.checkpoints.save(step, { tokens, interval: interval.state(), last, evaluation });
    interval.restartClock();
    return folder;
  };
  const started = performance.now();

  for (let step = startStep; step < totalSteps; step += 1) {
    if (signal.aborted) {
      const folder = save(step);
      throw new SluiceError('interrupted', `interrupted after step ${step}; checkpoint written`, {
        where: folder,
        hint: `go on with resume=${folder}`,
      });
    }
    const batch = data.batch(options.seed, step, options.batchSize);
    if (batch.targets === 0) {
      throw new SluiceError('data.no_targets', `the batch of step ${step} has no token that carries loss`, {
        hint: 'every row of it is masked or empty; look at the dataset and its chat template',
      });
    }
    const { micro, update, flops } = loaded.get(batch.length)!;
    stepFlops = flops;
    const learningRate = learningRateAt(step, options.schedule);
    const takeStep = async () => {
      const optimizer = Float32Array.of(learningRate, step + 1);
      const values: Record<string, number> = {};
      if (micro === null) {
        const inputs = stepInputs(batch, batch, options.seed, step);
        addInto(values, await update.runWith({ ...inputs, optimizer }));
        return values;
      }
      for (let i = 0; i < accumulation; i += 1) {
        const rows = batch.batchSize / accumulation;
        const part = sliceBatch(batch, i * rows, (i + 1) * rows);
        // the micro-batch's number is part of the random stream's step, so that no two share their noise
        addInto(values, await micro.runWith(stepInputs(part, batch, options.seed, step * accumulation + i)));
      }
      addInto(values, await update.runWith({ optimizer }));
      return values;
    };
    const values = await takeStep();
    for (const [name, value] of Object.entries(values)) {
      if (Number.isFinite(value)) continue;
      const cause = await firstNonFinite([micro, update], takeStep);
      throw new SluiceError('train.not_finite', `${name} is ${value} at step ${step}: ${cause.message}`, {
        where: `batch of step ${step}, seed ${options.seed}`,
        hint: 'lower training.learning_rate or training.max_grad_norm, or look at the rows of that batch; weights on disk are those of the last checkpoint',
        cause,
      });
    }
    tokens += batch.tokens;
    interval.add(values, batch.tokens);

    const done = step + 1;
    const logged: Record<string, number> = {};
    if (done % options.logEvery === 0 || done === totalSteps) {
      last = interval.close(stepFlops, options.peakFlops);
      for (const [name, value] of Object.entries(last.means)) logged[`train/${name}`] = value;
      logged['train/learning_rate'] = learningRate;
      const measured = { 'train/tokens_per_second': last.tokensPerSecond, 'train/mfu': last.mfu };
      const values = { ...logged, ...measured };
      emit({ type: 'metrics', step: done, values, measured: Object.keys(measured) });
    }
    emit({
      type: 'progress',
      phase: 'train',
      step: done,
      totalSteps,
      loss: values.lm_loss ?? values.loss ?? Number.NaN,
      tokensPerSecond: last.tokensPerSecond || interval.rate(),
      mfu: last.mfu || interval.mfu(stepFlops, options.peakFlops),
      etaSeconds: ((performance.now() - started) / 1000 / (done - startStep)) * (totalSteps - done),
    });
    const evaluateNow =
      done === totalSteps || (options.evaluateEvery > 0 && done % options.evaluateEvery === 0);
    if (options.evaluate !== null && evaluateNow) {
      evaluation = await options.evaluate();
      emit({ type: 'metrics', step: done, values: evaluation });
      Object.assign(logged, evaluation);
      interval.restartClock();
    }
    if (options.checkpoints.isDue(done, logged, done === totalSteps)) save(done);
  }
  return {
    steps: totalSteps,
    loss: last.means.lm_loss ?? last.means.loss ?? Number.NaN,
    tokens,
    tokensPerSecond: last.tokensPerSecond,
    mfu: last.mfu,
    evaluation,
  };
}

function stepInputs(batch: Batch, whole: Batch, seed: number, randomStep: number) {
  return {
    input_ids: batch.inputIds,
    segment_ids: batch.segmentIds,
    positions: batch.positions,
    labels: batch.labels,
    loss_scale: Float32Array.of(1 / whole.targets),
    rng: rngInput(seed, randomStep),
  };
}

function addInto(values: Record<string, number>, outputs: Record<string, ArrayLike<number>>): void {
  for (const [name, value] of Object.entries(outputs)) values[name] = (values[name] ?? 0) + value[0]!;
}
