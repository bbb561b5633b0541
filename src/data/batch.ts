import { epochOrder } from './epoch-order.js';

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

/** Rows of tokens, each by its number. */
export interface RowTable {
  rows: number;
  /** Positions of a row. */
  length: number;
  /** Of all rows; padding is none. */
  tokens: number;
  /** Stands where no segment is. */
  padId: number;
  /** Writes a row into the four arrays of a batch, which hold padding, from position `offset` on. */
  fill(row: number, batch: Batch, offset: number): void;
  /** Where rows come from, for messages: file and documents or lines. */
  describe(rows: readonly number[]): string;
  close(): void;
}

/** Which row stands at a place of the endless sequence that training reads: a pure function. */
export type RowOrder = (seed: number, place: number) => number;

export interface Dataset extends RowTable {
  /** The batch of a training step: a pure function of (seed, step, batchSize). Each epoch is a new order of all rows. */
  batch(seed: number, step: number, batchSize: number): Batch;
  /** Rows step·batchSize … in their own order, once; past the end come rows of padding. For evaluation. */
  inOrder(step: number, batchSize: number): Batch;
}

export const NO_TARGET = -100;

/** A dataset over a table of rows; training reads it epoch by epoch, evaluation by number, unless other orders are given. */
export function datasetOf(
  table: RowTable,
  order: RowOrder = epochOrder(table.rows),
  ownOrder: (place: number) => number = (place) => place,
): Dataset {
  const places = (step: number, batchSize: number) =>
    Array.from({ length: batchSize }, (_, i) => step * batchSize + i);
  return {
    ...table,
    batch: (seed, step, batchSize) =>
      assemble(
        table,
        places(step, batchSize).map((place) => order(seed, place)),
      ),
    inOrder: (step, batchSize) =>
      assemble(
        table,
        places(step, batchSize).map((place) => (place < table.rows ? ownOrder(place) : -1)),
      ),
  };
}

function assemble({ length, padId, fill }: RowTable, rows: number[]): Batch {
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
