import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSweepManifest, type SweepManifest } from '../report/index.js';
import { shownStatusOf } from './known-status.js';

/** A sweep's folder: its manifest, read anew where it changed. */
export class KnownSweep {
  readonly directory: string;
  manifest: SweepManifest | null = null;
  version = 0;
  private stamp = '';
  private shown: string | null = null;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** As it is now: `lost` where the process that ran it is gone. null without a manifest. */
  get status(): string | null {
    return this.manifest && shownStatusOf(this.manifest);
  }

  async refresh(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(join(this.directory, 'sweep.json')).catch(() => noFile);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (stamp !== this.stamp) {
      this.stamp = stamp;
      this.manifest = await readSweepManifest(this.directory);
      this.version += 1;
    }
    if (this.status !== this.shown) this.version += 1;
    this.shown = this.status;
  }
}

const noFile = { mtimeMs: 0, size: 0, ino: 0 };
