import { dataScript, type Html, type HtmlValue, html } from '../html.js';
import { type MetricSeries, thinned } from '../metrics.js';
import {
  axisTicks,
  curvePath,
  dotsPath,
  type Frame,
  frameOf,
  smoothed,
  stepPosition,
  stepTicks,
  tickText,
  valuePosition,
} from './curve.js';

/** More points than this are thinned: no screen shows them, and the page carries each point as text. */
const MOST_POINTS = 800;
/** Of all curves of a chart together; each keeps at least the number after it. */
const MOST_POINTS_OF_CHART = 8000;
const LEAST_POINTS = 60;
/** A curve of so few points shows each of them, and is never smoothed. */
const FEW_POINTS = 40;

export interface LineChart {
  title: string;
  series: ChartCurve[];
  /** In place of the legend, where there are too many curves for one. */
  key?: HtmlValue;
}

export interface ChartCurve {
  label: string;
  points: MetricSeries;
  /** 0 the best to 100 the worst: a place on the colour ramp, in a chart of too many curves for a colour each. */
  shade?: number;
}

/** A curve as the page carries it. */
interface Drawn {
  label: string;
  name: string;
  steps: number[];
  values: (number | null)[];
  smooth: boolean;
  shade?: number;
}

/** Weight of the moving average that a curve of so many points opens with. */
export function openingWeight(points: number): number {
  if (points <= FEW_POINTS) return 0;
  return points <= 150 ? 0.6 : 0.85;
}

/**
 * A card with one or more curves over steps. Complete without script; with it, values show under the pointer and the
 * page's slider and switches redraw it (see script/curves.ts).
 */
export function lineChart(chart: LineChart, weight: number): Html {
  const most = Math.min(MOST_POINTS, Math.max(LEAST_POINTS, MOST_POINTS_OF_CHART / chart.series.length));
  const series = chart.series.map((one) => drawn(one, most));
  const steps = series.map((one) => one.steps);
  const values = series.map((one) => one.values);
  const frame = frameOf(steps, values, false, false);
  const crowd = chart.series.some((one) => one.shade !== undefined);
  return html`<figure class="card chart" data-chart="${crowd ? 'crowd' : 'few'}">
<figcaption><span class="chart-title">${chart.title}</span>${crowd ? chart.key : legend(series)}</figcaption>
<div class="plot">
<div class="axis-y">${axisTicks(frame.low, frame.high, false, 4).map(
    (tick) =>
      html`<span style="top:${(valuePosition(tick, frame) / 10).toFixed(2)}%">${tickText(tick)}</span>`,
  )}</div>
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${spoken(chart)}">
<g class="grid">${axisTicks(frame.low, frame.high, false, 4).map(
    (tick) => html`<path d="M0,${valuePosition(tick, frame).toFixed(1)}H1000"/>`,
  )}</g>
${series.map((one, index) => strokes(one, index, frame, weight))}</svg>
<div class="axis-x">${stepTicks(frame).map(
    (tick) =>
      html`<span style="left:${(stepPosition(tick, frame) / 10).toFixed(2)}%">${tickText(tick)}</span>`,
  )}</div>
</div>
${dataScript('chart-data', series)}
</figure>`;
}

function drawn({ label, points, shade }: ChartCurve, most: number): Drawn {
  const { name, steps, values } = thinned(points, most);
  return {
    label,
    name,
    steps,
    // Six digits: what is told under the pointer has four.
    values: values.map((value) => value && Number(value.toPrecision(6))),
    smooth: points.steps.length > FEW_POINTS && !isSchedule(name),
    ...(shade === undefined ? {} : { shade: Math.round(shade) }),
  };
}

function strokes(one: Drawn, index: number, frame: Frame, weight: number): Html {
  const average = curvePath(one.steps, smoothed(one.values, one.smooth ? weight : 0), frame);
  const dots = dotsPath(one.steps, one.values, frame);
  if (one.shade !== undefined) {
    const single = one.steps.length === 1;
    return html`<path class="${single ? 'dots' : 'line'} ramp${one.shade === 0 && ' best'}" style="--shade:${one.shade}%" data-series="${index}" d="${single ? dots : average}"/>`;
  }
  const color = `s${index % 6}`;
  return html`<path class="raw ${color}${(weight === 0 || !one.smooth) && ' off'}" data-series="${index}" d="${curvePath(one.steps, one.values, frame)}"/>
<path class="line ${color}" data-series="${index}" d="${average}"/>
${one.steps.length <= FEW_POINTS && html`<path class="dots ${color}" data-series="${index}" d="${dots}"/>`}`;
}

function legend(series: Drawn[]): Html {
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
  if (chart.series.length > 6) return `${chart.title}: ${chart.series.length} curves`;
  const parts = chart.series.map(({ label, points }) => {
    const finite = points.values.filter((value) => value !== null);
    return `${label} from ${tickText(finite[0]!)} to ${tickText(finite.at(-1)!)}`;
  });
  return `${chart.title}: ${parts.join('; ')}`;
}

function lastValue(values: (number | null)[]): number {
  return values.findLast((value) => value !== null) ?? Number.NaN;
}
