import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** One curve: values over steps. A value that was not a finite number is null, and the curve has a gap there. */
export interface MetricSeries {
  /** As logged: `train/loss`. */
  name: string;
  steps: number[];
  values: (number | null)[];
}

/**
 * The curves of a `metrics.jsonl`, in order of first appearance. A torn last line, as a killed run leaves it, is
 * passed over; a missing file gives no curves.
 */
export async function readMetrics(path: string): Promise<MetricSeries[]> {
  const series = new Map<string, MetricSeries>();
  for await (const line of jsonLines(path)) {
    const step = line.step;
    if (typeof step !== 'number') continue;
    for (const [name, value] of Object.entries(line)) {
      if (name === 'step' || name === 'time') continue;
      const known = series.get(name) ?? { name, steps: [], values: [] };
      known.steps.push(step);
      known.values.push(typeof value === 'number' && Number.isFinite(value) ? value : null);
      series.set(name, known);
    }
  }
  return [...series.values()];
}

/** The objects of a JSONL file one by one, never the whole file at once; lines that hold none are passed over. */
export async function* jsonLines(path: string): AsyncGenerator<Record<string, unknown>> {
  if (!existsSync(path)) return;
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    const value = parseObject(line);
    if (value !== null) yield value;
  }
}

/**
 * At most `limit` points of a curve that looks the same: the lowest and the highest of each stretch survive, so a
 * spike is never lost.
 */
export function thinned(series: MetricSeries, limit: number): MetricSeries {
  const count = series.steps.length;
  if (count <= limit) return series;
  const stretches = Math.floor(limit / 2) - 1;
  const kept = new Set([0, count - 1]);
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    const from = Math.floor((stretch * count) / stretches);
    const to = Math.floor(((stretch + 1) * count) / stretches);
    for (const index of extremes(series.values, from, to)) kept.add(index);
  }
  const indices = [...kept].sort((left, right) => left - right);
  return {
    name: series.name,
    steps: indices.map((index) => series.steps[index]!),
    values: indices.map((index) => series.values[index]!),
  };
}

function extremes(values: (number | null)[], from: number, to: number): number[] {
  let lowest = from;
  let highest = from;
  for (let index = from; index < to; index += 1) {
    const value = values[index] ?? null;
    if (value === null) continue;
    if (value < (values[lowest] ?? Number.POSITIVE_INFINITY)) lowest = index;
    if (value > (values[highest] ?? Number.NEGATIVE_INFINITY)) highest = index;
  }
  return [lowest, highest];
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
