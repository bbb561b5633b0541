import { configError } from '../config-error.js';
import type { Repository } from '../defaults/repository.js';
import { rangeValues } from '../override/float-range.js';
import { shuffled } from '../override/functions.js';
import { isSweepOverride, keyElement, type Override, valueText } from '../override/parse.js';
import { renderValue } from '../override/render.js';
import {
  ChoiceSweep,
  Glob,
  IntervalSweep,
  ListExtension,
  type Parsed,
  ParsedDict,
  RangeSweep,
} from '../override/value.js';
import type { JobOverrides, Sweeper } from './sweeper.js';

const MAX_JOBS = 100_000;

export interface BasicSettings {
  /** Jobs per batch; null for all at once. */
  maxBatchSize: number | null;
  /** Print `~key` as the reference does, `~key=null`, which then deletes only a null. */
  deletionsAsReference?: boolean;
}

/** Every combination of all sweeps, the last override varying fastest. */
export function basicSweeper(
  overrides: Override[],
  repository: Repository,
  settings: BasicSettings,
): Sweeper {
  const { maxBatchSize } = settings;
  if (maxBatchSize !== null && !(maxBatchSize > 0)) {
    throw configError('default', `hydra.sweeper.max_batch_size=${maxBatchSize} must be at least 1`, {
      where: 'hydra.sweeper.max_batch_size',
    });
  }
  const choices = lastOnly(overrides, repository).map((override) => texts(override, repository, settings));
  const jobs = product(choices);
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

function texts(override: Override, repository: Repository, settings: BasicSettings): string[] {
  const key = keyElement(override);
  if (override.valueType === undefined) return [settings.deletionsAsReference ? `${key}=null` : key];
  if (override.type === 'extend') return [`${key}=extend_list(${valueText(override).slice(1, -1)})`];
  if (!isSweepOverride(override)) return [`${key}=${valueText(override)}`];
  return sweepValues(override, repository).map((value) => `${key}=${renderValue(value)}`);
}

/** The values a discrete sweep goes through, in order. Throws `config.sweep` for intervals, which have none. */
export function sweepValues({ value, key, input }: Override, repository: Repository): Parsed[] {
  if (value instanceof ChoiceSweep) return value.shuffle ? shuffled(value.list) : value.list;
  if (value instanceof Glob) return value.filter(repository.options(key));
  if (value instanceof RangeSweep) {
    const values: Parsed[] = [];
    for (const element of rangeValues(value)) {
      values.push(element);
      if (values.length > MAX_JOBS) throw tooMany(input);
    }
    return value.shuffle ? shuffled(values) : values;
  }
  const type = value instanceof IntervalSweep ? 'INTERVAL_SWEEP' : 'UNKNOWN';
  throw configError('sweep', `BasicSweeper does not support sweep type : ${type}`, {
    where: `override ${input}`,
    hint: 'give the values: choice(…) or range(…); or choose a sweeper that samples intervals: hydra/sweeper=random',
  });
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

/**
 * Drops overrides that a later one of the same key makes pointless, and puts that one in the place of the first:
 * `a=1,2 b=3 a=4` is `a=4 b=3`. Mappings merge, so only a later plain value drops them.
 */
function lastOnly(overrides: Override[], repository: Repository): Override[] {
  const lastPlain = new Map<string, number>();
  const lastDict = new Map<string, number>();
  const lastOption = new Map<string, number>();
  const facts = overrides.map((override, index) => {
    const key = keyElement(override);
    const values = isSweepOverride(override) ? finiteValues(override) : [override.value];
    const glob = override.value instanceof Glob;
    const replaces = values?.every(isPlain);
    const dict = values?.some((value) => value instanceof ParsedDict) ?? false;
    const isGroup = repository.options(override.key).length > 0;
    const option = isGroup && (replaces || glob);
    const plain = !isGroup && replaces;
    if (option && override.type === 'change') lastOption.set(key, index);
    if (plain) lastPlain.set(key, index);
    if (dict) lastDict.set(key, index);
    return { key, plain, dict, option };
  });
  const dropped = (index: number): boolean => {
    const { key, plain, dict, option } = facts[index]!;
    if (plain && (lastPlain.get(key) !== index || (lastDict.get(key) ?? -1) > index)) return true;
    if (dict && (lastPlain.get(key) ?? -1) > index) return true;
    return option && (lastOption.get(key) ?? -1) > index;
  };
  const kept = overrides.filter((_, index) => !dropped(index));
  return moveToPlaces(overrides, kept, dropped);
}

/** The kept overrides, each at the first place where its key was mentioned. */
function moveToPlaces(
  overrides: Override[],
  kept: Override[],
  dropped: (index: number) => boolean,
): Override[] {
  const ordered: Override[] = [];
  const taken = new Set<Override>();
  overrides.forEach((override, index) => {
    const key = keyElement(override);
    const survivor = dropped(index)
      ? kept.find((one) => keyElement(one) === key && !taken.has(one))
      : override;
    if (survivor === undefined || taken.has(survivor)) return;
    taken.add(survivor);
    ordered.push(survivor);
  });
  return ordered;
}

/** Kinds matter here, not values: one element of a range stands for all. Undefined for sweeps without elements. */
function finiteValues({ value }: Override): Parsed[] | undefined {
  if (value instanceof ChoiceSweep) return value.list;
  if (value instanceof RangeSweep) return [value.start];
  return undefined;
}

function isPlain(value: Parsed): boolean {
  const composite =
    value instanceof ParsedDict || value instanceof ChoiceSweep || value instanceof RangeSweep;
  return !(
    composite ||
    value instanceof IntervalSweep ||
    value instanceof Glob ||
    value instanceof ListExtension
  );
}
