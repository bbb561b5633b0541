import { type LineChart, lineChart, openingWeight } from '../charts/line-chart.js';
import { type Html, html } from '../html.js';
import type { MetricSeries } from '../metrics.js';

/** Curves people look at first and last; the others stand between, by name. */
const FIRST = ['loss', 'lm_loss', 'perplexity', 'accuracy'];
const LAST = ['learning_rate', 'grad_norm', 'gradient_norm', 'tokens_per_second', 'mfu'];

/** One card per measure, the curves of its phases together: `train/loss` and `validation/loss` are the card `loss`. */
export function curves(metrics: MetricSeries[]): Html {
  const drawn = metrics.filter(hasValues);
  const empty = metrics.filter((one) => !hasValues(one)).map((one) => one.name);
  return html`${drawn.length > 0 && curveSection('Curves', chartsOf(drawn))}
${empty.length > 0 && html`<p class="note">Logged, but never a finite number: ${empty.join(', ')}</p>`}`;
}

/** Whether there is anything to draw. */
export function hasValues(series: MetricSeries): boolean {
  return series.values.some((value) => value !== null);
}

/** Any line charts under a heading with the smoothing slider and the switches of both axes. */
export function curveSection(title: string, charts: LineChart[]): Html {
  const points = Math.max(...charts.flatMap((chart) => chart.series.map((one) => one.points.steps.length)));
  const weight = openingWeight(points);
  return html`<section><h2>${title} <span class="controls" hidden>
<label>smoothing <input type="range" min="0" max="0.98" step="0.01" value="${weight}"><output>${weight}</output></label>
<label><input type="checkbox"> log y</label><label><input type="checkbox"> log x</label></span></h2>
<div class="grid-cards">${charts.map((chart) => lineChart(chart, weight))}</div></section>`;
}

function chartsOf(metrics: MetricSeries[]): LineChart[] {
  const charts = new Map<string, LineChart>();
  for (const points of metrics) {
    const slash = points.name.indexOf('/');
    const title = points.name.slice(slash + 1);
    const label = slash < 0 ? '' : points.name.slice(0, slash);
    const chart = charts.get(title) ?? { title, series: [] };
    chart.series.push({ label, points });
    charts.set(title, chart);
  }
  return [...charts.values()].sort(
    (left, right) => rank(left.title) - rank(right.title) || byName(left, right),
  );
}

/** Where a measure stands among the others: what people look at first comes first. */
export function rank(title: string): number {
  const first = FIRST.indexOf(title);
  if (first >= 0) return first;
  const last = LAST.indexOf(title);
  return last >= 0 ? FIRST.length + 1 + last : FIRST.length;
}

function byName(left: LineChart, right: LineChart): number {
  return left.title < right.title ? -1 : 1;
}
