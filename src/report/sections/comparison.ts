import type { ChartCurve, LineChart } from '../charts/line-chart.js';
import { parallelAxis, parallelCoordinates } from '../charts/parallel.js';
import { shareBars } from '../charts/share-bars.js';
import { numberText } from '../format.js';
import { type Html, html } from '../html.js';
import { rankCorrelation } from '../rank-correlation.js';
import { shortKey } from '../short-key.js';
import { finalValue, type SweepFolder, type SweepJob, seriesOf } from '../sweep-folder.js';
import { curveSection, hasValues } from './curves.js';

/** So few jobs have a colour each. */
const FEW_JOBS = 6;
/** More curves than this tell nothing more: the best are drawn, and the page says so. */
const MOST_CURVES = 60;
/** Too few jobs say nothing about a rank correlation. */
const LEAST_JOBS = 6;

/** What was swept against what came out: parallel coordinates and, where it can be said honestly, rank correlations. */
export function sweptAgainstResult(sweep: SweepFolder): Html | null {
  const { jobs, swept, judgement } = sweep;
  if (swept.length === 0 || jobs.length < 2) return null;
  const shades = shadesOf(sweep);
  const axes = swept.map((key) =>
    parallelAxis(
      key,
      jobs.map(({ overrides }) => overrides.get(key) ?? null),
    ),
  );
  const results = namesOf(sweep, ['validation/loss', 'train/loss']).filter(
    (name) => jobs.filter((job) => finalValue(job, name) !== null).length > 1,
  );
  for (const name of results)
    axes.push(
      parallelAxis(
        name,
        jobs.map((job) => finalValue(job, name)),
      ),
    );
  const lines = jobs.map((job, index) => ({ label: labelOf(sweep, job), shade: shades[index]! }));
  return html`<section><h2>What was swept, and what came of it <small>${judgement && colourKey(judgement.metric)}</small></h2>
<div class="stack">${axes.length > 1 && parallelCoordinates('Jobs', axes, lines)}${correlations(sweep)}</div></section>`;
}

/** The same measure of all jobs in one chart: what they are judged by first. */
export function overlaidCurves(sweep: SweepFolder): Html | null {
  const { jobs, judgement } = sweep;
  const shades = shadesOf(sweep);
  const few = jobs.length <= FEW_JOBS;
  const byShade = jobs.map((job, index) => ({ job, shade: shades[index] ?? 100 }));
  // The best last: they are drawn over the others.
  const drawn = few ? byShade : byShade.sort((left, right) => right.shade - left.shade).slice(-MOST_CURVES);
  const wanted = [
    'validation/loss',
    'train/loss',
    'train/lm_loss',
    'train/grad_norm',
    'train/tokens_per_second',
  ];
  const charts = namesOf(sweep, wanted).flatMap((name): LineChart[] => {
    const series = drawn.flatMap(({ job, shade }): ChartCurve[] => {
      const points = seriesOf(job, name);
      if (points === undefined || !hasValues(points)) return [];
      return few ? [{ label: `job ${job.num}`, points }] : [{ label: labelOf(sweep, job), points, shade }];
    });
    const isCurve = series.some(({ points }) => points.steps.length > 1); // else the table has them all
    return isCurve ? [{ title: name, series, ...(judgement && { key: colourKey() }) }] : [];
  });
  if (charts.length === 0) return null;
  return curveSection(
    jobs.length > MOST_CURVES
      ? `Curves of the best ${MOST_CURVES} of ${jobs.length} jobs`
      : 'Curves of all jobs',
    charts,
  );
}

/** What jobs are judged by, then these, each once: of a pipeline with the step that has it. */
function namesOf({ jobs, judgement }: SweepFolder, wanted: readonly string[]): string[] {
  const named = [...(judgement === null ? [] : [judgement.metric]), ...wanted].map((name) => {
    const series = jobs.map((job) => seriesOf(job, name)).find((one) => one !== undefined);
    return series?.name ?? name;
  });
  return [...new Set(named)];
}

/** 0 for the best, 100 for the worst by rank; null for a job without a value. */
function shadesOf({ jobs, judgement }: SweepFolder): (number | null)[] {
  const sign = judgement?.direction === 'maximize' ? -1 : 1;
  const values = jobs.flatMap((job) => job.value ?? []).sort((left, right) => sign * (left - right));
  return jobs.map(({ value }) =>
    value === null ? null : (100 * values.indexOf(value)) / Math.max(1, values.length - 1),
  );
}

function labelOf({ swept, judgement }: SweepFolder, job: SweepJob): string {
  const values = swept.map((key) => `${shortKey(key, swept)}=${job.overrides.get(key) ?? '–'}`);
  const judged = job.value === null ? [job.status] : [`${judgement!.metric} ${numberText(job.value)}`];
  return [`job ${job.num}`, ...values, ...judged].join(' · ');
}

function colourKey(metric?: string): Html {
  return html`<span class="legend">${metric} <span>best <i class="gradient"></i> worst</span></span>`;
}

function correlations({ jobs, swept, judgement }: SweepFolder): Html | null {
  if (judgement === null) return null;
  const judged = jobs.filter((job) => job.value !== null);
  if (judged.length < LEAST_JOBS) return null;
  const bars = swept.flatMap((key) => {
    const values = judged.map(({ overrides }) => Number(overrides.get(key) ?? Number.NaN));
    if (values.some(Number.isNaN)) return [];
    const correlation = rankCorrelation(
      values,
      judged.map(({ value }) => value!),
    );
    return correlation === null ? [] : [{ key, correlation }];
  });
  if (bars.length === 0) return null;
  bars.sort((left, right) => Math.abs(right.correlation) - Math.abs(left.correlation));
  return shareBars({
    title: `Rank correlation with ${judgement.metric}`,
    most: 1,
    bars: bars.map(({ key, correlation }) => ({
      label: shortKey(key, swept),
      value: Math.abs(correlation),
      text: `${correlation > 0 ? '+' : '−'}${Math.abs(correlation).toFixed(2)}`,
      className: correlation > 0 ? 'kept' : 'dirty',
    })),
    note: `Spearman's, over ${judged.length} jobs: +1 where ${judgement.metric} always rises with the value, −1 where it always falls. Not importance: it sees neither optima in the middle nor values that matter only together.`,
  });
}
