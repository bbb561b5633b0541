import type { SweepPlan } from '../config/index.js';
import { clock } from '../runner/display/progress-text.js';
import { shortened } from '../runner/shortened.js';
import type { SweepJobEntry } from '../runner/sweep-manifest.js';
import type { SweepRecord } from '../runner/sweep-record.js';
import { tableText } from './table-text.js';

/** The jobs side by side: number, what was swept, what it reached, how it ended, how long it took, where it lies. */
export function sweepTable({ manifest, folder, best }: SweepRecord, root: string): string {
  const { swept, objective, jobs } = manifest;
  const columns = [
    ...(objective === null ? [] : [objective.metric]),
    ...otherMetrics(jobs, objective?.metric),
  ];
  const rows = jobs.map((job) => [
    job.num,
    ...valuesOf(swept, job.overrides),
    ...columns.map((name) => (name === objective?.metric ? job.objective : job.metrics[name]) ?? '–'),
    job === best ? `${job.status}, best` : job.status,
    job.durationSeconds === null ? '' : clock(job.durationSeconds),
    job.folder ?? '',
  ]);
  const title = `Sweep in ${shortened(root, folder)}`;
  const table = tableText({
    title,
    columns: ['job', ...swept, ...columns, 'status', 'time', 'folder'],
    rows,
  });
  if (best === undefined) return `${table}\n`;
  const texts = sweptTexts(swept, best.overrides).join(' ');
  const value = Number(best.objective.toPrecision(6));
  return `${table}\n${`best: job ${best.num}, ${objective!.metric} ${value}  ${texts}`.trimEnd()}\n`;
}

// What most sweeps are about, then what else tells the jobs apart.
const wellKnown = ['validation/loss', 'train/loss'];
const mostColumns = 3;

function otherMetrics(jobs: readonly SweepJobEntry[], judgedBy: string | undefined): string[] {
  const names = new Set(jobs.flatMap(({ metrics }) => Object.keys(metrics)));
  names.delete(judgedBy!);
  // Of a pipeline the objective is there a second time, under its step.
  for (const name of names) if (judgedBy !== undefined && jobs.every(isJudgedBy(name))) names.delete(name);
  const differs = (name: string) => new Set(jobs.map(({ metrics }) => metrics[name])).size > 1;
  const ofSteps = [...names].filter((name) => !wellKnown.includes(name)).filter(differs);
  const known = wellKnown.flatMap((name) => [
    ...(names.has(name) ? [name] : []),
    ...ofSteps.filter((each) => each.endsWith(`.${name}`)).reverse(), // the last step first
  ]);
  const differing = ofSteps.filter((name) => !known.includes(name));
  return [...known, ...differing].slice(0, mostColumns);
}

const isJudgedBy =
  (name: string) =>
  ({ metrics, objective }: SweepJobEntry) =>
    (metrics[name] ?? null) === objective;

/** The overrides of a job that differ from job to job, in the order of `swept`. */
export function sweptTexts(swept: SweepPlan['swept'], overrides: readonly string[]): string[] {
  return swept.map((key) => overrides.find((text) => text.startsWith(`${key}=`)) ?? `${key}=`);
}

const valuesOf = (swept: SweepPlan['swept'], overrides: readonly string[]) =>
  sweptTexts(swept, overrides).map((text, index) => text.slice(swept[index]!.length + 1));
