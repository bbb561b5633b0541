import type { TensorToWrite } from '../checkpoint/index.js';
import type { Program } from '../graph/index.js';
import { rngInput } from '../models/index.js';

/** The inputs of a step of `bench`: random tokens. */
export interface RandomBatch extends Readonly<Record<string, Int32Array | Float32Array>> {
  readonly input_ids: Int32Array;
  readonly segment_ids: Int32Array;
  readonly positions: Int32Array;
  readonly labels: Int32Array;
}

/** Tokens from a linear congruence over seed and step: random enough for a table lookup, the same everywhere. */
export function randomBatch(
  config: { length: number; vocab_size: number; seed: number },
  rows: number,
  step: number,
): RandomBatch {
  const { length, vocab_size: vocabulary, seed } = config;
  const count = rows * length;
  let state = (seed * 7919 + step * 104729 + 1) >>> 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const ids = Int32Array.from({ length: count }, () => Math.floor((next() / 2 ** 32) * vocabulary));
  const labels = Int32Array.from(ids, (_, i) => ((i + 1) % length === 0 ? -100 : ids[i + 1]!));
  return {
    input_ids: ids,
    segment_ids: new Int32Array(count).fill(1),
    positions: Int32Array.from(ids, (_, i) => i % length),
    labels,
    rng: rngInput(seed, step),
    loss_scale: Float32Array.of(1 / (rows * (length - 1))),
    optimizer: Float32Array.of(1e-4, step + 1),
  };
}

/** The inputs of one of `parts` equal micro-batches. */
export function rowsOfPart(batch: RandomBatch, part: number, parts: number): RandomBatch {
  const rows = (all: Int32Array) =>
    all.subarray((part * all.length) / parts, ((part + 1) * all.length) / parts);
  const { input_ids, segment_ids, positions, labels } = batch;
  return {
    ...batch,
    input_ids: rows(input_ids),
    segment_ids: rows(segment_ids),
    positions: rows(positions),
    labels: rows(labels),
  };
}

/** The inputs of the step as native/runner reads them. */
export function storedInputs(program: Program, batch: RandomBatch): TensorToWrite[] {
  return program.inputs.map(({ name, dtype, shape }) => {
    const data = batch[name]!;
    return { name: `input ${name}`, dtype: dtype === 'i32' ? 'I32' : 'F32', shape, data };
  });
}
