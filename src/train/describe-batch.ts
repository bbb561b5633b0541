import type { Batch } from '../data/index.js';
import type { BatchSource } from './batch.js';

/** More rows than these are counted, not named. */
const mostRows = 32;

/** Which rows of which files made a batch: `batch of step 12, seed 3: data/train, row 5 (documents 7, 9), …`. */
export function describeBatch(
  batch: Batch,
  data: Pick<BatchSource, 'describe'>,
  { step, seed }: { step: number; seed: number },
): string {
  const rows = [...new Set(batch.rows)].filter((row) => row >= 0);
  const more = rows.length > mostRows ? `, and ${rows.length - mostRows} rows more` : '';
  return `batch of step ${step}, seed ${seed}: ${data.describe(rows.slice(0, mostRows))}${more}`;
}

export const lastCheckpointHint = (folder: string | null): string =>
  folder === null
    ? 'no checkpoint was written before it (training.save_every)'
    : `the last good checkpoint is ${folder}: extend=… goes on from it with other settings`;
