import { resolve } from 'node:path';
import type { RunRecord } from '../run-record.js';
import type { SweepManifest } from '../sweep-manifest.js';

/** A run that a larger one consists of: a step of a pipeline, a job of a sweep. */
export interface Part {
  name: string;
  status: string;
  /** Absolute; null of what has not run. */
  folder: string | null;
  /** Why it is as it is, where that is told. */
  reason: string | null;
}

export const stepsOf = (folder: string, { steps = [] }: RunRecord): Part[] =>
  steps.map((step) => ({
    name: `step ${step.name}`,
    status: step.status,
    folder: step.folder === null ? null : resolve(folder, step.folder),
    reason: step.reason ?? null,
  }));

export const jobsOf = (folder: string, { jobs, swept }: SweepManifest): Part[] =>
  jobs.map((job) => ({
    name: ['job', job.num, ...job.overrides.filter((text) => swept.includes(text.split('=')[0]!))].join(' '),
    status: job.status,
    folder: job.folder === null ? null : resolve(folder, job.folder),
    reason: null,
  }));
