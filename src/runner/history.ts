import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { withFileLock } from './file-lock.js';
import { type RunRecord, readRunRecord } from './run-record.js';

/** What the index knows of a run; all of it stands in the run's own folder too. */
export interface HistoryEntry {
  id: string;
  stage: string;
  status: RunRecord['status'];
  startedAt: string;
  durationSeconds: number | null;
  configSha256: string;
  /** Relative to `outputs/`. */
  folder: string;
  /** Output name -> path, relative to the run folder. */
  outputs: Record<string, string>;
}

/**
 * The index of runs, `outputs/registry.json`. Run folders are the truth: the index is made from them whenever it is
 * missing, and every process that writes it holds its lock.
 */
export class History {
  private readonly outputs: string;
  private readonly path: string;

  constructor(root: string) {
    this.outputs = join(root, 'outputs');
    this.path = join(this.outputs, 'registry.json');
  }

  /** Adds or updates one run. */
  async note(runDirectory: string, record: RunRecord): Promise<void> {
    const entry = this.entryOf(runDirectory, record);
    await this.update(() => [...this.list().filter((other) => other.folder !== entry.folder), entry]);
  }

  /** Every known run, oldest first. */
  list(): HistoryEntry[] {
    try {
      return (JSON.parse(readFileSync(this.path, 'utf8')) as { runs: HistoryEntry[] }).runs;
    } catch {
      return this.scan();
    }
  }

  /** Makes the index anew from the folders below `outputs/` and gives the number of runs. */
  async reindex(): Promise<number> {
    await this.update(() => this.scan());
    return this.list().length;
  }

  /** Absolute folder of the latest `done` run of a stage whose folder still says so; undefined where there is none. */
  latestGood(stage: string, before?: string): string | undefined {
    const limit = before === undefined ? Number.POSITIVE_INFINITY : Date.parse(before);
    for (const entry of this.list().reverse()) {
      if (entry.stage !== stage || entry.status !== 'done' || endOf(entry) > limit) continue;
      const folder = resolve(this.outputs, entry.folder);
      if (existsSync(join(folder, 'run.json')) && readRunRecord(folder).status === 'done') return folder;
    }
    return undefined;
  }

  private entryOf(runDirectory: string, record: RunRecord): HistoryEntry {
    const { id, stage, status, startedAt, durationSeconds, configSha256, outputs } = record;
    const folder = relative(this.outputs, runDirectory);
    const named = Object.fromEntries(outputs.map((output) => [output.name, output.path]));
    return { id, stage, status, startedAt, durationSeconds, configSha256, folder, outputs: named };
  }

  private async update(runs: () => HistoryEntry[]): Promise<void> {
    const [{ Low }, { JSONFile }] = await Promise.all([import('lowdb'), import('lowdb/node')]);
    mkdirSync(this.outputs, { recursive: true });
    await withFileLock(this.path, async () => {
      const index = new Low(new JSONFile<{ runs: HistoryEntry[] }>(this.path), {
        runs: runs().sort(byStart),
      });
      await index.write();
    });
  }

  private scan(): HistoryEntry[] {
    return runFolders(this.outputs)
      .flatMap((folder) => {
        try {
          return [this.entryOf(folder, readRunRecord(folder))];
        } catch (error) {
          if (error instanceof SluiceError) return []; // a damaged folder is no reason to lose the others
          throw error;
        }
      })
      .sort(byStart);
  }
}

const endOf = ({ startedAt, durationSeconds }: HistoryEntry) =>
  Date.parse(startedAt) + 1000 * (durationSeconds ?? 0);

const byStart = (a: HistoryEntry, b: HistoryEntry) => a.startedAt.localeCompare(b.startedAt);

// outputs/<stage>/<date>/<time> and outputs/multirun/<date>/<time>/<n>; nothing of a run lies deeper.
function runFolders(folder: string, depth = 4): string[] {
  if (existsSync(join(folder, 'run.json'))) return [folder];
  if (depth === 0 || !existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => runFolders(join(folder, entry.name), depth - 1));
}
