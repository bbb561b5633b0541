import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** All that was logged of one step, in one go or several. */
export interface MetricsRow {
  step: number;
  /** Unix time of the first of it. */
  seconds: number;
  values: Record<string, number>;
}

export interface ReadRows {
  rows: MetricsRow[];
  /** Bytes of metrics.jsonl that these rows end at. */
  offset: number;
}

// Read at a time; also bounds what an exporter holds in memory.
const chunkBytes = 256 * 1024;

/**
 * Rows of metrics.jsonl from a byte offset on, a piece at a time; none at its end. Lines of one step make one row, so the
 * last step is left for later unless `ended`. A damaged line is passed over, as in the report.
 */
export function readRows(folder: string, offset: number, ended: boolean): ReadRows {
  const { text, isWhole } = readFrom(join(folder, 'metrics.jsonl'), offset);
  const rows: MetricsRow[] = [];
  let at = offset;
  let before = offset; // the last row
  const end = text.lastIndexOf(0x0a) + 1;
  for (let start = 0; start < end; ) {
    const next = text.indexOf(0x0a, start) + 1;
    const row = readRow(text.toString('utf8', start, next));
    const last = rows.at(-1);
    if (row !== undefined && last?.step === row.step) Object.assign(last.values, row.values);
    else if (row !== undefined) {
      rows.push(row);
      before = at;
    }
    at += next - start;
    start = next;
  }
  // More of the last step may come; where it fills the piece alone, it is taken as it is.
  if ((ended && isWhole) || (rows.length === 1 && !isWhole)) return { rows, offset: at };
  return rows.length === 0 ? { rows, offset: at } : { rows: rows.slice(0, -1), offset: before };
}

function readFrom(path: string, offset: number): { text: Buffer; isWhole: boolean } {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return { text: Buffer.alloc(0), isWhole: true };
  }
  try {
    const rest = Math.max(0, fstatSync(file).size - offset);
    const text = Buffer.alloc(Math.min(rest, chunkBytes));
    const read = readSync(file, text, 0, text.length, offset);
    return { text: text.subarray(0, read), isWhole: read === rest };
  } finally {
    closeSync(file);
  }
}

function readRow(line: string): MetricsRow | undefined {
  try {
    const { step, time, ...logged } = JSON.parse(line) as Record<string, unknown>;
    if (typeof step !== 'number' || typeof time !== 'string') return undefined;
    const values = Object.entries(logged).map(([name, value]) => [name, Number(value)] as const);
    return { step, seconds: Date.parse(time) / 1000, values: Object.fromEntries(values) };
  } catch {
    return undefined;
  }
}
