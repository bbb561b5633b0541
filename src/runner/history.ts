import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { withFileLock } from './file-lock.js';
import { type HistoryEntry, historyEntry } from './history-entry.js';
import { beginOfLine, IndexFile, lineOf } from './index-file.js';
import { type RunRecord, readRunRecord } from './run-record.js';

/**
 * The index of runs, `outputs/registry.json`. Run folders are the truth: the index is made from them whenever it is
 * missing or damaged, and every process that writes it holds its lock.
 */
export class History {
  /** Absolute. */
  readonly outputs: string;
  private readonly file: IndexFile;

  constructor(root: string) {
    this.outputs = join(root, 'outputs');
    this.file = new IndexFile(join(this.outputs, 'registry.json'));
  }

  /** Adds or updates one run. */
  async note(runDirectory: string, record: RunRecord): Promise<void> {
    const entry = historyEntry(this.outputs, runDirectory, record);
    const begin = beginOfLine(entry.folder);
    await this.update((lines) => [...lines.filter((line) => !line.startsWith(begin)), lineOf(entry)]);
  }

  /** Takes runs out, by the `folder` of their entries; the run folders are the caller's. */
  async forget(folders: Iterable<string>): Promise<void> {
    const begins = [...folders].map(beginOfLine);
    await this.update((lines) => lines.filter((line) => !begins.some((begin) => line.startsWith(begin))));
  }

  /** Every known run, oldest first. */
  list(): HistoryEntry[] {
    const known = this.file.entries();
    return known === undefined ? this.scan() : this.present(known);
  }

  /** The same; an index that is missing or damaged is made anew on the way. */
  async listAndMend(): Promise<HistoryEntry[]> {
    const known = this.file.entries();
    if (known !== undefined) return this.present(known);
    const found = this.scan();
    // Of no runs there is nothing to write; and where nothing can be written, they can still be listed.
    if (found.length > 0) await this.reindex().catch(() => {});
    return found;
  }

  /** When the run began that began last, by the clock of its time; undefined where there is no index. */
  newestStart(): string | undefined {
    const starts = this.file.lines()?.map((line) => startOfLine.exec(line)?.[1] ?? '');
    return starts?.reduce((newest, start) => (start > newest ? start : newest), '') || undefined;
  }

  /**
   * Makes the index anew from the folders below `outputs/`, and from those elsewhere that it knew; gives the number of
   * runs.
   */
  async reindex(): Promise<number> {
    let count = 0;
    await this.update(() => {
      const found = this.scan();
      count = found.length;
      return found.map(lineOf);
    });
    return count;
  }

  /** Absolute. */
  folderOf({ folder }: Pick<HistoryEntry, 'folder'>): string {
    return resolve(this.outputs, folder);
  }

  /** Absolute folder of the latest `done` run of a stage whose folder still says so; undefined where there is none. */
  latestGood(stage: string, before?: string): string | undefined {
    const limit = before === undefined ? Number.POSITIVE_INFINITY : Date.parse(before);
    for (const entry of this.list().reverse()) {
      if (entry.stage !== stage || entry.status !== 'done' || endOf(entry) > limit) continue;
      const folder = this.folderOf(entry);
      if (existsSync(join(folder, 'run.json')) && readRunRecord(folder).status === 'done') return folder;
    }
    return undefined;
  }

  // A folder that somebody deleted or moved away is no run, whatever the index says.
  private present(known: HistoryEntry[]): HistoryEntry[] {
    return known.filter((entry) => existsSync(join(this.folderOf(entry), 'run.json'))).sort(byStart);
  }

  private async update(change: (lines: string[]) => string[]): Promise<void> {
    mkdirSync(this.outputs, { recursive: true });
    await withFileLock(this.file.path, () =>
      this.file.write(change(this.file.lines() ?? this.scan().map(lineOf))),
    );
  }

  private scan(): HistoryEntry[] {
    const here = runFolders(this.outputs).flatMap((folder) => this.entryIn(folder));
    const folders = new Set(here.map(({ folder }) => folder));
    const elsewhere = (this.file.entries() ?? []).filter(({ folder }) => !folders.has(folder));
    return [...here, ...elsewhere.flatMap((entry) => this.entryIn(this.folderOf(entry)))].sort(byStart);
  }

  // None for a damaged folder: it is no reason to lose the others.
  private entryIn(folder: string): HistoryEntry[] {
    try {
      return [historyEntry(this.outputs, folder, readRunRecord(folder))];
    } catch (error) {
      if (error instanceof SluiceError) return [];
      throw error;
    }
  }
}

// found, not parsed: there may be thousands
const startOfLine = /"startedAt":"([^"]+)"/;

const endOf = ({ startedAt, durationSeconds }: HistoryEntry) =>
  Date.parse(startedAt) + 1000 * (durationSeconds ?? 0);

const byStart = (a: HistoryEntry, b: HistoryEntry) =>
  a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : 0;

// outputs/<stage>/<date>/<time> and outputs/multirun/<date>/<time>/<n>; nothing of a run lies deeper.
function runFolders(folder: string, depth = 4): string[] {
  if (existsSync(join(folder, 'run.json'))) return [folder];
  if (depth === 0 || !existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => runFolders(join(folder, entry.name), depth - 1));
}
