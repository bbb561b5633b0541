import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { folderBytes } from './folder-bytes.js';
import { type Figure, headline } from './headline.js';
import type { MetricValue, RunRecord, RunStatus } from './run-record.js';

/** What the index knows of a run; all of it stands in the run's own folder too. */
export interface HistoryEntry {
  id: string;
  stage: string;
  status: RunStatus;
  startedAt: string;
  durationSeconds: number | null;
  configSha256: string;
  /** Relative to `outputs/`, absolute for a run elsewhere. */
  folder: string;
  /** Output name -> path, relative to the run folder. */
  outputs: Record<string, string>;
  /** The last value of each metric. */
  metrics: Record<string, MetricValue>;
  /** The one figure that tells most of it; null where it has none. */
  headline: Figure | null;
  /** Of its folder when it ended, without the report; null while running. */
  bytes: number | null;
  /** See RunRecord: they tell a run whose watcher is gone. */
  pid: number;
  processStart: string | null;
  host: string;
  /** Of a pipeline: its steps and their folders, in the form of `folder`; null before a step started. */
  steps?: { name: string; folder: string | null }[];
  /** Of a job of a sweep: the sweep's folder, in the form of `folder`. */
  sweep?: string;
}

/** @param outputs absolute folder of all runs */
export function historyEntry(outputs: string, runDirectory: string, record: RunRecord): HistoryEntry {
  const { id, stage, status, startedAt, durationSeconds, configSha256, pid, host } = record;
  const sweep = dirname(runDirectory);
  return {
    id,
    stage,
    status,
    startedAt,
    durationSeconds,
    configSha256,
    folder: storedFolder(outputs, runDirectory),
    outputs: Object.fromEntries(record.outputs.map((output) => [output.name, output.path])),
    metrics: record.metrics,
    headline: headline(record),
    bytes: status === 'running' ? null : folderBytes(runDirectory, ['report.html']),
    pid,
    processStart: record.processStart,
    host,
    ...(record.steps && { steps: record.steps.map((step) => stepOf(outputs, runDirectory, step)) }),
    ...(existsSync(join(sweep, 'multirun.yaml')) && { sweep: storedFolder(outputs, sweep) }),
  };
}

/** Relative inside `outputs`, so that a moved project finds its runs; absolute elsewhere. */
function storedFolder(outputs: string, folder: string): string {
  const path = relative(outputs, folder);
  return path.startsWith('..') || isAbsolute(path) ? folder : path;
}

function stepOf(
  outputs: string,
  pipeline: string,
  { name, folder }: NonNullable<RunRecord['steps']>[number],
) {
  return { name, folder: folder === null ? null : storedFolder(outputs, resolve(pipeline, folder)) };
}

/** Whether something read from a file is an entry as this version writes it. */
export function isHistoryEntry(value: unknown): value is HistoryEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, stage, status, startedAt, folder, outputs, metrics } = value as Partial<HistoryEntry>;
  const texts = [id, stage, startedAt, folder];
  const isWhole = texts.every((text) => typeof text === 'string') && isObject(outputs) && isObject(metrics);
  return isWhole && (statuses as readonly unknown[]).includes(status);
}

const statuses: readonly RunStatus[] = ['running', 'done', 'failed', 'interrupted'];

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
