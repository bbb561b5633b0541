import type { SluiceError } from '../../errors.js';
import { configError } from '../config-error.js';
import { pyStr, pyTypeName } from '../python-text.js';
import { Float, integer, numeric, type PyValue, type Scalar } from '../python-value.js';
import { rangeElements } from './float-range.js';
import { jsonText } from './json-text.js';
import {
  ChoiceSweep,
  Glob,
  IntervalSweep,
  isSweep,
  ListExtension,
  type Parsed,
  ParsedDict,
  QuotedText,
  RangeSweep,
  type Sweep,
} from './value.js';

type Named = ReadonlyMap<string, Parsed>;

/** The functions of the override grammar. Quotes around direct arguments are dropped first, as the reference does. */
const FUNCTIONS: Record<string, (args: Parsed[], named: Named) => Parsed> = {
  int: (args, named) => cast(castArgument(args, named), toInt, 'int'),
  float: (args, named) => cast(castArgument(args, named), toFloat, 'float'),
  str: (args, named) => cast(castArgument(args, named), toText, 'str'),
  bool: (args, named) => cast(castArgument(args, named), toBool, 'bool'),
  json_str: (args, named) => toJson(castArgument(args, named)),
  choice,
  range,
  interval,
  glob,
  sort,
  shuffle,
  tag,
  extend_list: (args, named) => {
    only(named);
    return new ListExtension(args);
  },
};

export function callFunction(name: string, args: Parsed[], named: Named): Parsed {
  const call = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (call === undefined) {
    throw fail(`Unknown function '${name}'; there are ${Object.keys(FUNCTIONS).join(', ')}`);
  }
  const bare = (value: Parsed): Parsed => (value instanceof QuotedText ? value.text : value);
  return call(args.map(bare), new Map(Array.from(named, ([key, value]) => [key, bare(value)])));
}

function castArgument(args: Parsed[], named: Named): Parsed {
  only(named, 'value');
  const value = named.get('value') ?? null;
  if (args.length > 0 && value !== null) throw fail('cannot use both position and named arguments');
  if (value !== null) return value;
  if (args.length === 0) throw fail('No positional args or value specified');
  return args.length === 1 ? args[0]! : simpleChoice(args);
}

/** Several values as `a,b` makes them; a sweep or function among them has no place. */
function simpleChoice(values: Parsed[]): ChoiceSweep {
  for (const value of values) {
    if (value !== null && !isPlainElement(value)) throw fail('a sweep cannot be one of several values');
  }
  return new ChoiceSweep(values, true);
}

/** The elements of a choice, each converted. A choice inside a choice has no elements of its own. */
function mapChoice({ list, simple }: ChoiceSweep, convert: (item: Parsed) => Parsed): ChoiceSweep {
  const converted = list.map((item) => {
    const result = convert(item);
    if (result === null || isSweep(result)) throw fail('this element of a choice cannot be cast');
    return result;
  });
  return new ChoiceSweep(converted, simple);
}

/** Applies a conversion to a value, inside containers, or to the elements of a sweep (whose tags are lost). */
function cast(value: Parsed, convert: (value: Scalar) => Scalar, name: string): Parsed {
  const each = (item: Parsed): Parsed => cast(item, convert, name);
  if (value instanceof QuotedText) return each(value.text);
  if (value instanceof ParsedDict) return mapDict(value, each);
  if (Array.isArray(value)) return value.map(each);
  if (value instanceof ChoiceSweep) return mapChoice(value, each);
  if (value instanceof RangeSweep) {
    if (name !== 'int' && name !== 'float') throw fail('Range can only be cast to int or float');
    return new RangeSweep(
      each(value.start) as Scalar,
      each(value.stop) as Scalar,
      each(value.step) as Scalar,
    );
  }
  if (value instanceof IntervalSweep) {
    if (name !== 'int' && name !== 'float') throw fail(`Intervals cannot be cast to ${name}`);
    const converted = new IntervalSweep(each(value.start) as Scalar, each(value.end) as Scalar);
    converted.tags = value.tags;
    return converted;
  }
  if (value instanceof Glob || value instanceof ListExtension) throw fail(`this cannot be cast to ${name}`);
  return convert(value);
}

