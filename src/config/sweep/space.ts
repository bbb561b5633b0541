import { configError } from '../config-error.js';
import type { Repository } from '../defaults/repository.js';
import { isSweepOverride, keyElement, type Override, valueText } from '../override/parse.js';
import { renderValue } from '../override/render.js';
import { IntervalSweep, type Parsed, RangeSweep } from '../override/value.js';
import { Float, numeric } from '../python-value.js';
import { sweepValues } from './basic.js';

/** What a sampling sweeper may choose for one key. */
export type Dimension =
  | { kind: 'fixed'; text: string }
  | { kind: 'options'; key: string; texts: string[]; ordered: boolean }
  | { kind: 'interval'; key: string; low: number; high: number; log: boolean; integer: boolean };

/**
 * The search space of a list of overrides. `tag(log, interval(1e-5, 1e-1))` samples the exponent evenly, `tag(int, …)` whole
 * numbers, both may be given.
 */
export function searchSpace(overrides: Override[], repository: Repository): Dimension[] {
  return overrides.map((override) => dimension(override, repository));
}

function dimension(override: Override, repository: Repository): Dimension {
  const key = keyElement(override);
  if (!isSweepOverride(override)) {
    return { kind: 'fixed', text: override.valueType === undefined ? key : `${key}=${valueText(override)}` };
  }
  const { value } = override;
  if (value instanceof IntervalSweep) {
    const low = numeric(value.start)!;
    const high = numeric(value.end)!;
    const log = value.tags.includes('log');
    if (!(low < high) || (log && low <= 0)) {
      throw configError(
        'sweep',
        `interval(${low}, ${high}) is empty${log ? ' or reaches 0, which has no logarithm' : ''}`,
        {
          where: `override ${override.input}`,
        },
      );
    }
    const integer = value.tags.includes('int') || isWhole(value);
    return { kind: 'interval', key, low, high, log, integer };
  }
  const texts = sweepValues(override, repository).map(renderValue);
  return { kind: 'options', key, texts, ordered: value instanceof RangeSweep };
}

/** `int(interval(1, 10))` has integer ends. */
function isWhole({ start, end }: IntervalSweep): boolean {
  return typeof start === 'number' && typeof end === 'number';
}

/** The override text of a point in an interval. */
export function intervalText(key: string, value: number, integer: boolean): string {
  const shown: Parsed = integer ? Math.round(value) : new Float(value);
  return `${key}=${renderValue(shown)}`;
}
