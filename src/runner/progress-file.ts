import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgressEvent } from '../telemetry/event.js';

/** How far a running stage is, for who looks at its folder from outside. */
export interface Progress {
  phase: string;
  step: number;
  /** null where the end is not known. */
  totalSteps: number | null;
  etaSeconds: number | null;
}

const name = 'progress.json';
const everyMs = 1000;

/**
 * `progress.json` in the folder of a run in progress, written at most once a second and gone when the run ends. Nothing
 * depends on it: one that cannot be written is left out.
 */
export class ProgressFile {
  private readonly path: string;
  private written = 0;

  constructor(runDirectory: string) {
    this.path = join(runDirectory, name);
  }

  write({ phase, step, totalSteps, etaSeconds }: ProgressEvent): void {
    const now = performance.now();
    if (now - this.written < everyMs) return;
    this.written = now;
    const progress: Progress = { phase, step, totalSteps, etaSeconds: etaSeconds ?? null };
    try {
      writeFileSync(this.path, JSON.stringify(progress));
    } catch {
      // the run's own files tell of a full disk
    }
  }

  remove(): void {
    try {
      rmSync(this.path, { force: true });
    } catch {
      // as above
    }
  }
}

/** The progress of a run in progress; null where there is none, or it is just being written. */
export async function readProgress(runDirectory: string): Promise<Progress | null> {
  try {
    return JSON.parse(await readFile(join(runDirectory, name), 'utf8')) as Progress;
  } catch {
    return null;
  }
}
