import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Now } from './page.js';

/** `sweep.json` as the report reads it; the runner writes more. */
export interface SweepManifest {
  stage: string;
  command?: string;
  status: string;
  startedAt?: string;
  endedAt?: string | null;
  /** Of the process that runs the sweep, and the host it is on. */
  pid?: number;
  processStart?: string | null;
  host?: string;
  /** What jobs are judged by; null where the sweeper has no objective. */
  objective: { metric: string; direction: 'minimize' | 'maximize' } | null;
  /** `num` of the best job so far. */
  best?: number | null;
  /** Keys that differ from job to job. */
  swept?: string[];
  jobs: SweepManifestJob[];
}

export interface SweepManifestJob {
  num: number;
  overrides: string[];
  status: string;
  /** Relative to the sweep's folder, or absolute; null while queued. */
  folder: string | null;
  /** The last value of the objective. */
  objective?: number | null;
  error?: { code?: string; message: string };
}

/** The manifest in a sweep's folder, its status as it is now; null where there is none or it cannot be read. */
export async function readSweepManifest(directory: string, now?: Now): Promise<SweepManifest | null> {
  try {
    const manifest = JSON.parse(await readFile(join(directory, 'sweep.json'), 'utf8')) as SweepManifest;
    if (!Array.isArray(manifest.jobs)) return null;
    const status = now === undefined ? manifest.status : now.statusOf(manifest);
    return { ...manifest, status, objective: manifest.objective ?? null };
  } catch {
    return null;
  }
}
