import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type MetricsRow, readRows } from './metrics-file.js';
import { type RunEnd, readRunInfo } from './run-info.js';
import type { RemoteRun, Tracker } from './tracker.js';

/** How far a run was sent: `export/<sink>.json` of its folder. What is not sent yet lies in metrics.jsonl. */
export interface ExportState {
  server: string;
  /** null before the server has the run. */
  remote: RemoteRun | null;
  /** Bytes of metrics.jsonl, and rows of it. */
  offset: number;
  rows: number;
  /** The last value of each metric that was sent, and its step. */
  last: MetricsRow | null;
  /** Whether the server knows how the run ended. */
  ended: boolean;
}

/**
 * Sends what a server does not have yet of a run: the run itself, rows of its metrics, and where `end` is given how it
 * ended. Gives what was sent so far, as it stands in the folder too, after each request. Throws ExportProblem.
 */
export async function sendRun(
  folder: string,
  name: string,
  tracker: Tracker,
  end: RunEnd | null,
): Promise<ExportState> {
  const { server } = tracker;
  const known = readExportState(folder, name);
  const state: ExportState = known?.server === server ? known : { ...nothingSent, server };
  const save = () => writeExportState(folder, name, state);
  const run = readRunInfo(folder);
  if (state.remote === null) {
    save(); // which server it is for, also where that is away
    state.remote = await tracker.begin(run);
    save();
  }
  for (;;) {
    const { rows, offset } = readRows(folder, state.offset, end !== null);
    if (rows.length === 0) break;
    const last = after(state.last, rows);
    await tracker.send(state.remote, run, { rows, sent: state.rows, last });
    Object.assign(state, { offset, rows: state.rows + rows.length, last });
    save();
  }
  if (end !== null && !state.ended) {
    await tracker.end(state.remote, run, end, state.last);
    state.ended = true;
    save();
  }
  return state;
}

function after(before: MetricsRow | null, rows: readonly MetricsRow[]): MetricsRow {
  const { step, seconds } = rows.at(-1)!;
  const values = [before, ...rows].map((row) => row?.values);
  return { step, seconds, values: Object.assign({}, ...values) as MetricsRow['values'] };
}

const nothingSent = { remote: null, offset: 0, rows: 0, last: null, ended: false };

/** undefined where nothing was sent, or the file is damaged: then all is sent again, which doubles nothing. */
export function readExportState(folder: string, name: string): ExportState | undefined {
  try {
    const state = JSON.parse(readFileSync(statePath(folder, name), 'utf8')) as Partial<ExportState>;
    const { server, remote, offset, rows } = state;
    const isWhole =
      typeof server === 'string' &&
      typeof remote === 'object' &&
      Number.isInteger(offset) &&
      Number.isInteger(rows);
    return isWhole ? ({ ...nothingSent, ...state } as ExportState) : undefined;
  } catch {
    return undefined;
  }
}

function writeExportState(folder: string, name: string, state: ExportState): void {
  const path = statePath(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 1)}\n`);
  renameSync(`${path}.new`, path);
}

const statePath = (folder: string, name: string) => join(folder, 'export', `${name}.json`);
