import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { configHash, recordedConfig } from './config-hash.js';
import { processStart } from './process-identity.js';
import { type RunRecord, type StepRecord, writeRunRecord } from './run-record.js';
import type { Versions } from './versions.js';

/** Writes the first run.json of a folder, status `running`, and gives the record to be filled. */
export async function openRecord(
  run: { command: string },
  folder: string,
  { root, versions }: { root: string; versions: Versions },
  {
    stage,
    config,
    code,
    steps,
  }: { stage: string; config: Record<string, unknown>; code?: string; steps?: StepRecord[] },
): Promise<RunRecord> {
  const record: RunRecord = {
    id: runId(folder, root),
    stage,
    status: 'running',
    exitCode: null,
    startedAt: new Date().toISOString(),
    endedAt: null,
    durationSeconds: null,
    command: run.command,
    pid: process.pid,
    processStart: processStart(process.pid),
    host: hostname(),
    seed: typeof config.seed === 'number' ? config.seed : null,
    configSha256: configHash(config),
    config: recordedConfig(config),
    versions: { ...(await versions.all()), ...(code === undefined ? {} : { code }) },
    facts: {},
    metrics: {},
    inputs: [],
    outputs: [],
    tables: [],
    ...(steps === undefined ? {} : { steps }),
  };
  writeRunRecord(folder, record);
  return record;
}

function runId(folder: string, root: string): string {
  const id = relative(join(root, 'outputs'), folder).split('\\').join('/');
  return id.startsWith('..') ? folder : id;
}
