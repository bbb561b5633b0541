import { hostname } from 'node:os';
import { join } from 'node:path';
import { LatestText } from './latest-text.js';
import { processStart } from './process-identity.js';
import { shortened } from './shortened.js';
import {
  manifestName,
  manifestText,
  type SweepJobEntry,
  type SweepJobStatus,
  type SweepManifest,
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

/** The manifest of a sweep that runs. Every change is on its way to the disk when the call returns. */
export class SweepRecord {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: SweepManifest;
  private readonly file: LatestText;

  /** @param obsolete jobs of an earlier command on this folder; until one is asked for again */
  constructor(folder: string, head: SweepHead, obsolete: readonly SweepJobEntry[] = []) {
    this.folder = folder;
    this.file = new LatestText(join(folder, manifestName));
    this.manifest = {
      version: 1,
      stage: head.stage,
      command: head.command,
      words: head.words,
      status: 'running',
      startedAt: head.startedAt,
      endedAt: null,
      pid: process.pid,
      processStart: processStart(process.pid),
      host: hostname(),
      sweeper: head.sweeper,
      swept: head.swept,
      objective: head.objective,
      launcher: head.launcher,
      best: null,
      jobs: [],
      ...(obsolete.length > 0 && { obsolete: [...obsolete] }),
    };
    this.write();
  }

  /** Adds the jobs of a batch; `obsolete` are the earlier jobs that are still not among them. */
  queue(jobs: readonly SweepJobEntry[], obsolete: readonly SweepJobEntry[] = []): void {
    const { manifest } = this;
    manifest.jobs.push(...jobs);
    if (obsolete.length > 0) manifest.obsolete = [...obsolete];
    else delete manifest.obsolete;
    manifest.best = this.best?.num ?? null;
    this.write();
  }

  /** Notes what the sweeper learns of jobs: their objective, or what it was told of them before. Gives that. */
  tell(nums: readonly number[]): (number | undefined)[] {
    const entries = nums.map((num) => this.entry(num));
    if (this.manifest.objective !== null) {
      for (const entry of entries) entry.told ??= { value: entry.objective };
      this.write();
    }
    return entries.map(({ told }) => told?.value ?? undefined);
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

  /** Resolves when all of it is on disk; throws what kept it from there. */
  async close(status: Exclude<SweepManifest['status'], 'running'>): Promise<void> {
    this.manifest.status = status;
    this.manifest.endedAt = new Date().toISOString();
    this.write();
    await this.file.flushed();
  }

  private write(): void {
    this.file.set(manifestText(this.manifest));
  }
}

const hasValue = (job: SweepJobEntry): job is SweepJobEntry & { objective: number } => job.objective !== null;

/** A job that has not run. */
export function queuedEntry(
  job: Pick<SweepJobEntry, 'num' | 'overrides' | 'configSha256' | 'threads'>,
): SweepJobEntry {
  return {
    num: job.num,
    overrides: job.overrides,
    configSha256: job.configSha256,
    threads: job.threads,
    status: 'queued',
    folder: null,
    startedAt: null,
    durationSeconds: null,
    objective: null,
    metrics: {},
    attempts: [],
  };
}
