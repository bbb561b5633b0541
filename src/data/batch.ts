import { Random } from './random.js';

/** What one step eats. All arrays are [batchSize, length], row-major. */
export interface Batch {
  batchSize: number;
  length: number;
  inputIds: Int32Array;
  /** 0 is padding; tokens see only their own segment. */
  segmentIds: Int32Array;
  /** Counted from the start of each segment. */
  positions: Int32Array;
  /** labels[t] is the target of position t; -100 where there is none. */
  labels: Int32Array;
  /** Dataset row of each batch row; -1 for a row of padding. */
  rows: number[];
  /** Positions that are not padding. */
  tokens: number;
  /** Positions that have a target. */
  targets: number;
}

/** Where a row's tokens go: the four arrays of a batch, already set to padding, and the first position of the row. */
export type FillRow = (row: number, batch: Batch, offset: number) => void;

export interface Dataset {
  rows: number;
  length: number;
  /** The batch of a training step: a pure function of (seed, step, batchSize). Each epoch is a new order of all rows. */
  batch(seed: number, step: number, batchSize: number): Batch;
  /** Rows step·batchSize … in their own order, once; past the end come rows of padding. For evaluation. */
  inOrder(step: number, batchSize: number): Batch;
  close(): void;
}

export const NO_TARGET = -100;

/** A dataset over rows that `fill` writes. `padId` fills what no segment covers. */
export function datasetOf(
  rows: number,
  length: number,
  padId: number,
  fill: FillRow,
  close: () => void,
): Dataset {
  let latest: { seed: number; epoch: number; order: Uint32Array } | undefined;
  const orderOf = (seed: number, epoch: number): Uint32Array => {
    if (latest === undefined || latest.seed !== seed || latest.epoch !== epoch) {
      latest = { seed, epoch, order: epochOrder(rows, seed, epoch) };
    }
    return latest.order;
  };
  return {
    rows,
    length,
    batch(seed, step, batchSize) {
      const first = step * batchSize;
      return assemble(
        Array.from({ length: batchSize }, (_, i) => {
          const place = first + i;
          return orderOf(seed, Math.floor(place / rows))[place % rows]!;
        }),
        length,
        padId,
        fill,
      );
    },
    inOrder(step, batchSize) {
      const first = step * batchSize;
      const chosen = Array.from({ length: batchSize }, (_, i) => (first + i < rows ? first + i : -1));
      return assemble(chosen, length, padId, fill);
    },
    close,
  };
}

function epochOrder(rows: number, seed: number, epoch: number): Uint32Array {
  return new Random(seed, 'epoch', epoch).shuffle(Uint32Array.from({ length: rows }, (_, i) => i));
}

function assemble(rows: number[], length: number, padId: number, fill: FillRow): Batch {
  const size = rows.length * length;
  const batch: Batch = {
    batchSize: rows.length,
    length,
    inputIds: new Int32Array(size).fill(padId),
    segmentIds: new Int32Array(size),
    positions: new Int32Array(size),
    labels: new Int32Array(size).fill(NO_TARGET),
    rows,
    tokens: 0,
    targets: 0,
  };
  rows.forEach((row, i) => {
    if (row >= 0) fill(row, batch, i * length);
  });
  for (let t = 0; t < size; t++) {
    if (batch.segmentIds[t] !== 0) batch.tokens++;
    if (batch.labels[t] !== NO_TARGET) batch.targets++;
  }
  return batch;
}
