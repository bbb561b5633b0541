import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';

/**
 * `sweep.json` in the folder of a sweep: which jobs it has, how far they are, and what is needed to go on with it.
 * Written anew, whole, whenever a job starts or ends.
 */
export interface SweepManifest {
  /** Of this form of the file. */
  version: 1;
  /** What is swept: a stage by its canonical name, or a pipeline by the name of its config. */
  stage: string;
  /** As typed, quoted for a shell. */
  command: string;
  /** The command line as typed, word by word: what `--resume-sweep` runs again. */
  words: string[];
  /** `failed`: at least one job failed in the end. */
  status: 'running' | 'done' | 'failed' | 'interrupted';
  /** ISO. The moment that `${now:…}` of all jobs stands for, also when the sweep is resumed. */
  startedAt: string;
  /** null while running. */
  endedAt: string | null;
  /** Of the process that runs the sweep: tells one that was killed from one still running. */
  pid: number;
  /** See processStart: of the same process. */
  processStart: string | null;
  host: string;
  /** `basic`, `random`, `tpe`, or a registered name; and how many jobs it was asked for at a time. */
  sweeper: { name: string; atOnce: number };
  /** Keys that differ from job to job, as the jobs' overrides have them: `training.learning_rate`, `model`, `+new`. */
  swept: string[];
  /** What jobs are judged by; null where the sweeper has no objective. */
  objective: { metric: string; direction: 'minimize' | 'maximize' } | null;
  launcher: SweepLauncher;
  /** `num` of the job with the best objective so far. */
  best: number | null;
  /** In the order of `num`; what a sweeper has not asked for yet is not there. */
  jobs: SweepJobEntry[];
  /** Jobs of an earlier command on this folder that its resumption does not ask for, or has not yet. */
  obsolete?: SweepJobEntry[];
}

/** See SweepPolicy. */
export interface SweepLauncher {
  name: string;
  /** Jobs at a time. */
  jobs: number;
  threads: number | null;
  onFailure: 'stop' | 'continue';
  retries: number;
}

/** `pruned`: ended early because others do better; its last value counts. */
export type SweepJobStatus = 'queued' | 'running' | 'done' | 'failed' | 'interrupted' | 'pruned';

export interface SweepJobEntry {
  /** `hydra.job.num` */
  num: number;
  overrides: string[];
  /** See configHash; of the job's resolved config as it would be for a run of its own, outside the sweep's folder. */
  configSha256: string;
  /** What the launcher set `threads` to; null where the job's config says it, or leaves it open. */
  threads: number | null;
  status: SweepJobStatus;
  /** Of the last attempt: relative to the sweep's folder where inside it, else absolute; null while queued. */
  folder: string | null;
  /** Of the last attempt. */
  startedAt: string | null;
  durationSeconds: number | null;
  /** The last value of the objective; null where there is none, or it is no finite number. */
  objective: number | null;
  /** What the sweeper was told of the job, so that a resumed sweep asks for the same jobs after it; null: no value. */
  told?: { value: number | null };
  /** The last value of every metric the job logged and every number of its result; null for one that is not finite. */
  metrics: Record<string, number | null>;
  /** The error of the last attempt, where it failed. */
  error?: { code: string; message: string };
  /** All of them, the last one included. */
  attempts: { folder: string; status: SweepJobStatus; startedAt: string; durationSeconds: number | null }[];
}

export const manifestName = 'sweep.json';

export const manifestText = (manifest: SweepManifest) => `${JSON.stringify(manifest, null, 1)}\n`;

/** Throws SluiceError `run.unreadable` where there is none, or it is damaged or of another version. */
export function readSweepManifest(folder: string): SweepManifest {
  const path = join(folder, manifestName);
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as SweepManifest;
    if (manifest.version !== 1 || !Array.isArray(manifest.jobs)) throw new Error('not of version 1');
    return manifest;
  } catch (cause) {
    throw new SluiceError(
      'run.unreadable',
      'not the folder of a sweep: its sweep.json is missing or damaged',
      {
        where: path,
        cause,
      },
    );
  }
}
