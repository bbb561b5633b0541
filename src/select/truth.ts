import { readFileSync } from 'node:fs';
import { SluiceError } from '../errors.js';

/** What is known of a row besides what the selector sees: 1 for clean, 0 for damaged, and how. */
export interface Truth {
  quality: number;
  defect: string | null;
}

/** Reads JSONL of {id, quality, defect}. Only ever used to count; no selector sees it. */
export function readTruth(path: string): Map<string, Truth> {
  const truth = new Map<string, Truth>();
  readFileSync(path, 'utf8')
    .split('\n')
    .forEach((line, i) => {
      if (line.trim() === '') return;
      const row = parse(line, `${path}:${i + 1}`);
      truth.set(row.id, { quality: row.quality, defect: row.defect ?? null });
    });
  return truth;
}

function parse(line: string, where: string): { id: string; quality: number; defect?: string | null } {
  try {
    const row = JSON.parse(line);
    if (typeof row.id === 'string' && typeof row.quality === 'number') return row;
  } catch {
    // falls through to the one message
  }
  throw new SluiceError(
    'data.bad_truth',
    'a truth row must be {"id": text, "quality": 0 or 1, "defect": text or null}',
    { where },
  );
}

/** Rows with quality 0 among `ids`; rows that the truth does not know are left out of both numbers. */
export function countDirt(
  ids: readonly string[],
  truth: ReadonlyMap<string, Truth>,
): { dirty: number; known: number } {
  const known = ids.flatMap((id) => truth.get(id) ?? []);
  return { dirty: known.filter(({ quality }) => quality === 0).length, known: known.length };
}
