import { resolve } from 'node:path';
import { type RunRecord, readRunRecord } from './run-record.js';
import type { SweepJobEntry, SweepManifest } from './sweep-manifest.js';

/** The jobs that earlier commands on the folder of a sweep knew, to be found again by the hash of their config. */
export class EarlierJobs {
  private readonly folder: string;
  private readonly entries: SweepJobEntry[];

  /** @param folder of the sweep, absolute */
  constructor(folder: string, manifest: Pick<SweepManifest, 'jobs' | 'obsolete'>) {
    this.folder = folder;
    this.entries = [...manifest.jobs, ...(manifest.obsolete ?? [])];
  }

  /** Those that nobody took. */
  get rest(): readonly SweepJobEntry[] {
    return this.entries;
  }

  /** The job of this config as its folder shows it now, whatever the manifest had time to say; of several the first. */
  take(configSha256: string): EarlierJob | undefined {
    const index = this.entries.findIndex((entry) => entry.configSha256 === configSha256);
    if (index < 0) return undefined;
    const [entry] = this.entries.splice(index, 1);
    const record = this.lastRecord(entry!);
    const status = statusNow(entry!, record);
    const last = entry!.attempts.at(-1);
    // Its watcher was killed: what it left behind is all there will be.
    if (last?.status === 'running') last.status = status === 'queued' ? 'interrupted' : status;
    if (status === 'queued') return { entry: { ...entry!, status }, finished: undefined };
    const folder = resolve(this.folder, entry!.folder!);
    return { entry: { ...entry!, status }, finished: { folder, record: record! } };
  }

  private lastRecord({ folder }: SweepJobEntry): RunRecord | undefined {
    try {
      return folder === null ? undefined : readRunRecord(resolve(this.folder, folder));
    } catch {
      return undefined; // deleted, or cut short: the job runs again
    }
  }
}

export interface EarlierJob {
  /** `queued`, whatever became of its attempts, unless it is done. */
  entry: SweepJobEntry;
  /** Of a job that need not run again. */
  finished: { folder: string; record: RunRecord } | undefined;
}

function statusNow(entry: SweepJobEntry, record: RunRecord | undefined): SweepJobEntry['status'] {
  if (record?.status === 'done') return 'done';
  return entry.status === 'pruned' && record?.status === 'interrupted' ? 'pruned' : 'queued';
}
