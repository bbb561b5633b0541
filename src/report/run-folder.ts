import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { type MemoryPlan, readMemoryPlan } from './memory-plan.js';
import { type MetricSeries, readMetrics } from './metrics.js';
import { type ConfigValue, readOrigins } from './origins.js';
import type { Now } from './page.js';
import type { RunRecord } from './run-record.js';
import { readSamples, type Samples } from './samples.js';
import { readSelection, type Selection } from './selection.js';

/** Bytes of the log's end that a page carries. */
const LOG_TAIL_BYTES = 6000;

/** All that the report of one run is made from. */
export interface RunFolder {
  directory: string;
  record: RunRecord;
  metrics: MetricSeries[];
  plan: MemoryPlan | null;
  /** Texts of `.hydra/`; null where the file is missing or empty. */
  config: string | null;
  overrides: string | null;
  hydra: string | null;
  /** What set each value of the config. */
  origins: ConfigValue[];
  selection: Selection | null;
  samples: Samples | null;
  /** The last lines of run.log. */
  logTail: string | null;
}

/**
 * Reads a run folder. Only run.json must be there; whatever else is missing or damaged is left out.
 * Throws SluiceError `report.not_a_run` without a readable run.json.
 */
export async function readRunFolder(directory: string, now?: Now): Promise<RunFolder> {
  directory = resolve(directory);
  const [record, metrics, plan, config, overrides, hydra, origins, selection, logTail] = await Promise.all([
    readRecord(directory, now),
    readMetrics(join(directory, 'metrics.jsonl')),
    readMemoryPlan(join(directory, 'plan.json')),
    readIfThere(join(directory, '.hydra', 'config.yaml')),
    readIfThere(join(directory, '.hydra', 'overrides.yaml')),
    readIfThere(join(directory, '.hydra', 'hydra.yaml')),
    readOrigins(join(directory, 'origins.jsonl')),
    readSelection(directory),
    tailOf(join(directory, 'run.log')),
  ]);
  const samples = await readSamples(directory, record);
  return { directory, record, metrics, plan, config, overrides, hydra, origins, selection, samples, logTail };
}

/** The folder that a path in `directory`'s run.json means. */
export function recordedPath(directory: string, path: string): string {
  return isAbsolute(path) ? path : join(directory, path);
}

/** run.json alone, its status as it is now. Throws as `readRunFolder`. */
export async function readRecord(directory: string, now?: Now): Promise<RunRecord> {
  const path = join(directory, 'run.json');
  let record: unknown;
  try {
    record = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new SluiceError('report.not_a_run', 'no report without a readable run.json', {
      where: path,
      cause,
    });
  }
  if (typeof record !== 'object' || record === null || !('stage' in record) || !('status' in record)) {
    throw new SluiceError('report.not_a_run', 'run.json names no stage and status', { where: path });
  }
  const whole = record as RunRecord;
  return now === undefined ? whole : { ...whole, status: now.statusOf(whole) };
}

/** The text of a file; null where it is missing or empty. */
export async function readIfThere(path: string): Promise<string | null> {
  const text = existsSync(path) ? await readFile(path, 'utf8') : '';
  return text.trim() === '' ? null : text;
}

async function tailOf(path: string): Promise<string | null> {
  if (!existsSync(path)) return null;
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    // A cut first line is dropped rather than shown half.
    const whole = start === 0 ? text : text.slice(text.indexOf('\n') + 1);
    return whole.trim() === '' ? null : whole.replace(ANSI_CODES, '').trimEnd();
  } finally {
    await file.close();
  }
}

const ANSI_CODES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');
