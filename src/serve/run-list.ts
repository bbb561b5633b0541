import { join, relative, sep } from 'node:path';
import type { RunRecord } from '../runner/run-record.js';
import { KnownRun } from './known-run.js';
import { KnownSweep } from './known-sweep.js';
import { type Found, RunTree } from './run-tree.js';

/** Of runs that are over, run.json is looked at again every so many refreshes. */
const REST = 15;
/** Curves of runs that are over are read so many at a time, so that the list answers meanwhile. */
const CURVES_AT_ONCE = 8;

/** What stands in the list by itself: a run, a pipeline with its steps, or a sweep with its jobs. */
export interface Group {
  path: string;
  kind: 'run' | 'pipeline' | 'sweep';
  run: KnownRun | null;
  sweep: KnownSweep | null;
  members: Member[];
  /** ISO; what the list is sorted by. */
  startedAt: string;
  /** Changes with whatever of it the list shows. */
  version: string;
}

export interface Member {
  path: string;
  /** The job's number or the step's name. */
  name: string;
  run: KnownRun;
}

/** All runs below a folder, kept up to date by `refresh`. */
export class RunList {
  readonly root: string;
  private readonly tree: RunTree;
  private readonly runs = new Map<string, KnownRun>();
  private readonly sweeps = new Map<string, KnownSweep>();
  private readonly withoutCurve = new Set<KnownRun>();
  private found: Found[] = [];
  private turn = 0;
  private refreshing: Promise<void> | null = null;
  private reading = false;

  /** `root` is absolute: the folder `outputs`. */
  constructor(root: string) {
    this.root = root;
    this.tree = new RunTree(root);
  }

  /** Looks at what may have changed. Who asks while it looks gets the same answer. */
  refresh(): Promise<void> {
    this.refreshing ??= this.look().finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  /** Newest first. */
  groups(): Group[] {
    const parents = this.parents();
    const members = new Map<string, Member[]>();
    for (const [path, { top, name }] of parents) {
      const list = members.get(top) ?? [];
      list.push({ path, name, run: this.runs.get(path)! });
      members.set(top, list);
    }
    return this.found
      .filter(({ path }) => !parents.has(path))
      .flatMap(({ path, kind }) => this.group(path, kind, members.get(path) ?? []) ?? [])
      .sort((left, right) => right.startedAt.localeCompare(left.startedAt));
  }

  private async look(): Promise<void> {
    this.found = await this.tree.find();
    const paths = new Set(this.found.map(({ path }) => path));
    for (const map of [this.runs, this.sweeps])
      for (const path of map.keys()) if (!paths.has(path)) map.delete(path);
    this.turn += 1;
    await Promise.all(
      this.found.map(({ path, kind }) => (kind === 'run' ? this.lookAtRun(path) : this.lookAtSweep(path))),
    );
    void this.readCurves();
  }

  private async lookAtRun(path: string): Promise<void> {
    const known = this.runs.get(path);
    if (known !== undefined && !known.isOpen && this.turn % REST !== 0) return;
    const run = known ?? new KnownRun(join(this.root, path));
    const wasOpen = known?.isOpen ?? false;
    await run.refresh();
    if (run.record === null) return; // its folder was made this moment
    this.runs.set(path, run);
    if (run.isOpen || wasOpen) await run.refreshMetrics();
    else if (known === undefined) this.withoutCurve.add(run);
  }

  private async lookAtSweep(path: string): Promise<void> {
    const sweep = this.sweeps.get(path) ?? new KnownSweep(join(this.root, path));
    this.sweeps.set(path, sweep);
    await sweep.refresh();
  }

  // The newest first: those are looked at first.
  private async readCurves(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    const waiting = [...this.withoutCurve].sort((left, right) =>
      (right.record?.startedAt ?? '').localeCompare(left.record?.startedAt ?? ''),
    );
    this.withoutCurve.clear();
    for (let at = 0; at < waiting.length; at += CURVES_AT_ONCE)
      await Promise.all(
        waiting.slice(at, at + CURVES_AT_ONCE).map((run) => run.refreshMetrics().catch(() => {})),
      );
    this.reading = false;
  }

  /** Of every run that belongs to another: the path of the topmost it belongs to, and what it is called there. */
  private parents(): Map<string, { top: string; name: string }> {
    const direct = new Map<string, { parent: string; name: string }>();
    for (const { path, sweep } of this.found)
      if (sweep !== null && this.runs.has(path))
        direct.set(path, { parent: sweep, name: path.slice(sweep.length + 1) });
    for (const [path, { record, directory }] of this.runs) {
      for (const { name, folder, status } of record?.steps ?? []) {
        if (folder === null || status === 'skipped') continue; // a reused run is that of another pipeline
        const step = relative(this.root, join(directory, folder)).split(sep).join('/');
        if (this.runs.has(step) && !direct.has(step)) direct.set(step, { parent: path, name });
      }
    }
    const topOf = (path: string, depth = 0): string => {
      const above = direct.get(path);
      return above === undefined || depth > 4 ? path : topOf(above.parent, depth + 1);
    };
    return new Map([...direct].map(([path, { name }]) => [path, { top: topOf(path), name }]));
  }

  private group(path: string, kind: Found['kind'], members: Member[]): Group | null {
    if (kind === 'sweep') {
      const sweep = this.sweeps.get(path);
      if (sweep === undefined) return null;
      members.sort((left, right) => left.name.localeCompare(right.name, 'en', { numeric: true }));
      const startedAt = sweep.manifest?.startedAt ?? members[0]?.run.record?.startedAt ?? '';
      const version = versionOf(sweep, members);
      return { path, kind, run: null, sweep, members, startedAt, version };
    }
    const run = this.runs.get(path);
    if (run?.record == null) return null;
    const { steps, startedAt }: RunRecord = run.record;
    members.sort((left, right) =>
      (left.run.record?.startedAt ?? '').localeCompare(right.run.record?.startedAt ?? ''),
    );
    const version = versionOf(run, members);
    return {
      path,
      kind: steps === undefined ? 'run' : 'pipeline',
      run,
      sweep: null,
      members,
      startedAt,
      version,
    };
  }
}

function versionOf({ version }: { version: number }, members: Member[]): string {
  return `${version} ${members.map(({ path, run }) => `${path}:${run.version}`).join(' ')}`;
}
