import { configError } from '../config-error.js';
import type { Repository } from '../defaults/repository.js';
import { rangeElements } from '../override/float-range.js';
import { isSweepOverride, keyElement, type Override } from '../override/parse.js';
import { renderValue } from '../override/render.js';
import { IntervalSweep, RangeSweep } from '../override/value.js';
import { Float, numeric } from '../python-value.js';
import { type Axis, floatAxis, gridAxis } from './axis.js';
import { fixedText, sweepTexts } from './basic.js';
import { lastOfEachKey } from './last-of-key.js';

/** What a sampling sweeper may choose for one key. A coordinate is an option's index, or a place on an axis. */
export type Dimension =
  | { kind: 'fixed'; text: string }
  | { kind: 'options'; key: string; texts: string[] }
  | { kind: 'axis'; key: string; axis: Axis };

/**
 * The search space of a list of overrides: `choice`, `glob` and shuffled ranges are options without order, `range` and
 * `interval` are axes. `tag(log, …)` makes the steps of an axis equal ratios, `tag(int, interval(…))` and
 * `int(interval(…))` keep to whole numbers.
 */
export function searchSpace(overrides: Override[], repository: Repository): Dimension[] {
  return lastOfEachKey(overrides, (override) => dimension(override, repository));
}

/** How many different points there are; infinite with an interval of floats. */
export function pointCount(space: Dimension[]): number {
  return space.reduce((count, one) => {
    if (one.kind === 'fixed') return count;
    return count * (one.kind === 'options' ? one.texts.length : one.axis.count);
  }, 1);
}

/** The overrides that set a point. */
export function pointTexts(space: Dimension[], point: number[]): string[] {
  return space.map((one, index) => {
    if (one.kind === 'fixed') return one.text;
    const at = point[index]!;
    return `${one.key}=${one.kind === 'options' ? one.texts[at] : one.axis.text(at)}`;
  });
}

function dimension(override: Override, repository: Repository): Dimension {
  const key = keyElement(override);
  const { value, input } = override;
  if (!isSweepOverride(override)) return { kind: 'fixed', text: fixedText(override) };
  if (value instanceof IntervalSweep) return { kind: 'axis', key, axis: intervalAxis(value, input) };
  if (value instanceof RangeSweep && !value.shuffle) {
    const elements = rangeElements(value);
    if (elements.length === 0) throw empty(input);
    const log = value.tags.includes('log');
    const numbers = elements.map((element) => numeric(element)!);
    if (log && numbers.some((number) => number <= 0)) throw noLogarithm(input);
    return { kind: 'axis', key, axis: gridAxis(numbers, (index) => renderValue(elements[index]!), log) };
  }
  const texts = [...new Set(sweepTexts(override, repository))];
  if (texts.length === 0) throw empty(input);
  return { kind: 'options', key, texts };
}

const MAX_STEPS = 100_000;

function intervalAxis({ start, end, tags }: IntervalSweep, input: string): Axis {
  const low = numeric(start)!;
  const high = numeric(end)!;
  const log = tags.includes('log');
  if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) throw empty(input);
  if (log && low <= 0) throw noLogarithm(input);
  // `int(interval(1, 10))` has whole ends, which a bare interval never has.
  if (!tags.includes('int') && (start instanceof Float || end instanceof Float))
    return floatAxis(low, high, log);
  const first = Math.ceil(low);
  const count = Math.floor(high) - first + 1;
  if (count < 1) throw empty(input);
  if (count > MAX_STEPS) return floatAxis(first, first + count - 1, log, true);
  const numbers = Array.from({ length: count }, (_, index) => first + index);
  return gridAxis(numbers, (index) => String(first + index), log);
}

function empty(input: string): Error {
  return configError('sweep', 'there is nothing to choose from', {
    where: `override ${input}`,
    hint: 'an interval goes from its lower to its higher end',
  });
}

function noLogarithm(input: string): Error {
  return configError('sweep', 'tag(log, …) needs values above 0', { where: `override ${input}` });
}
