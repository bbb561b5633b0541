import type { Batch } from '../data/index.js';
import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { rngInput } from '../models/index.js';
import type { TelemetryEvent } from '../telemetry/event.js';
import { type BatchSource, sliceBatch } from './batch.js';
import { firstNonFinite } from './first-non-finite.js';
import { learningRateAt, type ScheduleOptions } from './schedule.js';
import type { StepPrograms } from './step.js';

export interface LoopOptions {
  session: Session;
  programs: StepPrograms;
  data: BatchSource;
  schedule: ScheduleOptions;
  seed: number;
  /** Packed rows per optimizer step, and per micro-batch. */
  batchSize: number;
  perDeviceBatchSize: number;
  /** First step to take (0 unless resumed) and the step to stop before. */
  startStep: number;
  totalSteps: number;
  logEvery: number;
  /** 0: only when interrupted. */
  saveEvery: number;
  /** 0: only at the end. */
  evaluateEvery: number;
  /** Product rate of the machine in FLOP/s, for MFU. */
  peakFlops: number;
  emit(event: TelemetryEvent): void;
  signal: AbortSignal;
  /** Writes a complete checkpoint of the state after `step` steps; returns its folder. */
  save(step: number): Promise<string>;
  /** Figures of held-out data, named as they are logged; null where there are none. */
  evaluate: (() => Promise<Record<string, number>>) | null;
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
  const micro = programs.micro === null ? null : session.load(programs.micro);
  const update = session.load(programs.update);
  const stepFlops = programs.update.cost.flops + (programs.micro?.cost.flops ?? 0) * accumulation;
  const interval = new Interval();
  let evaluation: Record<string, number> = {};
  let tokens = 0;
  let last = interval.close(stepFlops, options.peakFlops);
  const started = performance.now();

  for (let step = options.startStep; step < totalSteps; step += 1) {
    if (signal.aborted) {
      const folder = await options.save(step);
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
        const rows = options.perDeviceBatchSize;
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
    if (done % options.logEvery === 0 || done === totalSteps) {
      last = interval.close(stepFlops, options.peakFlops);
      const logged = Object.entries(last.means).map(([name, value]) => [`train/${name}`, value] as const);
      emit({
        type: 'metrics',
        step: done,
        values: {
          ...Object.fromEntries(logged),
          'train/learning_rate': learningRate,
          'train/tokens_per_second': last.tokensPerSecond,
          'train/mfu': last.mfu,
        },
      });
    }
    emit({
      type: 'progress',
      phase: 'train',
      step: done,
      totalSteps,
      loss: values.lm_loss ?? values.loss ?? Number.NaN,
      tokensPerSecond: last.tokensPerSecond || interval.rate(),
      mfu: last.mfu || interval.mfu(stepFlops, options.peakFlops),
      etaSeconds: ((performance.now() - started) / 1000 / (done - options.startStep)) * (totalSteps - done),
    });
    const evaluateNow =
      done === totalSteps || (options.evaluateEvery > 0 && done % options.evaluateEvery === 0);
    if (options.evaluate !== null && evaluateNow) {
      evaluation = await options.evaluate();
      emit({ type: 'metrics', step: done, values: evaluation });
      interval.restartClock();
    }
    if (options.saveEvery > 0 && done % options.saveEvery === 0 && done < totalSteps) {
      await options.save(done);
      interval.restartClock();
    }
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

/** Means, token rate and MFU since the last logged step. */
class Interval {
  #sums: Record<string, number> = {};
  #steps = 0;
  #tokens = 0;
  #seconds = 0;
  #best = 0;
  #clock = performance.now();

  add(values: Record<string, number>, tokens: number): void {
    for (const [name, value] of Object.entries(values)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    this.#steps += 1;
    this.#tokens += tokens;
    this.#seconds += (performance.now() - this.#clock) / 1000;
    this.#clock = performance.now();
  }

  rate(): number {
    return this.#seconds > 0 ? this.#tokens / this.#seconds : 0;
  }

  // Training faster than the measured peak shows that the measurement was disturbed: its rate is the peak from then on.
  mfu(stepFlops: number, peak: number): number {
    if (this.#seconds === 0) return 0;
    const rate = (stepFlops * this.#steps) / this.#seconds;
    this.#best = Math.max(this.#best, peak, rate);
    return rate / this.#best;
  }

  close(stepFlops: number, peak: number) {
    const steps = Math.max(1, this.#steps);
    const means = Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / steps]));
    const result = { means, tokensPerSecond: this.rate(), mfu: this.mfu(stepFlops, peak) };
    this.#sums = {};
    this.#steps = 0;
    this.#tokens = 0;
    this.#seconds = 0;
    return result;
  }

  /** Leaves out what was not training: evaluation, saving. */
  restartClock(): void {
    this.#clock = performance.now();
  }
}
