import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { type MetricSeries, readMetrics } from './metrics.js';
import type { Now } from './page.js';
import { readIfThere, readRecord } from './run-folder.js';
import type { RunRecord, StepRecord } from './run-record.js';
import { readSweepManifest, type SweepManifest } from './sweep-manifest.js';
import { listItems } from './yaml-list.js';

/** All that the report of a sweep is made from. */
export interface SweepFolder {
  directory: string;
  manifest: SweepManifest | null;
  jobs: SweepJob[];
  /** Keys whose values differ from job to job, in the order of the overrides. */
  swept: string[];
  judgement: Judgement | null;
  /** `multirun.yaml`: what the jobs share. */
  config: string | null;
  /** `optimization_results.yaml` of an optimizing sweeper. */
  results: string | null;
}

export interface SweepJob {
  num: number;
  /** Absolute; null for one that has not started. */
  directory: string | null;
  record: RunRecord | null;
  /** As in run.json, or what only the sweep knows: `queued`, `pruned`. */
  status: string;
  /** Key -> value as written on the command line. */
  overrides: Map<string, string>;
  /** Of a pipeline all of its steps, by `<step>.<name>`. */
  metrics: MetricSeries[];
  /** Numbers of its result, named in the same way. */
  results: Map<string, number>;
  /** Why it failed. */
  error: string | null;
  /** What it is judged by; null where it has none. */
  value: number | null;
}

/** How jobs are compared. */
export interface Judgement {
  metric: string;
  direction: 'minimize' | 'maximize';
  /** Nobody set it: a loss that all jobs have was taken. */
  assumed: boolean;
  /** Place of the best job among `jobs`; null where none has a value. */
  best: number | null;
}

/** Whether a folder is a sweep's: Hydra leaves the config that its jobs share there. */
export function isSweepFolder(directory: string): boolean {
  return existsSync(join(directory, 'multirun.yaml')) && !existsSync(join(directory, 'run.json'));
}

/**
 * Reads a sweep's folder: its manifest where there is one, else the folders of its jobs. What is damaged is left out.
 * Throws SluiceError `report.not_a_sweep` without `multirun.yaml`.
 */
export async function readSweepFolder(directory: string, now?: Now): Promise<SweepFolder> {
  directory = resolve(directory);
  if (!isSweepFolder(directory)) {
    throw new SluiceError('report.not_a_sweep', 'no report of a sweep without its multirun.yaml', {
      where: directory,
    });
  }
  const [manifest, config, results] = await Promise.all([
    readSweepManifest(directory, now),
    readIfThere(join(directory, 'multirun.yaml')),
    readIfThere(join(directory, 'optimization_results.yaml')),
  ]);
  const jobs =
    manifest === null ? await jobsOnDisk(directory, now) : await listedJobs(directory, manifest, now);
  jobs.sort((left, right) => left.num - right.num);
  const judgement = judge(jobs, manifest?.objective ?? objectiveIn(config));
  return { directory, manifest, jobs, swept: sweptKeys(jobs), judgement, config, results };
}

async function listedJobs(directory: string, { jobs }: SweepManifest, now?: Now): Promise<SweepJob[]> {
  return await Promise.all(
    jobs.map(async ({ num, overrides, status, folder, error }) => {
      const empty = emptyJob(num, overrides);
      const job = (folder === null ? null : await readJob(resolve(directory, folder), now)) ?? empty;
      // Of a sweep that was killed the manifest still says `running`; the job's own record knows its process.
      const shown = status === 'running' ? (job.record?.status ?? status) : status;
      return { ...job, num, overrides: empty.overrides, status: shown, error: error?.message ?? job.error };
    }),
  );
}

const emptyJob = (num: number, overrides: string[]): SweepJob => ({
  num,
  directory: null,
  record: null,
  status: 'queued',
  overrides: keysOf(overrides),
  metrics: [],
  results: new Map(),
  error: null,
  value: null,
});

async function jobsOnDisk(directory: string, now?: Now): Promise<SweepJob[]> {
  const jobs = await Promise.all((await runFolders(directory, 3)).map((folder) => readJob(folder, now)));
  const found = jobs.filter((job) => job !== null);
  // Folders that are not numbered, and say no number, stand in the order in which they started.
  const byStart = found.toSorted((left, right) =>
    (left.record?.startedAt ?? '').localeCompare(right.record?.startedAt ?? ''),
  );
  byStart.forEach((job, index) => {
    if (job.num < 0) job.num = index;
  });
  return found;
}

async function runFolders(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some((entry) => entry.name === 'run.json')) return [folder];
  if (depth === 0) return [];
  const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return (await Promise.all(below.map((entry) => runFolders(join(folder, entry.name), depth - 1)))).flat();
}

