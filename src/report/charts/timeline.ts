import { durationText } from '../format.js';
import { type Html, html } from '../html.js';
import { statusClass } from '../status.js';

/** One row of a timeline. Times in milliseconds since 1970. */
export interface TimelineRow {
  label: string;
  status: string;
  /** null: it never ran, and the row says `text`. */
  from: number | null;
  to: number | null;
  /** In place of a duration. */
  text?: string;
}

/** When each step ran, as bars over one axis of time that begins with the first: a Gantt chart. null where none ran. */
export function timeline(rows: TimelineRow[]): Html | null {
  const times = rows.flatMap(({ from, to }) => [from, to].filter((time) => time !== null));
  if (times.length === 0) return null;
  const start = Math.min(...times);
  const span = Math.max(...times) - start || 1;
  const share = (time: number) => `${((100 * (time - start)) / span).toFixed(2)}%`;
  const ticks = secondTicks(span / 1000);
  return html`<figure class="card chart"><figcaption><span class="chart-title">When each step ran</span></figcaption>
<div class="bar-rows timeline">${rows.map(({ label, status, from, to, text }) => {
    const width = from === null || to === null ? null : (100 * (to - from)) / span;
    return html`<div class="bar-row"><span class="bar-label" title="${label}">${label}</span>
<span class="bar-track">${ticks.map((tick) => html`<i style="left:${share(start + 1000 * tick)}"></i>`)}${
      width !== null &&
      html`<span class="bar status-${statusClass(status)}" style="left:${share(from!)};width:${width.toFixed(2)}%" title="${label}: ${status}"></span>`
    }</span><span class="bar-text">${text ?? (from === null || to === null ? status : durationText((to - from) / 1000))}</span></div>`;
  })}<div class="bar-row"><span></span><span class="time-axis">${ticks.map(
    (tick) =>
      html`<span style="left:${share(start + 1000 * tick)}">${tick === 0 ? '0' : tickTime(tick)}</span>`,
  )}</span><span></span></div></div>
</figure>`;
}

/** Strides of a clock: what people count time in. */
const STRIDES = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800],
  ...[3600, 7200, 14400, 28800, 86400],
];

/** Three to five round times from 0 on. */
function secondTicks(seconds: number): number[] {
  const days = Math.max(1, Math.ceil(seconds / 86400 / 4));
  const stride = STRIDES.find((one) => seconds / one <= 4.5) ?? 86400 * days;
  return Array.from({ length: Math.floor(seconds / stride) + 1 }, (_, index) => index * stride);
}

/** 90 -> `1:30 min`, 0.5 -> `0.5 s`. */
function tickTime(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 3600)
    return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)}:${seconds % 60} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}
