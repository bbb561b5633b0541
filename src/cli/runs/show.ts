import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytesText } from '../../report/format.js';
import type { Artifact } from '../../runner/artifact.js';
import { clock } from '../../runner/display/progress-text.js';
import { folderBytes } from '../../runner/folder-bytes.js';
import type { RunRecord } from '../../runner/run-record.js';
import { lastMetrics } from '../../runner/runs/last-metrics.js';
import { shownStatus } from '../../runner/runs/shown-status.js';
import { shortened } from '../../runner/shortened.js';
import type { CommandLine } from '../arguments.js';
import type { Project } from '../project.js';
import { tablesOf, tableText } from '../table-text.js';
import { foundRun } from './find.js';
import { reportLost } from './lost-report.js';
import { fields, numberText, shortHash, timeText } from './texts.js';
import { readWords } from './words.js';

const form = { usage: './run runs show latest', keys: [], plain: [1, 1] } as const;

/** `./run runs show ID`: what a run's folder says of it, for a person. */
export async function showCommand(
  words: readonly string[],
  { log }: CommandLine,
  project: Project,
): Promise<void> {
  const [word] = readWords(words, form).plain;
  const run = foundRun(word!, project);
  const { folder, record } = run;
  const status = shownStatus(record);
  if (status === 'lost') await reportLost(folder);
  const metrics = lastMetrics(run);
  const checkpoints = checkpointsOf(folder);
  const bytes = folderBytes(folder);
  if (log === 'json') {
    const shown = {
      ...record,
      status,
      metrics: metrics.values,
      lastStep: metrics.step,
      folder,
      checkpoints,
      bytes,
    };
    project.stdout.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  const parts = [
    fields([
      ['run', record.id],
      ['stage', record.stage],
      ['status', statusText(status, record)],
      ['started', timeText(record.startedAt)],
      ['took', record.durationSeconds === null ? null : clock(record.durationSeconds)],
      ['command', record.command],
      ['folder', `${shortened(project.root, folder)}, ${bytesText(bytes)}`],
      ['seed', record.seed === null ? null : String(record.seed)],
      ['config', `sha256 ${shortHash(record.configSha256 ?? '')}`],
      ['versions', versionsText(record)],
      ['host', `${record.host}, process ${record.pid}`],
      ['checkpoints', checkpoints.join(', ')],
    ]),
    errorText(record),
    section('Facts', fields(Object.entries(record.facts).map(([key, value]) => [key, plain(value)]))),
    section(
      metrics.step === null ? 'Metrics' : `Metrics at step ${metrics.step}`,
      fields(Object.entries(metrics.values).map(([name, value]) => [name, numberText(value)])),
    ),
    artifactTable('Inputs', record.inputs),
    artifactTable('Outputs', record.outputs),
    stepTable(record),
    ...tablesOf(record),
    existsSync(join(folder, 'report.html')) ? `report: ${join(folder, 'report.html')}` : '',
  ];
  project.stdout.write(`${parts.filter(Boolean).join('\n\n')}\n`);
}

function statusText(status: string, { exitCode, pid, host }: RunRecord): string {
  if (status === 'lost') return `lost: its process ${pid} is gone, and nothing ended it`;
  if (status === 'running') return `running (process ${pid} on ${host})`;
  return exitCode === null || exitCode === 0 ? status : `${status}, exit code ${exitCode}`;
}

const versionsText = ({ versions }: RunRecord) =>
  Object.entries(versions)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

function errorText({ error }: RunRecord): string {
  if (error === undefined) return '';
  const { code, message, where, hint } = error;
  return section(
    'Error',
    fields([
      ['code', code],
      ['message', message],
      ['at', where],
      ['hint', hint],
    ]),
  );
}

const section = (title: string, text: string) => (text === '' ? '' : `${title}\n${text}`);

const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function artifactTable(title: string, artifacts: readonly Artifact[]): string {
  if (artifacts.length === 0) return '';
  const rows = artifacts.map(({ name, path, sha256, bytes }) => [
    name,
    bytesText(bytes),
    shortHash(sha256),
    path,
  ]);
  return tableText({ title, columns: ['name', 'size', 'sha256', 'path'], rows });
}

function stepTable({ steps = [] }: RunRecord): string {
  if (steps.length === 0) return '';
  const rows = steps.map(({ name, stage, status, durationSeconds, folder }) => [
    name,
    stage,
    status,
    durationSeconds === null ? '' : clock(durationSeconds),
    folder ?? '',
  ]);
  return tableText({ title: 'Steps', columns: ['step', 'stage', 'status', 'time', 'folder'], rows });
}

function checkpointsOf(folder: string): string[] {
  const path = join(folder, 'checkpoints');
  if (!existsSync(path)) return [];
  const steps = readdirSync(path).filter((name) => /^step_\d+$/.test(name));
  return steps.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
}
