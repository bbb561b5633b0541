import { join } from 'node:path';

/** The last value of a metric of a finished run (`metrics.jsonl`), which a sweeper learns from; undefined where it has none. */
export async function reachedValue(folder: string, metric: string): Promise<number | undefined> {
  const { readMetrics } = await import('../report/metrics.js');
  const curves = await readMetrics(join(folder, 'metrics.jsonl'));
  return curves.find(({ name }) => name === metric)?.values.at(-1) ?? undefined;
}
