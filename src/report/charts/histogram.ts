import { type Html, type HtmlValue, html } from '../html.js';
import { axisTicks, tickText } from './curve.js';

/** Counts over equal bins of [low, high], one list per group; groups are stacked in the order given. */
export interface Histogram {
  title: string;
  note?: HtmlValue;
  low: number;
  high: number;
  groups: { label: string; className: string; counts: number[] }[];
}

/** A card with a stacked histogram. */
export function histogramChart(chart: Histogram): Html {
  const bins = chart.groups[0]!.counts.length;
  const totals = Array.from({ length: bins }, (_, bin) =>
    sum(chart.groups.map((group) => group.counts[bin]!)),
  );
  const highest = Math.max(1, ...totals);
  const span = chart.high - chart.low || 1;
  return html`<figure class="card chart">
<figcaption><span class="chart-title">${chart.title}</span><span class="legend">${chart.groups.map(
    (group) =>
      html`<span><i class="${group.className}"></i>${group.label} <b>${sum(group.counts).toLocaleString('en-US')}</b></span>`,
  )}</span></figcaption>
<div class="plot">
<div class="axis-y">${axisTicks(0, highest * 1.05, false, 4)
    .filter(Number.isInteger)
    .map(
      (tick) =>
        html`<span style="top:${(100 - (100 * tick) / (highest * 1.05)).toFixed(2)}%">${tickText(tick)}</span>`,
    )}</div>
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${chart.title}">${chart.groups.map(
    (group, index) =>
      html`<path class="bars ${group.className}" d="${barsPath(chart.groups, index, bins, highest * 1.05)}"/>`,
  )}</svg>
<div class="axis-x">${axisTicks(chart.low, chart.high, false, 4).map(
    (tick) =>
      html`<span style="left:${((100 * (tick - chart.low)) / span).toFixed(2)}%">${tickText(tick)}</span>`,
  )}</div>
</div>
${chart.note !== undefined && html`<p class="note">${chart.note}</p>`}
</figure>`;
}

/** Counts of values per bin; the top edge belongs to the last bin. */
export function binned(values: number[], low: number, high: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  const width = (high - low) / bins || 1;
  for (const value of values) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor((value - low) / width)));
    counts[bin]! += 1;
  }
  return counts;
}

function barsPath(groups: Histogram['groups'], index: number, bins: number, top: number): string {
  const width = 1000 / bins;
  let path = '';
  for (let bin = 0; bin < bins; bin += 1) {
    const count = groups[index]!.counts[bin]!;
    if (count === 0) continue;
    const below = sum(groups.slice(0, index).map((group) => group.counts[bin]!));
    const y = 1000 - (1000 * (below + count)) / top;
    const height = (1000 * count) / top;
    path += `M${(bin * width + 0.08 * width).toFixed(1)},${y.toFixed(1)}h${(0.84 * width).toFixed(1)}v${height.toFixed(1)}h${(-0.84 * width).toFixed(1)}z`;
  }
  return path;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
