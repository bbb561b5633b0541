import { dataScript, type Html, html } from '../html.js';
import { shortKey } from '../short-key.js';
import { axisTicks, tickText } from './curve.js';

/** One upright axis; places on it run from 0 (top) to 1000 (bottom), as in charts/curve.ts. */
export interface ParallelAxis {
  title: string;
  ticks: { place: number; text: string }[];
  /** Where each line crosses it; null where a line has no value. */
  places: (number | null)[];
}

export interface ParallelLine {
  /** Told under the pointer. */
  label: string;
  /** 0 the best to 100 the worst; null where nothing judges it. */
  shade: number | null;
}

/** An axis for these values: of numbers (logarithmic where they span much and are all above zero), or of words in their order. */
export function parallelAxis(title: string, values: (string | number | null)[]): ParallelAxis {
  const known = values.filter((value) => value !== null);
  const numbers = known.map(Number);
  if (known.length > 0 && numbers.every(Number.isFinite) && known.every((value) => value !== ''))
    return numberAxis(title, values, numbers);
  const words = [...new Set(known.map(String))];
  const place = (word: string) =>
    words.length === 1 ? 500 : 40 + (920 * words.indexOf(word)) / (words.length - 1);
  return {
    title,
    ticks: words.map((text) => ({ place: place(text), text })),
    places: values.map((value) => (value === null ? null : place(String(value)))),
  };
}

/** Values that span so many times the lowest one get a logarithmic axis. */
const LOGARITHMIC_SPAN = 20;

function numberAxis(title: string, values: (string | number | null)[], numbers: number[]): ParallelAxis {
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  const logarithmic = low > 0 && high / low > LOGARITHMIC_SPAN;
  const scale = logarithmic ? Math.log : (value: number) => value;
  const span = scale(high) - scale(low);
  const place = (value: number) => (span === 0 ? 500 : (1000 * (scale(high) - scale(value))) / span);
  const few = [...new Set(numbers)];
  const marked = few.length <= 5 ? few : axisTicks(low, high, logarithmic, 4);
  return {
    title,
    ticks: apart(marked.map((value) => ({ place: place(value), text: tickText(value) }))),
    places: values.map((value) => (value === null ? null : place(Number(value)))),
  };
}

/** So far apart, of 1000, two labels do not cover each other. */
const LABEL_HEIGHT = 55;

/** Ticks that can be read: of those that would cover one another the outermost stay. */
function apart(ticks: ParallelAxis['ticks']): ParallelAxis['ticks'] {
  const kept: ParallelAxis['ticks'] = [];
  const ends = (tick: { place: number }) => Math.abs(tick.place - 500);
  for (const tick of [...ticks].sort((left, right) => ends(right) - ends(left)))
    if (kept.every((other) => Math.abs(other.place - tick.place) >= LABEL_HEIGHT)) kept.push(tick);
  return kept;
}

/**
 * A card of parallel axes with a line per job. Lines without a judgement are grey and drawn first, the best one last.
 * With script, the pointer tells of the nearest line, and dragging along an axis keeps only the lines that pass there.
 */
export function parallelCoordinates(title: string, axes: ParallelAxis[], lines: ParallelLine[]): Html {
  const order = lines
    .map((line, index) => ({ line, index }))
    .sort((left, right) => (right.line.shade ?? 101) - (left.line.shade ?? 101));
  const titles = axes.map((axis) => axis.title);
  return html`<figure class="card chart"><figcaption><span class="chart-title">${title}</span><span class="legend brush-note" hidden>drag along an axis to choose, click it to choose all</span></figcaption>
<div class="scroll"><div class="parallel" style="--axes:${axes.length}" data-parallel>
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${title}: ${lines.length} jobs over ${axes.map((axis) => axis.title).join(', ')}">
${order.map(
  ({ line, index }) =>
    html`<path class="${line.shade === null ? 'unjudged' : `ramp${line.shade === 0 ? ' best' : ''}`}"${
      line.shade !== null && html` style="--shade:${Math.round(line.shade)}%"`
    } data-line="${index}" d="${linePath(axes, index)}"/>`,
)}</svg>
${axes.map(
  (axis, index) =>
    html`<div class="parallel-axis${index === axes.length - 1 && ' last'}" style="left:${axisPlace(index, axes.length) / 10}%"><b title="${axis.title}">${clipped(shortKey(axis.title, titles), 18)}</b>${axis.ticks.map(
      (tick) => html`<span style="top:${(tick.place / 10).toFixed(2)}%">${clipped(tick.text)}</span>`,
    )}</div>`,
)}
</div></div>
${dataScript('parallel-data', { lines, places: axes.map((axis) => axis.places.map((place) => place && Math.round(place))) })}
</figure>`;
}

function linePath(axes: ParallelAxis[], line: number): string {
  let path = '';
  let pen = 'M';
  axes.forEach((axis, index) => {
    const place = axis.places[line] ?? null;
    if (place !== null) path += `${pen}${axisPlace(index, axes.length).toFixed(1)},${place.toFixed(1)}`;
    pen = place === null ? 'M' : 'L';
  });
  return path;
}

function axisPlace(index: number, count: number): number {
  return count === 1 ? 500 : (1000 * index) / (count - 1);
}

function clipped(text: string, length = 16): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
