import { relative } from 'node:path';
import type { SweepPlan } from '../config/index.js';
import type { FinishedRun } from '../runner/run-stage.js';
import { tableText } from './table-text.js';

/** A job of a sweep that was run. */
export interface FinishedJob {
  num: number;
  overrides: string[];
  finished: FinishedRun;
  /** As recorded, or `pruned`. */
  status: string;
  /** What it reached, where the sweep has an objective and the job a value. */
  value: number | undefined;
}

/** The job with the best value so far; undefined where none has one. */
export function bestJob(
  { objective }: SweepPlan,
  jobs: FinishedJob[],
): (FinishedJob & { value: number }) | undefined {
  const sign = objective?.direction === 'maximize' ? -1 : 1;
  const valued = jobs.filter((job): job is FinishedJob & { value: number } => job.value !== undefined);
  return valued.reduce<(typeof valued)[number] | undefined>(
    (best, job) => (best === undefined || sign * job.value < sign * best.value ? job : best),
    undefined,
  );
}

/** The jobs side by side: number, what was swept, the objective, how it ended, where it lies. */
export function sweepTable(plan: SweepPlan, jobs: FinishedJob[], folder: string, root: string): string {
  const { swept, objective } = plan;
  const metric = objective === undefined ? [] : [objective.metric];
  const rows = jobs.map(({ num, overrides, finished, status, value }) => [
    num,
    ...sweptTexts(plan, overrides).map((text, index) => text.slice(swept[index]!.length + 1)),
    ...metric.map(() => value ?? '–'),
    status,
    shortPath(folder, finished.folder),
  ]);
  const title = `Sweep in ${shortPath(root, folder)}`;
  const table = tableText({ title, columns: ['job', ...swept, ...metric, 'status', 'folder'], rows });
  const best = bestJob(plan, jobs);
  if (best === undefined) return `${table}\n`;
  const texts = sweptTexts(plan, best.overrides).join(' ');
  return `${table}\nbest: job ${best.num}, ${objective!.metric} ${Number(best.value.toPrecision(6))}  ${texts}\n`;
}

/** The overrides of a job that differ from job to job, in the order of `swept`. */
export function sweptTexts({ swept }: SweepPlan, overrides: string[]): string[] {
  return swept.map((key) => overrides.find((text) => text.startsWith(`${key}=`)) ?? `${key}=`);
}

function shortPath(from: string, to: string): string {
  const path = relative(from, to);
  return path.startsWith('..') ? to : path || '.';
}