function mapDict(dict: ParsedDict, each: (item: Parsed) => Parsed): ParsedDict {
  return new ParsedDict(Array.from(dict, ([key, item]) => [key, each(item)] as const));
}

function toInt(value: Scalar): Scalar {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') {
    const text = value.trim();
    if (!/^[-+]?\d+(?:_\d+)*$/.test(text)) throw fail(`invalid literal for int() with base 10: '${value}'`);
    return integer(BigInt(text.replaceAll('_', '').replace('+', '')));
  }
  if (value instanceof Float) {
    if (!Number.isFinite(value.value)) throw fail(`cannot convert float ${pyStr(value)} to integer`);
    return integer(BigInt(Math.trunc(value.value)));
  }
  if (value === null) throw fail('null cannot be cast to int');
  return value;
}

function toFloat(value: Scalar): Scalar {
  if (typeof value === 'string') return new Float(floatOfText(value));
  const number = numeric(value);
  if (number === undefined) throw fail(`${pyStr(value)} cannot be cast to float`);
  return new Float(number);
}

function floatOfText(text: string): number {
  const clean = text.trim().toLowerCase();
  const special = /^([-+]?)(inf|infinity|nan)$/.exec(clean);
  if (special !== null) {
    if (special[2] === 'nan') return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  if (!/^[-+]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[-+]?\d+(?:_\d+)*)?$/.test(clean)) {
    throw fail(`could not convert string to float: '${text}'`);
  }
  return Number(clean.replaceAll('_', ''));
}

function toText(value: Scalar): Scalar {
  if (value === null) throw fail('null cannot be cast to str');
  return typeof value === 'boolean' ? String(value) : pyStr(value);
}

function toBool(value: Scalar): Scalar {
  if (typeof value === 'string') {
    const lower = value.toLowerCase();
    if (lower === 'true' || lower === 'false') return lower === 'true';
    throw fail(`Cannot cast '${value}' to bool`);
  }
  const number = numeric(value);
  return number === undefined ? value !== null : number !== 0;
}

function toJson(value: Parsed): Parsed {
  if (value instanceof ChoiceSweep) {
    return mapChoice(value, (item) => {
      if (item === null) throw fail('null in a choice cannot be cast to json_str');
      return jsonText(item);
    });
  }
  if (isSweep(value)) throw fail('only values and choices can be cast to json_str');
  return jsonText(value);
}

function choice(args: Parsed[], named: Named): Parsed {
  only(named);
  if (args.length === 0) throw fail('empty choice is not legal');
  for (const arg of args) {
    if (arg === null || (!isPlainElement(arg) && !(arg instanceof ChoiceSweep)))
      throw mismatch('choice', arg);
  }
  const [first] = args;
  if (args.length === 1 && first instanceof ChoiceSweep) {
    if (!first.simple) throw fail('nesting choices is not supported');
    first.simple = false;
    return first;
  }
  return new ChoiceSweep(args, false);
}

function range(args: Parsed[], named: Named): Parsed {
  const bound = bind('range', ['start', 'stop', 'step'], args, named);
  const start = bound.get('start');
  if (start === undefined) throw fail("missing a required argument: 'start'");
  const stop = bound.get('stop') ?? null;
  const step = bound.has('step') ? bound.get('step')! : 1;
  for (const value of [start, stop ?? 0, step])
    if (numericOnly(value) === undefined) throw mismatch('range', value);
  if (stop === null) return new RangeSweep(0, start as Scalar, step as Scalar);
  return new RangeSweep(start as Scalar, stop as Scalar, step as Scalar);
}

