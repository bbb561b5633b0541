import { configError } from '../config-error.js';
import type { Repository } from '../defaults/repository.js';
import { rangeValues } from '../override/float-range.js';
import { shuffled } from '../override/functions.js';
import { isSweepOverride, keyElement, type Override, parseOverride } from '../override/parse.js';
import { renderValue } from '../override/render.js';
import { ChoiceSweep, Glob, IntervalSweep, type Parsed, QuotedText, RangeSweep } from '../override/value.js';
import { lastOfEachKey } from './last-of-key.js';
import type { JobOverrides, Sweeper } from './sweeper.js';

const MAX_JOBS = 100_000;

export interface BasicSettings {
  /** Jobs per batch; null for all at once. */
  maxBatchSize: number | null;
  /**
   * Print what the reference prints also where it means something else to a job: `~key` as `~key=null`, which deletes only a
   * null, `key=extend_list(x)` as `key=[x]`, which replaces the list, and texts with quotes so that they cannot be read back.
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
    jobs: jobs.length,
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
  return sweepTexts(override, repository, asReference).map((text) => `${keyElement(override)}=${text}`);
}

/** An override without a sweep, as a job gets it. */
export function fixedText(override: Override, asReference = false): string {
  const key = keyElement(override);
  if (override.valueType === undefined) return asReference ? `${key}=null` : key;
  const value = valueText(override.value, asReference);
  if (override.type === 'extend' && !asReference) return `${key}=extend_list(${value.slice(1, -1)})`;
  return `${key}=${value}`;
}

/** The values a discrete sweep goes through, as text and in order. Throws `config.sweep` for intervals, which have none. */
export function sweepTexts(
  { value, key, input }: Override,
  repository: Repository,
  asReference = false,
): string[] {
  if (value instanceof ChoiceSweep) {
    const list = value.shuffle ? shuffled(value.list) : value.list;
    return list.map((item) => valueText(item, asReference));
  }
  if (value instanceof Glob) {
    const names = value.filter(repository.options(key));
    // The reference passes on the names as they are.
    return asReference ? names : names.map((name) => (readsBack(name) ? name : valueText(name)));
  }
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

/** The reference's text of a value; in quotes where that could not be read back, as of JSON or of quotes inside a text. */
function valueText(value: Parsed, asReference = false): string {
  const text = renderValue(value);
  if (asReference || typeof value !== 'string' || readsBack(text)) return text;
  return renderValue(new QuotedText(value, "'"));
}

function readsBack(text: string): boolean {
  try {
    return parseOverride(`key=${text}`).valueType === 'element';
  } catch {
    return false;
  }
}

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
