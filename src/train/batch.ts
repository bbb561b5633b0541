import type { Batch } from '../data/index.js';

/** The part of a dataset that training needs: batches as a pure function of (seed, step), nothing to save or rewind. */
export interface BatchSource {
  /** Packed rows per epoch. */
  readonly rows: number;
  /** Positions of a row. */
  readonly length: number;
  /** Per epoch; padding is none. */
  readonly tokens: number;
  /** Positions of a row of a batch: `length`, and others where rows are cut for a while. */
  readonly lengths: readonly number[];
  /** `batchSize` rows of the data; cut shorter they are as many times more. */
  batch(seed: number, step: number, batchSize: number): Batch;
  /** Where rows of a batch come from, for messages: file and documents or lines. */
  describe(rows: readonly number[]): string;
  /** Of a mixture: its sources, and which of them a row is of. */
  readonly sources?: readonly { name: string; rows: number }[];
  sourceOf?(row: number): string;
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

function count(values: Int32Array, counts: (value: number) => boolean): number {
  let total = 0;
  for (const value of values) if (counts(value)) total += 1;
  return total;
}
