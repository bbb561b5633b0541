import { type Batch, NO_TARGET } from '../data/index.js';

/** The part of a dataset that training needs: batches as a pure function of (seed, step), nothing to save or rewind. */
export interface BatchSource {
  /** Packed rows per epoch. */
  readonly rows: number;
  /** Positions of a row. */
  readonly length: number;
  /** Per epoch; padding is none. */
  readonly tokens: number;
  batch(seed: number, step: number, batchSize: number): Batch;
  /** Where a row of a batch comes from, for messages. */
  describe(row: number): string;
}

/** Rows `from` to `to` (exclusive) of a batch, as views; counts are taken anew. */
export function sliceBatch(batch: Batch, from: number, to: number): Batch {
  const view = (array: Int32Array) => array.subarray(from * batch.length, to * batch.length);
  const segmentIds = view(batch.segmentIds);
  const labels = view(batch.labels);
  return {
    batchSize: to - from,
    length: batch.length,
    inputIds: view(batch.inputIds),
    segmentIds,
    positions: view(batch.positions),
    labels,
    rows: batch.rows.slice(from, to),
    tokens: count(segmentIds, (segment) => segment !== 0),
    targets: count(labels, (label) => label >= 0),
  };
}

/** The same batches with every token that has a successor in its segment as a target, not only the answers. */
export function targetEveryToken(source: BatchSource): BatchSource {
  return {
    ...source,
    batch: (seed, step, batchSize) => withAllTargets(source.batch(seed, step, batchSize)),
  };
}

function withAllTargets(batch: Batch): Batch {
  const { inputIds, segmentIds, length } = batch;
  const labels = new Int32Array(inputIds.length).fill(NO_TARGET);
  for (let t = 0; t + 1 < inputIds.length; t += 1) {
    const lastOfRow = (t + 1) % length === 0;
    if (!lastOfRow && segmentIds[t] !== 0 && segmentIds[t + 1] === segmentIds[t])
      labels[t] = inputIds[t + 1]!;
  }
  return { ...batch, labels, targets: count(labels, (label) => label >= 0) };
}

function count(values: Int32Array, counts: (value: number) => boolean): number {
  let total = 0;
  for (const value of values) if (counts(value)) total += 1;
  return total;
}