function interval(args: Parsed[], named: Named): Parsed {
  const bound = bind('interval', ['start', 'end'], args, named);
  const ends = ['start', 'end'].map((name) => {
    const value = bound.get(name);
    if (value === undefined) throw fail(`missing a required argument: '${name}'`);
    const number = numericOnly(value);
    if (number === undefined) throw mismatch('interval', value);
    return new Float(number);
  });
  return new IntervalSweep(ends[0]!, ends[1]!);
}

function glob(args: Parsed[], named: Named): Parsed {
  const bound = bind('glob', ['include', 'exclude'], args, named);
  if (!bound.has('include')) throw fail("missing a required argument: 'include'");
  const names = (value: Parsed | undefined): Parsed[] => {
    if (value === undefined || value === null) return [];
    if (typeof value === 'string') return [value];
    if (!Array.isArray(value)) throw mismatch('glob', value);
    return value;
  };
  if (bound.get('include') === null) throw mismatch('glob', null);
  return new Glob(names(bound.get('include')), names(bound.get('exclude')));
}

function sort(args: Parsed[], named: Named): Parsed {
  only(named, 'sweep', 'list', 'reverse');
  const reverse = named.get('reverse') ?? false;
  if (typeof reverse !== 'boolean') throw mismatch('sort', reverse);
  const values = orderedArguments('sort', args, named);
  if (values.length === 0) throw fail('empty sort input');
  const [only_] = values;
  if (values.length > 1) {
    for (const value of values) {
      if (!isPrimitive(value))
        throw fail(`Invalid arguments to sort: ${values.length} values of which one is no scalar`);
    }
    return new ChoiceSweep(sorted(values, reverse), true);
  }
  if (only_ instanceof ChoiceSweep) {
    const copy = new ChoiceSweep(sorted(only_.list, reverse), only_.simple);
    copy.tags = only_.tags;
    copy.shuffle = only_.shuffle;
    return copy;
  }
  if (only_ instanceof RangeSweep) return sortRange(only_, reverse);
  if (Array.isArray(only_)) return sorted(only_, reverse);
  return only_!;
}

/** What `sort` and `shuffle` work on: `list=`, else `sweep=`, else the arguments. */
function orderedArguments(name: string, args: Parsed[], named: Named): Parsed[] {
  const isDiscrete = (value: Parsed) => value instanceof ChoiceSweep || value instanceof RangeSweep;
  for (const value of args) {
    if (value === null || !(isPlainElement(value) || isDiscrete(value))) throw mismatch(name, value);
  }
  const list = named.get('list') ?? null;
  if (list !== null && !Array.isArray(list)) throw mismatch(name, list);
  const sweep = named.get('sweep') ?? null;
  if (sweep !== null && !isDiscrete(sweep)) throw mismatch(name, sweep);
  const given = list ?? sweep;
  return given === null ? args : [given];
}

/** Turns a range round when its direction is not the one asked for: from its last element to before its first. */
function sortRange(sweep: RangeSweep, reverse: boolean): RangeSweep {
  const copy = new RangeSweep(sweep.start, sweep.stop, sweep.step);
  copy.tags = sweep.tags;
  copy.shuffle = sweep.shuffle;
  const step = numeric(sweep.step)!;
  if (step > 0 !== reverse) return copy;
  const elements = rangeElements(sweep);
  if (elements.length < 2) return copy;
  copy.start = elements.at(-1)!;
  copy.stop = arithmetic(sweep.start, sweep.step, (a, b) => a - b);
  copy.step = arithmetic(0, sweep.step, (a, b) => a - b);
  return copy;
}

function arithmetic(a: Scalar, b: Scalar, combine: (a: number, b: number) => number): Scalar {
  const result = combine(numeric(a)!, numeric(b)!);
  return a instanceof Float || b instanceof Float ? new Float(result) : result;
}

