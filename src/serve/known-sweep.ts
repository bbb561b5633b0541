import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSweepManifest, type SweepManifest } from '../report/index.js';

/** A sweep's folder: its manifest, read anew where it changed. */
export class KnownSweep {
  readonly directory: string;
  manifest: SweepManifest | null = null;
  version = 0;
  private stamp = '';

  constructor(directory: string) {
    this.directory = directory;
  }

  async refresh(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(join(this.directory, 'sweep.json')).catch(() => noFile);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    this.manifest = await readSweepManifest(this.directory);
    this.version += 1;
  }
}

const noFile = { mtimeMs: 0, size: 0, ino: 0 };
