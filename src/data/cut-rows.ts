import type { Batch } from './batch.js';

/**
 * The same tokens in shorter rows: each row of the batch becomes length/`length` rows. A segment that is cut goes on as one of
 * its own: positions start again at 0, the token at the cut keeps its target.
 *
 * @param length a divisor of the batch's
 */
export function cutRows(batch: Batch, length: number): Batch {
  if (length === batch.length) return batch;
  const pieces = batch.length / length;
  const positions = Int32Array.from(batch.positions);
  for (let start = 0; start < positions.length; start += length) {
    const segment = batch.segmentIds[start]!;
    const first = positions[start]!;
    for (let t = start; t < start + length && batch.segmentIds[t] === segment; t += 1) positions[t]! -= first;
  }
  return {
    ...batch,
    batchSize: batch.batchSize * pieces,
    length,
    positions,
    rows: batch.rows.flatMap((row) => Array.from({ length: pieces }, () => row)),
  };
}
