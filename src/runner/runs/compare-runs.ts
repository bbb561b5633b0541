import type { Artifact } from '../artifact.js';
import type { MetricValue, RunRecord } from '../run-record.js';
import type { FoundRun } from './find-run.js';
import { lastMetrics } from './last-metrics.js';

/** Something that two runs have each in their own way; undefined: one does not have it. */
export interface Difference<Value> {
  key: string;
  a: Value | undefined;
  b: Value | undefined;
}

export interface RunComparison {
  /** Where they differ. */
  config: Difference<unknown>[];
  versions: Difference<string | null>[];
  /** By name, all of them: their hashes. */
  inputs: Difference<string>[];
  outputs: Difference<string>[];
  /** All of them: the last values, and the numbers of the result (`result.…`). */
  metrics: Difference<MetricValue>[];
}

/** Two runs side by side. A run of an earlier version, without its config, shows as one without keys. */
export function compareRuns(a: FoundRun, b: FoundRun): RunComparison {
  const [left, right] = [a.record, b.record];
  return {
    config: pairs(flat(left.config ?? {}), flat(right.config ?? {})).filter(differ),
    versions: pairs(left.versions, right.versions).filter(differ),
    inputs: pairs(hashes(left.inputs), hashes(right.inputs)),
    outputs: pairs(hashes(left.outputs), hashes(right.outputs)),
    metrics: pairs(figures(a), figures(b)),
  };
}

export const differ = ({ a, b }: Difference<unknown>) => JSON.stringify(a) !== JSON.stringify(b);

function pairs<Value>(
  a: Readonly<Record<string, Value>>,
  b: Readonly<Record<string, Value>>,
): Difference<Value>[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].map((key) => ({ key, a: a[key], b: b[key] }));
}

/** `{training: {lr: 1}}` -> `{'training.lr': 1}`; lists and empty mappings are values. */
export function flat(tree: Readonly<Record<string, unknown>>, prefix = ''): Record<string, unknown> {
  const entries = Object.entries(tree).flatMap(([name, value]) => {
    const isTree =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    return isTree
      ? Object.entries(flat(value as Record<string, unknown>, `${prefix}${name}.`))
      : [[`${prefix}${name}`, value]];
  });
  return Object.fromEntries(entries);
}

const hashes = (artifacts: readonly Artifact[]) =>
  Object.fromEntries(artifacts.map(({ name, sha256 }) => [name, sha256]));

function figures(run: FoundRun): Record<string, MetricValue> {
  const result = Object.entries(flat({ result: resultOf(run.record) }));
  const numbers = result.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return { ...lastMetrics(run).values, ...Object.fromEntries(numbers) };
}

const resultOf = ({ facts }: RunRecord) => (facts.result ?? {}) as object;
