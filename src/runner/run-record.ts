import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import { writeTextAtomic } from '../checkpoint/atomic.js';
import { diskReason } from '../checkpoint/disk-reason.js';
import { SluiceError } from '../errors.js';
import type { TableEvent } from '../telemetry/event.js';
import type { Artifact } from './artifact.js';

export type RunStatus = 'running' | 'done' | 'failed' | 'interrupted';

/** run.json: everything a run used and made. The folder is the truth, this file is what it says of itself. */
export interface RunRecord {
  /** The folder relative to `outputs/`, `/` for separators; the absolute folder for a run elsewhere. */
  id: string;
  stage: string;
  status: RunStatus;
  /** null while running. */
  exitCode: number | null;
  startedAt: string;
  endedAt: string | null;
  durationSeconds: number | null;
  /** As typed, quoted for a shell. */
  command: string;
  /** Of the process that watches the run: tells a run that lost its watcher from one still running. */
  pid: number;
  /** See processStart: of the same process. */
  processStart: string | null;
  host: string;
  seed: number | null;
  /** See configHash; of the resolved config that the run was given. */
  configSha256: string;
  /** That config. `.hydra/config.yaml` has it as written, interpolations and all. */
  config: Record<string, unknown>;
  /** `code` is of a stage alone, see CodeHashes. */
  versions: Record<string, string | null>;
  /** What the stage said of itself: `engine`, `fallbacks`, `result`, … */
  facts: Record<string, unknown>;
  /** The last value of each metric that it logged. */
  metrics: Record<string, MetricValue>;
  inputs: Artifact[];
  outputs: Artifact[];
  tables: Pick<TableEvent, 'title' | 'columns' | 'rows'>[];
  /** Only of a pipeline: the step that they are of, the last that has some. */
  tablesOf?: string;
  error?: RunError;
  /** Only of a pipeline. */
  steps?: StepRecord[];
}

/** What JSON has no number for stands by its name, as in metrics.jsonl. */
export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity';

export const metricValue = (value: number): MetricValue =>
  Number.isFinite(value) ? value : (String(value) as MetricValue);

export interface RunError {
  code: string;
  message: string;
  where?: string;
  hint?: string;
  /** Of an error nobody foresaw. */
  stack?: string;
}

export interface StepRecord {
  name: string;
  stage: string;
  status: RunStatus | 'waiting' | 'skipped';
  /** Resolves against the pipeline's folder; null before the step started. Of a step that was skipped: the run it took. */
  folder: string | null;
  /** null also where nothing was run. */
  durationSeconds: number | null;
  /** Of a step that was skipped: why. `same config, code and inputs`; `base failed`. */
  reason?: string;
  /** Of a step that failed or was interrupted. */
  error?: RunError;
  needs: string[];
  /** Which outputs of which steps its config refers to. */
  uses: { step: string; output: string }[];
}

/** Throws SluiceError `run.write` where the disk does not take it; the file is then as it was. */
export function writeRunRecord(runDirectory: string, record: RunRecord): void {
  const path = join(runDirectory, 'run.json');
  try {
    writeTextAtomic(path, `${JSON.stringify(record, null, 2)}\n`);
  } catch (cause) {
    throw new SluiceError('run.write', `run.json cannot be written: ${(cause as Error).message}`, {
      where: path,
      hint: 'what the run made so far is in its folder; make room, and go on with resume=latest',
      cause,
    });
  }
}

/**
 * Reads run.json of a folder; what a record of an earlier version lacks is empty. Throws SluiceError `run.unreadable`
 * where there is none or it is not whole.
 */
export function readRunRecord(runDirectory: string): RunRecord {
  const path = join(runDirectory, 'run.json');
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as Partial<RunRecord>;
    if (typeof record.status !== 'string' || typeof record.stage !== 'string') throw new Error('no status');
    return { ...empty, ...record } as RunRecord;
  } catch (cause) {
    throw new SluiceError('run.unreadable', 'not a run folder: its run.json is missing or damaged', {
      where: path,
      cause,
    });
  }
}

const empty = { processStart: null, facts: {}, metrics: {}, inputs: [], outputs: [], tables: [] };

/**
 * Sets the end time of a record whose status is decided. `began`: performance.now() when it was opened; it counts where the
 * clock went back since.
 */
export function closeRecord(record: RunRecord, began: number): void {
  const started = Date.parse(record.startedAt);
  const passed = Math.max(Date.now() - started, Math.round(performance.now() - began));
  record.endedAt = new Date(started + passed).toISOString();
  record.durationSeconds = passed / 1000;
}

/** An error as run.json stores it; the stack only of one nobody foresaw. */
export function runError(error: unknown): RunError {
  if (error instanceof SluiceError) {
    const { code, message, where, hint } = error;
    return {
      code,
      message,
      ...(where === undefined ? {} : { where }),
      ...(hint === undefined ? {} : { hint }),
    };
  }
  const hint = diskReason(error);
  if (hint !== undefined) {
    const { message, path } = error as NodeJS.ErrnoException;
    return { code: 'run.disk', message, ...(path !== undefined && { where: path }), hint };
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { code: 'unexpected', message, stack: stack ?? message };
}

/** The path as run.json of `runDirectory` stores it: see {@link Artifact}. */
export function recordedPath(path: string, runDirectory: string, root: string): string {
  const fromRoot = relative(root, path);
  const outside = fromRoot.startsWith('..') || isAbsolute(fromRoot);
  return outside ? path : relative(runDirectory, path) || '.';
}

/** A stored error as one to throw or show. */
export function thrownError({ code, message, where, hint, stack }: RunError): SluiceError {
  const details = { ...(where === undefined ? {} : { where }), ...(hint === undefined ? {} : { hint }) };
  // Nobody foresaw it: its stack is the only place there is.
  return new SluiceError(code, message, stack === undefined ? details : { ...details, where: stack });
}
