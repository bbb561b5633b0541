import { readFileSync } from 'node:fs';
import { type HistoryEntry, isHistoryEntry } from './history-entry.js';

const version = 2;
const head = `{"version":${version},"runs":[`;
const tail = ']}';

/**
 * `registry.json`: JSON with a line for each run, so that noting one of thousands touches its line alone and parses none.
 * Another version, or anything else, is no index.
 */
export class IndexFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The lines of the runs; undefined where the file is missing, cut off or something else. */
  lines(): string[] | undefined {
    try {
      return linesOf(readFileSync(this.path, 'utf8'));
    } catch {
      return undefined;
    }
  }

  /** Every run; undefined also where a line is damaged. */
  entries(): HistoryEntry[] | undefined {
    try {
      const entries = this.lines()?.map((line) => JSON.parse(line) as unknown);
      return entries?.every(isHistoryEntry) ? entries : undefined;
    } catch {
      return undefined;
    }
  }

  /** Replaces the file whole. The caller holds its lock. */
  async write(lines: readonly string[]): Promise<void> {
    const [{ Low }, { DataFile }] = await Promise.all([import('lowdb'), import('lowdb/node')]);
    const form = { parse: (text: string) => linesOf(text) ?? [], stringify: textOf };
    await new Low(new DataFile<readonly string[]>(this.path, form), lines).write();
  }
}

/** The folder comes first: a run's line is known by how it begins. */
export const lineOf = ({ folder, ...entry }: HistoryEntry) => JSON.stringify({ folder, ...entry });

export const beginOfLine = (folder: string) => `{"folder":${JSON.stringify(folder)},`;

function textOf(lines: readonly string[]): string {
  return `${head}\n${lines.join(',\n')}${lines.length === 0 ? '' : '\n'}${tail}\n`;
}

function linesOf(text: string): string[] | undefined {
  const lines = text.split('\n');
  if (lines.length < 3 || lines.shift() !== head || lines.pop() !== '' || lines.pop() !== tail)
    return undefined;
  const last = lines.pop();
  if (last === undefined) return [];
  if (!lines.every((line) => line.endsWith(','))) return undefined;
  return [...lines.map((line) => line.slice(0, -1)), last];
}
