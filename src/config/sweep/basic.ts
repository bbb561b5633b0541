import { configError } from '../config-error.js';
import type { Repository } from '../defaults/repository.js';
import { rangeValues } from '../override/float-range.js';
import { shuffled } from '../override/functions.js';
import { isSweepOverride, keyElement, type Override, valueText } from '../override/parse.js';
import { renderValue } from '../override/render.js';
import { ChoiceSweep, Glob, IntervalSweep, RangeSweep } from '../override/value.js';
import { lastOfEachKey } from './last-of-key.js';
import type { JobOverrides, Sweeper } from './sweeper.js';

const MAX_JOBS = 100_000;

export interface BasicSettings {
  /** Jobs per batch; null for all at once. */
  maxBatchSize: number | null;
  /**
   * Print `~key` as the reference does, `~key=null`, which then deletes only a null, and `key=extend_list(x)` as `key=[x]`,
   * which then replaces the list.
   */
  asReference?: boolean;
}

/** Every combination of all sweeps, the last override varying fastest. */
export function basicSweeper(
  overrides: Override[],
  repository: Repository,
  { maxBatchSize, asReference = false }: BasicSettings,
): Sweeper {
  const jobs = product(
    lastOfEachKey(overrides, (override) => choices(override, repository, asReference), asReference),
  );
  const size = maxBatchSize ?? Math.max(jobs.length, 1);
  let next = 0;
  // Without a batch size the reference asks for one batch, be it empty.
  let emptyBatch = jobs.length === 0 && maxBatchSize === null;
  return {
    ask() {
      if (next >= jobs.length) {
        if (!emptyBatch) return undefined;
        emptyBatch = false;
      }
      const batch = jobs.slice(next, next + size);
      next += batch.length;
      return batch;
    },
    tell: () => undefined,
  };
}

/** What one override contributes to the jobs: one text per value of its sweep. */
function choices(override: Override, repository: Repository, asReference: boolean): string[] {
  if (!isSweepOverride(override)) return [fixedText(override, asReference)];
  return sweepTexts(override, repository).map((text) => `${keyElement(override)}=${text}`);
}

/** An override without a sweep, as a job gets it. */
export function fixedText(override: Override, asReference = false): string {
  const key = keyElement(override);
  if (override.valueType === undefined) return asReference ? `${key}=null` : key;
  const value = valueText(override);
  if (override.type === 'extend' && !asReference) return `${key}=extend_list(${value.slice(1, -1)})`;
  return `${key}=${value}`;
}

/** The values a discrete sweep goes through, as text and in order. Throws `config.sweep` for intervals, which have none. */
export function sweepTexts({ value, key, input }: Override, repository: Repository): string[] {
  if (value instanceof ChoiceSweep) {
    return (value.shuffle ? shuffled(value.list) : value.list).map(renderValue);
  }
  if (value instanceof Glob) return value.filter(repository.options(key)).map(optionText);
  if (value instanceof RangeSweep) {
    const texts: string[] = [];
    for (const element of rangeValues(value)) {
      texts.push(renderValue(element));
      if (texts.length > MAX_JOBS) throw tooMany(input);
    }
    return value.shuffle ? shuffled(texts) : texts;
  }
  const type = value instanceof IntervalSweep ? 'INTERVAL_SWEEP' : 'UNKNOWN';
  throw configError('sweep', `BasicSweeper does not support sweep type : ${type}`, {
    where: `override ${input}`,
    hint: 'give the values: choice(…) or range(…); or choose a sweeper that samples intervals: hydra/sweeper=random',
  });
}

// Names found by a pattern are passed on as they are; only what the grammar would take for its own is escaped.
const optionText = (name: string): string => name.replace(/[\\()[\]{}=,\t]/g, '\\$&');

function product(lists: string[][]): JobOverrides[] {
  const count = lists.reduce((jobs, list) => jobs * list.length, 1);
  if (count > MAX_JOBS) throw tooMany(lists.map((list) => list.length).join(' × '));
  return lists.reduce<JobOverrides[]>(
    (jobs, list) => jobs.flatMap((job) => list.map((text) => [...job, text])),
    [[]],
  );
}

function tooMany(what: string): Error {
  return configError('sweep', `the sweep ${what} has more than ${MAX_JOBS} jobs`);
}
