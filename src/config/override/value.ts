import { configError } from '../config-error.js';
import { PyDict, PyMap, type PyValue, type Scalar } from '../python-value.js';

/** Text that was written in quotes; it prints in the same quotes. */
export class QuotedText {
  readonly text: string;
  readonly quote: "'" | '"';
  constructor(text: string, quote: "'" | '"') {
    this.text = text;
    this.quote = quote;
  }
}

export class ParsedDict extends PyMap<Parsed> {}

/** `a,b` (simple form) or `choice(a,b)`. */
export class ChoiceSweep {
  tags: string[] = [];
  shuffle = false;
  simple: boolean;
  list: Parsed[];
  constructor(list: Parsed[], simple: boolean) {
    this.list = list;
    this.simple = simple;
  }
}

export class RangeSweep {
  tags: string[] = [];
  shuffle = false;
  start: Scalar;
  stop: Scalar;
  step: Scalar;
  constructor(start: Scalar, stop: Scalar, step: Scalar) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

export class IntervalSweep {
  tags: string[] = [];
  start: Scalar;
  end: Scalar;
  constructor(start: Scalar, end: Scalar) {
    this.start = start;
    this.end = end;
  }
}

/** `glob(*)`: the options of a group by name. */
export class Glob {
  readonly include: Parsed[];
  readonly exclude: Parsed[];
  constructor(include: Parsed[], exclude: Parsed[]) {
    this.include = include;
    this.exclude = exclude;
  }

  filter(names: string[]): string[] {
    const matches = (name: string, patterns: Parsed[]) =>
      patterns.some((pattern) => wildcard(pattern).test(name));
    return names.filter((name) => matches(name, this.include) && !matches(name, this.exclude));
  }
}

/** `extend_list(a,b)`. */
export class ListExtension {
  readonly values: Parsed[];
  constructor(values: Parsed[]) {
    this.values = values;
  }
}

export type Sweep = ChoiceSweep | RangeSweep | IntervalSweep;
export type Parsed = Scalar | QuotedText | Parsed[] | ParsedDict | Sweep | Glob | ListExtension;

export function isSweep(value: unknown): value is Sweep {
  return value instanceof ChoiceSweep || value instanceof RangeSweep || value instanceof IntervalSweep;
}

/** The value an override sets, quotes gone. Throws `config.value_type` for a sweep or function inside it. */
export function settledValue(value: Parsed): PyValue {
  if (value instanceof QuotedText) return value.text;
  if (Array.isArray(value)) return value.map(settledValue);
  if (value instanceof ParsedDict) {
    return new PyDict(Array.from(value, ([key, item]) => [key, settledValue(item)] as const));
  }
  if (isSweep(value) || value instanceof Glob || value instanceof ListExtension) {
    throw configError('value_type', 'a sweep inside a list or mapping cannot be set as a value');
  }
  return value;
}

/** A shell pattern as a regular expression: `*`, `?`, `[ab]`, `[!a]`. */
function wildcard(written: Parsed): RegExp {
  const pattern = written instanceof QuotedText ? written.text : written;
  if (typeof pattern !== 'string') throw configError('compose', 'a pattern of glob() must be text; quote it');
  let source = '';
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index]!;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '[') {
      const close = pattern.indexOf(
        ']',
        pattern[index + 1] === '!' || pattern[index + 1] === ']' ? index + 2 : index + 1,
      );
      if (close < 0) {
        source += '\\[';
        continue;
      }
      const set = pattern
        .slice(index + 1, close)
        .replaceAll('\\', '\\\\')
        .replace(/^!/, '^');
      source += `[${set}]`;
      index = close;
    } else source += char.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
  return new RegExp(`^${source}$`, 's');
}