/** null where the folder is none of a run, or its run.json is damaged. */
async function readJob(directory: string, now?: Now): Promise<SweepJob | null> {
  const record = await readRecord(directory, now).catch(() => null);
  if (record === null) return null;
  const [made, overrides, hydra] = await Promise.all([
    record.steps === undefined ? ofStage(directory, record) : ofSteps(directory, record.steps),
    readFile(join(directory, '.hydra', 'overrides.yaml'), 'utf8').catch(() => ''),
    readFile(join(directory, '.hydra', 'hydra.yaml'), 'utf8').catch(() => ''),
  ]);
  const num = Number(/^ {4}num: (\d+)$/m.exec(hydra)?.[1] ?? (/^\d+$/.exec(basename(directory))?.[0] || -1));
  const job = emptyJob(num, listItems(overrides));
  return { ...job, directory, record, status: record.status, ...made, error: record.error?.message ?? null };
}

type Made = Pick<SweepJob, 'metrics' | 'results'>;

async function ofStage(directory: string, { facts }: RunRecord): Promise<Made> {
  const results = Object.entries((facts?.result ?? {}) as Record<string, unknown>);
  return {
    metrics: await readMetrics(join(directory, 'metrics.jsonl')),
    results: new Map(results.filter((entry): entry is [string, number] => Number.isFinite(entry[1]))),
  };
}

/** Of a pipeline: what its steps made, by `<step>.<name>`, in their order. */
async function ofSteps(directory: string, steps: readonly StepRecord[]): Promise<Made> {
  const made: Made = { metrics: [], results: new Map() };
  for (const { name: step, folder } of steps) {
    if (folder == null) continue;
    const own = resolve(directory, folder);
    const record = await readRecord(own).catch(() => null);
    if (record === null) continue;
    const { metrics, results } = await ofStage(own, record);
    made.metrics.push(...metrics.map((series) => ({ ...series, name: `${step}.${series.name}` })));
    for (const [name, value] of results) made.results.set(`${step}.${name}`, value);
  }
  return made;
}

function keysOf(overrides: string[]): Map<string, string> {
  return new Map(
    overrides.flatMap((text): [string, string][] => {
      const at = text.indexOf('=');
      return at < 0 ? [] : [[text.slice(0, at).replace(/^\++/, ''), text.slice(at + 1)]];
    }),
  );
}

function sweptKeys(jobs: SweepJob[]): string[] {
  const keys = new Set(jobs.flatMap((job) => [...job.overrides.keys()]));
  return [...keys].filter((key) => new Set(jobs.map((job) => job.overrides.get(key))).size > 1);
}

/** `hydra.sweeper.objective` and `direction`, as the runner writes multirun.yaml; null where the sweeper has none. */
function objectiveIn(config: string | null): SweepManifest['objective'] {
  const sweeper = /^ {2}sweeper:\n((?: {4}.*\n)*)/m.exec(config ?? '')?.[1] ?? '';
  const metric = /^ {4}objective: (.+)$/m.exec(sweeper)?.[1];
  const direction = /^ {4}direction: (.+)$/m.exec(sweeper)?.[1];
  if (metric === undefined || metric === 'null') return null;
  return { metric, direction: direction === 'maximize' ? 'maximize' : 'minimize' };
}

/** Fills in what each job is judged by. Without an objective a loss will do that every finished job has. */
function judge(jobs: SweepJob[], objective: SweepManifest['objective']): Judgement | null {
  const done = jobs.filter((job) => job.status === 'done');
  const assumed = ['validation/loss', 'train/loss'].find(
    (metric) => done.length > 1 && done.every((job) => finalValue(job, metric) !== null),
  );
  const by =
    objective ?? (assumed === undefined ? null : { metric: assumed, direction: 'minimize' as const });
  if (by === null) return null;
  const sign = by.direction === 'maximize' ? -1 : 1;
  let best: number | null = null;
  jobs.forEach((job, index) => {
    job.value = job.status === 'done' || job.status === 'pruned' ? finalValue(job, by.metric) : null;
    if (job.value === null) return;
    if (best === null || sign * job.value < sign * jobs[best]!.value!) best = index;
  });
  return { ...by, assumed: objective === null, best };
}

/** The last value of a metric, or a number of that name in the stage's result; null for none or no finite one. */
export function finalValue(job: SweepJob, name: string): number | null {
  const curve = seriesOf(job, name);
  if (curve !== undefined) return curve.values.at(-1) ?? null;
  const found = [...job.results.keys()].findLast((own) => isOf(own, name));
  return found === undefined ? null : job.results.get(found)!;
}

/** The curve of a metric; where no step of a pipeline is named, that of the last step that has it. */
export const seriesOf = ({ metrics }: SweepJob, name: string): MetricSeries | undefined =>
  metrics.findLast((one) => isOf(one.name, name));

const isOf = (own: string, name: string) => own === name || own.endsWith(`.${name}`);

/** The job's folder as seen from the sweep's. */
export function jobPath(sweep: SweepFolder, job: SweepJob): string | null {
  return job.directory === null ? null : relative(sweep.directory, job.directory) || '.';
}