function shuffle(args: Parsed[], named: Named): Parsed {
  only(named, 'sweep', 'list');
  const values = orderedArguments('shuffle', args, named);
  if (values.length !== 1) {
    const sweep = simpleChoice(values);
    sweep.shuffle = true;
    return sweep;
  }
  const [value] = values;
  if (value instanceof ChoiceSweep) {
    const copy = new ChoiceSweep(value.list, value.simple);
    copy.tags = value.tags;
    copy.shuffle = true;
    return copy;
  }
  if (value instanceof RangeSweep) {
    const copy = new RangeSweep(value.start, value.stop, value.step);
    copy.tags = value.tags;
    copy.shuffle = true;
    return copy;
  }
  return Array.isArray(value) ? shuffled(value) : [value!];
}

export function shuffled<Item>(items: readonly Item[]): Item[] {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [copy[last], copy[other]] = [copy[other]!, copy[last]!];
  }
  return copy;
}

function tag(args: Parsed[], named: Named): Parsed {
  only(named, 'sweep');
  if (args.length < 1) throw fail('Not enough arguments to tag, must take at least a sweep');
  const all = [...args, ...(named.has('sweep') ? [named.get('sweep')!] : [])];
  const sweep = all.pop()!;
  if (!isSweep(sweep)) throw fail('Last argument to tag() must be a choice(), range() or interval()');
  for (const name of all) if (typeof name !== 'string') throw fail('tag arguments must be text');
  (sweep as Sweep).tags = [...new Set(all as string[])].sort();
  return sweep;
}

/** Python's `sorted`: numbers with numbers, text with text, lists element by element; anything else refuses. */
function sorted(values: Parsed[], reverse: boolean): Parsed[] {
  const list = [...values];
  const compare = (a: Parsed, b: Parsed) => (lessThan(a, b) ? -1 : Number(lessThan(b, a)));
  // Equal values keep their order, reversed or not.
  return list.sort(reverse ? (a, b) => compare(b, a) : compare);
}

function lessThan(a: Parsed, b: Parsed): boolean {
  if (typeof a === 'string' && typeof b === 'string') return comparePoints(a, b) < 0;
  const left = numericOnly(a);
  const right = numericOnly(b);
  if (left !== undefined && right !== undefined) return left < right;
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      if (a[index] === b[index]) continue;
      if (lessThan(a[index]!, b[index]!)) return true;
      if (lessThan(b[index]!, a[index]!)) return false;
    }
    return a.length < b.length;
  }
  throw fail('values of different kinds cannot be sorted');
}

function comparePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = left[index]!.codePointAt(0)! - right[index]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function bind(name: string, parameters: string[], args: Parsed[], named: Named): Map<string, Parsed> {
  if (args.length > parameters.length) throw fail(`too many positional arguments to ${name}`);
  only(named, ...parameters);
  const bound = new Map<string, Parsed>();
  for (const [index, value] of args.entries()) bound.set(parameters[index]!, value);
  for (const [key, value] of named) {
    if (bound.has(key)) throw fail(`multiple values for argument '${key}'`);
    bound.set(key, value);
  }
  return bound;
}

function only(named: Named, ...allowed: string[]): void {
  for (const key of named.keys())
    if (!allowed.includes(key)) throw fail(`got an unexpected keyword argument '${key}'`);
}

function numericOnly(value: Parsed): number | undefined {
  return isPrimitive(value) && typeof value !== 'string' ? numeric(value) : undefined;
}

function isPrimitive(value: Parsed): value is number | bigint | boolean | string | Float {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || value instanceof Float;
}

function isPlainElement(value: Parsed): boolean {
  return isPrimitive(value) || Array.isArray(value) || value instanceof ParsedDict;
}

function mismatch(name: string, value: Parsed): SluiceError {
  const type =
    value === null || isPrimitive(value) || Array.isArray(value)
      ? pyTypeName(value as PyValue)
      : 'this kind of value';
  return fail(`mismatch type argument to ${name}(): ${type} is not allowed`);
}

function fail(message: string): SluiceError {
  return configError('override_syntax', message);
}
