import { hostname } from 'node:os';
import { isAbsolute, relative } from 'node:path';
import {
  type SweepJobEntry,
  type SweepJobStatus,
  type SweepManifest,
  writeSweepManifest,
} from './sweep-manifest.js';

/** What a sweep knows of itself before it has any job. */
export type SweepHead = Pick<
  SweepManifest,
  'stage' | 'command' | 'words' | 'startedAt' | 'sweeper' | 'swept' | 'objective' | 'launcher'
>;

/** How an attempt at a job ended. */
export interface AttemptEnd {
  status: Exclude<SweepJobStatus, 'queued' | 'running'>;
  durationSeconds: number | null;
  objective: number | null;
  metrics: Record<string, number | null>;
  error?: { code: string; message: string } | undefined;
}

/** The manifest of a sweep that runs: every change is on disk when the call returns. */
export class SweepRecord {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: SweepManifest;

  constructor(folder: string, head: SweepHead) {
    this.folder = folder;
    this.manifest = {
      version: 1,
      stage: head.stage,
      command: head.command,
      words: head.words,
      status: 'running',
      startedAt: head.startedAt,
      endedAt: null,
      pid: process.pid,
      host: hostname(),
      sweeper: head.sweeper,
      swept: head.swept,
      objective: head.objective,
      launcher: head.launcher,
      best: null,
      jobs: [],
    };
    this.write();
  }

  queue(jobs: readonly Pick<SweepJobEntry, 'num' | 'overrides' | 'configSha256' | 'threads'>[]): void {
    for (const { num, overrides, configSha256, threads } of jobs)
      this.manifest.jobs.push({
        num,
        overrides,
        configSha256,
        threads,
        status: 'queued',
        folder: null,
        startedAt: null,
        durationSeconds: null,
        objective: null,
        metrics: {},
        attempts: [],
      });
    this.write();
  }

  /** How many jobs wait for their turn. */
  get queued(): number {
    return this.manifest.jobs.filter(({ status }) => status === 'queued').length;
  }

  entry(num: number): SweepJobEntry {
    return this.manifest.jobs.find((job) => job.num === num)!;
  }

  started(num: number, folder: string): void {
    const entry = this.entry(num);
    const attempt = {
      folder: shortened(this.folder, folder),
      status: 'running' as const,
      startedAt: new Date().toISOString(),
      durationSeconds: null,
    };
    entry.attempts.push(attempt);
    Object.assign(entry, attempt, { objective: null, metrics: {} });
    delete entry.error;
    this.write();
  }

  ended(num: number, { error, objective, metrics, ...end }: AttemptEnd): void {
    const entry = this.entry(num);
    Object.assign(entry, end, { objective, metrics }, error === undefined ? {} : { error });
    Object.assign(entry.attempts.at(-1)!, end);
    this.manifest.best = this.best?.num ?? null;
    this.write();
  }

  /** The job with the best value so far, the first of equals; undefined where none has one. */
  get best(): (SweepJobEntry & { objective: number }) | undefined {
    const sign = this.manifest.objective?.direction === 'maximize' ? -1 : 1;
    const valued = this.manifest.jobs.filter(hasValue);
    return valued.reduce<(typeof valued)[number] | undefined>(
      (best, job) => (best === undefined || sign * job.objective < sign * best.objective ? job : best),
      undefined,
    );
  }

  close(status: Exclude<SweepManifest['status'], 'running'>): void {
    this.manifest.status = status;
    this.manifest.endedAt = new Date().toISOString();
    this.write();
  }

  private write(): void {
    writeSweepManifest(this.folder, this.manifest);
  }
}

const hasValue = (job: SweepJobEntry): job is SweepJobEntry & { objective: number } => job.objective !== null;

/** A path as shown from a folder: relative where inside it. */
export function shortened(from: string, path: string): string {
  const short = relative(from, path).split('\\').join('/');
  return short.startsWith('..') || isAbsolute(short) ? path : short || '.';
}
