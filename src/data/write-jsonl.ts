import { closeSync, openSync, writeSync } from 'node:fs';

/** Writes one JSON object per line. */
export function writeJsonLines(path: string, rows: Iterable<object>): void {
  const file = openSync(path, 'w');
  try {
    let block = '';
    for (const row of rows) {
      block += `${JSON.stringify(row)}\n`;
      if (block.length < 1 << 20) continue;
      writeSync(file, block);
      block = '';
    }
    writeSync(file, block);
  } finally {
    closeSync(file);
  }
}
