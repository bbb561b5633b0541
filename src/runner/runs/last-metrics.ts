import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MetricValue } from '../run-record.js';
import type { FoundRun } from './find-run.js';

/** The last value of each metric and its step: of a run that did not end well, or still runs, only its file knows them. */
export function lastMetrics({ folder, record }: FoundRun): {
  step: number | null;
  values: Record<string, MetricValue>;
} {
  const values: Record<string, MetricValue> = {};
  let last: number | null = null;
  for (const line of linesOf(join(folder, 'metrics.jsonl'))) {
    try {
      const { step, time: _, ...logged } = JSON.parse(line) as Record<string, MetricValue>;
      Object.assign(values, logged);
      if (typeof step === 'number') last = step;
    } catch {
      // the torn last line of a killed run
    }
  }
  return { step: last, values: { ...values, ...record.metrics } };
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
