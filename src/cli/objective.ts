import type { Objective } from '../config/index.js';
import { nearest } from '../config/nearest.js';
import { SluiceError } from '../errors.js';
import type { FinishedRun } from '../runner/run-stage.js';

/**
 * What a finished run reached, by name: the last value of each metric it logged and the numbers of the stage's result. A
 * value that is no finite number is null.
 */
export function reachedValues({ record }: FinishedRun): Record<string, number | null> {
  const numbers = Object.entries(record.facts.result ?? {}).filter(([, value]) => typeof value === 'number');
  const named = [...numbers, ...Object.entries(record.metrics)];
  return Object.fromEntries(named.map(([name, value]) => [name, Number.isFinite(value) ? value : null]));
}

/**
 * The value that a run is judged by; null where it is no finite number. Throws `config.objective` where the run has no
 * such metric: a sweeper would learn nothing.
 */
export function judgedValue(
  reached: Readonly<Record<string, number | null>>,
  { metric }: Objective,
  { folder, record }: FinishedRun,
): number | null {
  const value = reached[metric];
  if (value !== undefined) return value;
  const names = Object.keys(reached);
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
