import { dataScript, type Html, html } from '../html.js';
import { type MetricSeries, thinned } from '../metrics.js';
import {
  axisTicks,
  curvePath,
  dotsPath,
  frameOf,
  smoothed,
  stepPosition,
  tickText,
  valuePosition,
} from './curve.js';

/** More points than this are thinned: no screen shows them, and the page carries each point as text. */
const MOST_POINTS = 800;
/** A curve of so few points shows each of them, and is never smoothed. */
const FEW_POINTS = 40;

export interface LineChart {
  title: string;
  series: { label: string; points: MetricSeries }[];
}

/** Weight of the moving average that a curve of so many points opens with. */
export function openingWeight(points: number): number {
  if (points <= FEW_POINTS) return 0;
  return points <= 150 ? 0.6 : 0.85;
}

/**
 * A card with one or more curves over steps. Complete without script; with it, values show under the pointer and the
 * page's slider and switch redraw it (see page-script.ts).
 */
export function lineChart(chart: LineChart, weight: number): Html {
  const series = chart.series.map(({ label, points }) => ({
    label,
    ...thinned(points, MOST_POINTS),
    smooth: points.steps.length > FEW_POINTS && !isSchedule(points.name),
  }));
  const steps = series.map((one) => one.steps);
  const frame = frameOf(
    steps,
    series.map((one) => one.values),
    false,
  );
  return html`<figure class="card chart" data-chart>
<figcaption><span class="chart-title">${chart.title}</span>${legend(series)}</figcaption>
<div class="plot">
<div class="axis-y">${axisTicks(frame.low, frame.high, false, 4).map(
    (tick) =>
      html`<span style="top:${(valuePosition(tick, frame) / 10).toFixed(2)}%">${tickText(tick)}</span>`,
  )}</div>
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${spoken(chart)}">
<g class="grid">${axisTicks(frame.low, frame.high, false, 4).map(
    (tick) => html`<path d="M0,${valuePosition(tick, frame).toFixed(1)}H1000"/>`,
  )}</g>
${series.map((one, index) => {
  const average = smoothed(one.values, one.smooth ? weight : 0);
  return html`<path class="raw s${index % 6}${weight === 0 && ' off'}" d="${curvePath(one.steps, one.values, frame)}"/>
<path class="line s${index % 6}" d="${curvePath(one.steps, average, frame)}"/>
${one.steps.length <= FEW_POINTS && html`<path class="dots s${index % 6}" data-series="${index}" d="${dotsPath(one.steps, one.values, frame)}"/>`}`;
})}</svg>
<div class="axis-x">${axisTicks(frame.firstStep, frame.lastStep, false, 4)
    .filter(Number.isInteger)
    .map(
      (tick) =>
        html`<span style="left:${(stepPosition(tick, frame) / 10).toFixed(2)}%">${tickText(tick)}</span>`,
    )}</div>
</div>
${dataScript('chart-data', series)}
</figure>`;
}

function legend(series: { label: string; values: (number | null)[] }[]): Html {
  return html`<span class="legend">${series.map(
    (one, index) =>
      html`<span><i class="s${index % 6}"></i>${one.label} <b>${tickText(lastValue(one.values))}</b></span>`,
  )}</span>`;
}

/** Set, not measured: there is no noise to smooth away. */
function isSchedule(name: string): boolean {
  return name.endsWith('learning_rate');
}

function spoken(chart: LineChart): string {
  const parts = chart.series.map(({ label, points }) => {
    const finite = points.values.filter((value) => value !== null);
    return `${label} from ${tickText(finite[0]!)} to ${tickText(finite.at(-1)!)}`;
  });
  return `${chart.title}: ${parts.join('; ')}`;
}

function lastValue(values: (number | null)[]): number {
  return values.findLast((value) => value !== null) ?? Number.NaN;
}
