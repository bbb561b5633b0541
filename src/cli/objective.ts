import { join } from 'node:path';
import type { Objective } from '../config/index.js';
import { nearest } from '../config/nearest.js';
import { SluiceError } from '../errors.js';
import { readMetrics } from '../report/metrics.js';
import type { FinishedRun } from '../runner/run-stage.js';

/**
 * What a finished run reached: the last value of the metric in `metrics.jsonl`, or a number of that name in the stage's
 * result. Undefined for a value that is no finite number. Throws where the run has no such metric: a sweeper would learn nothing.
 */
export async function reachedValue(
  { folder, record }: FinishedRun,
  { metric }: Objective,
): Promise<number | undefined> {
  const curves = await readMetrics(join(folder, 'metrics.jsonl'));
  const known = new Map<string, unknown>(Object.entries(record.facts.result ?? {}));
  for (const { name, values } of curves) known.set(name, values.at(-1) ?? Number.NaN);
  const value = known.get(metric);
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;

  const names = [...known].filter(([, one]) => typeof one === 'number').map(([name]) => name);
  const [close] = nearest(metric, names);
  throw new SluiceError(
    'config.objective',
    `the run has no metric ${metric}, which the sweep is to judge it by`,
    {
      where: folder,
      hint:
        names.length === 0
          ? `${record.stage} logs no metric: take the sweeper random, without an objective`
          : `hydra.sweeper.objective=${close ?? names[0]}; it has ${names.join(', ')}`,
    },
  );
}
