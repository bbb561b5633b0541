import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** How deep a run may lie below `outputs/`: a sweep's job is four folders down, its own subdirectory may add some. */
const DEPTH = 7;
/** A folder that changed so recently may change again without a newer time. */
const RECENT_MS = 2000;

/** A folder below `outputs/` that is somebody's: a run's (a pipeline's too), or a sweep's. */
export interface Found {
  /** Relative to `outputs/`, `/` for separators. */
  path: string;
  kind: 'run' | 'sweep';
  /** Of a run inside a sweep's folder: that sweep's path. */
  sweep: string | null;
}

interface Folder {
  mtimeMs: number;
  names: string[];
  kind: 'run' | 'sweep' | 'other';
}

/** Finds run folders. What was seen before costs a look at a folder's time only, and a run's own folder nothing. */
export class RunTree {
  private readonly root: string;
  private readonly known = new Map<string, Folder>();

  constructor(root: string) {
    this.root = root;
  }

  async find(): Promise<Found[]> {
    const found: Found[] = [];
    await this.visit('', null, 0, found);
    return found;
  }

  private async visit(path: string, sweep: string | null, depth: number, found: Found[]): Promise<void> {
    const folder = await this.look(path);
    if (folder === null) return;
    if (folder.kind !== 'other') found.push({ path, kind: folder.kind, sweep });
    if (folder.kind === 'run' || depth === DEPTH) return;
    const inside = folder.kind === 'sweep' ? path : sweep;
    await Promise.all(folder.names.map((name) => this.visit(below(path, name), inside, depth + 1, found)));
  }

  private async look(path: string): Promise<Folder | null> {
    const known = this.known.get(path);
    // A run's folder stays one; that it is gone is seen in the folder above.
    if (known?.kind === 'run') return known;
    const absolute = join(this.root, path);
    try {
      const { mtimeMs } = await stat(absolute);
      if (known?.mtimeMs === mtimeMs) return known;
      const entries = await readdir(absolute, { withFileTypes: true });
      const has = (name: string) => entries.some((entry) => entry.name === name);
      const kind = has('run.json') ? 'run' : has('multirun.yaml') ? 'sweep' : 'other';
      const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
      const settled = Date.now() - mtimeMs > RECENT_MS;
      const folder = {
        mtimeMs: settled ? mtimeMs : 0,
        names: folders.map((entry) => entry.name),
        kind,
      } as const;
      for (const name of known?.names ?? [])
        if (!folder.names.includes(name)) this.known.delete(below(path, name));
      this.known.set(path, folder);
      return folder;
    } catch {
      this.known.delete(path);
      return null;
    }
  }
}

const below = (path: string, name: string) => (path === '' ? name : `${path}/${name}`);
