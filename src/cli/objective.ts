import { join, resolve } from 'node:path';
import type { Objective } from '../config/index.js';
import { nearest } from '../config/nearest.js';
import { SluiceError } from '../errors.js';
import { type MetricSeries, readMetrics } from '../report/metrics.js';
import { type RunRecord, readRunRecord, type StepRecord } from '../runner/run-record.js';
import type { FinishedRun } from '../runner/run-stage.js';

type Reached = Record<string, number | null>;

/**
 * What a finished run reached, by name: the last value of each metric it logged and the numbers of the stage's result. A
 * value that is no finite number is null. Of a pipeline: what each of its steps reached, by `<step>.<name>`.
 */
export function reachedValues({ folder, record }: FinishedRun): Reached {
  if (record.steps === undefined) return valuesOf(record);
  const reached: Reached = {};
  for (const step of record.steps) {
    const values = step.folder === null ? {} : valuesIn(resolve(folder, step.folder));
    for (const [name, value] of Object.entries(values)) reached[`${step.name}.${name}`] = value;
  }
  return reached;
}

function valuesIn(folder: string): Reached {
  try {
    return valuesOf(readRunRecord(folder));
  } catch {
    return {}; // deleted since
  }
}

function valuesOf(record: RunRecord): Reached {
  const numbers = Object.entries(record.facts.result ?? {}).filter(([, value]) => typeof value === 'number');
  const named = [...numbers, ...Object.entries(record.metrics)];
  return Object.fromEntries(named.map(([name, value]) => [name, Number.isFinite(value) ? value : null]));
}

/** The curve of a metric of a finished run; undefined where it has none. */
export async function reachedCurve(
  { folder, record }: FinishedRun,
  metric: string,
): Promise<MetricSeries | undefined> {
  const step = stepOf(record, metric);
  const own = step?.folder == null ? folder : resolve(folder, step.folder);
  const name = step === undefined ? metric : metric.slice(step.name.length + 1);
  return (await readMetrics(join(own, 'metrics.jsonl'))).find((curve) => curve.name === name);
}

/** The step of a pipeline that a metric is of; undefined where it names none. */
export const stepOf = ({ steps }: RunRecord, metric: string): StepRecord | undefined =>
  steps?.find(({ name }) => metric.startsWith(`${name}.`));

/**
 * The value that a run is judged by; null where it is no finite number. Of a pipeline a name without a step is that of the
 * last step that has it. Throws `config.objective` where the run has no such metric: a sweeper would learn nothing.
 */
export function judgedValue(
  reached: Readonly<Reached>,
  { metric }: Objective,
  { folder, record }: FinishedRun,
): number | null {
  const names = Object.keys(reached);
  const steps = record.steps?.map(({ name }) => `${name}.${metric}`) ?? [];
  const name = reached[metric] === undefined ? steps.findLast((each) => reached[each] !== undefined) : metric;
  if (name !== undefined) return reached[name]!;
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
