import type { Batch } from '../data/index.js';
import type { Executable, Session } from '../engine/index.js';
import { rngInput } from '../models/index.js';
import { sliceBatch } from './batch.js';
import type { RunPrograms } from './compile-run.js';
import { firstNonFinite } from './first-non-finite.js';

interface LoadedStep {
  micro: Executable | null;
  update: Executable;
  /** Floating-point work of a step. */
  flops: number;
}

/** What an optimizer step takes besides its batch. */
export interface StepInputs {
  seed: number;
  /** Counted from 0. */
  step: number;
  learningRate: number;
}

/** Takes optimizer steps: a batch in `accumulation` parts through the programs for rows of its length. */
export class StepRunner {
  readonly #loaded: ReadonlyMap<number, LoadedStep>;
  readonly #accumulation: number;

  constructor(session: Session, programs: RunPrograms, accumulation: number) {
    this.#accumulation = accumulation;
    this.#loaded = new Map(
      [...programs].map(([length, { micro, update }]) => [
        length,
        {
          micro: micro === null ? null : session.load(micro),
          update: session.load(update),
          flops: update.cost.flops + (micro?.cost.flops ?? 0) * accumulation,
        },
      ]),
    );
  }

  flopsOf(batch: Batch): number {
    return this.#loaded.get(batch.length)!.flops;
  }

  /** The step's figures, by name: loss, gradient norm, what the objective logs. */
  async take(batch: Batch, { seed, step, learningRate }: StepInputs): Promise<Record<string, number>> {
    const { micro, update } = this.#loaded.get(batch.length)!;
    const optimizer = Float32Array.of(learningRate, step + 1);
    const values: Record<string, number> = {};
    if (micro === null) {
      addInto(values, await update.runWith({ ...batchInputs(batch, batch, seed, step), optimizer }));
      return values;
    }
    const rows = batch.batchSize / this.#accumulation;
    for (let i = 0; i < this.#accumulation; i += 1) {
      const part = sliceBatch(batch, i * rows, (i + 1) * rows);
      // the micro-batch's number is part of the random stream's step, so that no two share their noise
      addInto(values, await micro.runWith(batchInputs(part, batch, seed, step * this.#accumulation + i)));
    }
    addInto(values, await update.runWith({ optimizer, rng: rngInput(seed, step) }));
    return values;
  }

  /** Why a step whose figures were not finite gave them: the first op that did. Weights are as before the step. */
  explain(batch: Batch, inputs: StepInputs): Promise<Error> {
    const { micro, update } = this.#loaded.get(batch.length)!;
    return firstNonFinite([micro, update], () => this.take(batch, inputs));
  }
}

function batchInputs(batch: Batch, whole: Batch, seed: number, randomStep: number) {
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
