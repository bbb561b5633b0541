import type { Mismatch, Vector } from '../conformance.js';
import { rangeValues } from '../override/float-range.js';
import { keyElement, type Override, parseOverride, valueText } from '../override/parse.js';
import { renderValue } from '../override/render.js';
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
} from '../override/value.js';
import { Float } from '../python-value.js';
import { encode, same, sameUnordered } from './encoding.js';

const TYPES = { change: 'CHANGE', add: 'ADD', force_add: 'FORCE_ADD', delete: 'DEL', extend: 'EXTEND_LIST' };
const VALUE_TYPES = {
  element: 'ELEMENT',
  simple_choice: 'SIMPLE_CHOICE_SWEEP',
  choice: 'CHOICE_SWEEP',
  range: 'RANGE_SWEEP',
  interval: 'INTERVAL_SWEEP',
  glob: 'GLOB_CHOICE_SWEEP',
};

export function checkOverride({ input, error, expect }: Vector): Mismatch | undefined {
  let override: Override;
  try {
    override = parseOverride(input);
  } catch (failure) {
    return error ? undefined : { expected: expect, got: (failure as Error).message };
  }
  const got = describe(override);
  if (error) return { expected: 'an error', got };
  const scalars = ['type', 'key_or_group', 'package', 'key_element', 'value_type', 'value_str'];
  for (const field of scalars) {
    if (field in expect && !same(expect[field], got[field])) return { expected: expect, got };
  }
  const unordered = expect.unordered === true;
  const value = 'value' in expect && sameNode(expect.value, got.value, unordered);
  if (!value && 'value' in expect) return { expected: expect.value, got: got.value };
  if (expect.sweep_error === true) return got.sweep_error ? undefined : { expected: 'sweep error', got };
  if (expect.sweep_strings === undefined) return undefined;
  const strings = got.sweep_strings as string[] | undefined;
  if (strings === undefined) return { expected: expect.sweep_strings, got };
  const cut = expect.sweep_strings_truncated ? strings.slice(0, expect.sweep_strings.length) : strings;
  const equal = unordered ? sameUnordered(expect.sweep_strings, cut) : same(expect.sweep_strings, cut);
  return equal ? undefined : { expected: expect.sweep_strings, got: cut };
}

/** A range turned round by `sort` may end elsewhere than the recorded one, as long as its elements are the same. */
function sameNode(expected: Vector, got: unknown, unordered: boolean): boolean {
  if (expected?.sweep === 'range') {
    const { stop: _a, ...rest } = expected;
    const { stop: _b, ...other } = got as Record<string, unknown>;
    return same(rest, other);
  }
  if (unordered && expected?.kind === 'list')
    return sameUnordered(expected.items, (got as { items: unknown[] }).items);
  return same(expected, got);
}

function describe(override: Override): Record<string, unknown> {
  const got: Record<string, unknown> = {
    type: TYPES[override.type],
    key_or_group: override.key,
    package: override.package ?? null,
    key_element: keyElement(override),
    value_type: override.valueType === undefined ? null : VALUE_TYPES[override.valueType],
    value: override.valueType === undefined ? null : node(override.value),
  };
  const { value } = override;
  try {
    if (value instanceof ChoiceSweep) got.sweep_strings = value.list.map(renderValue);
    else if (value instanceof RangeSweep) got.sweep_strings = firstElements(value).map(renderValue);
    else if (override.valueType === 'element') got.value_str = valueText(override);
  } catch (error) {
    got[isSweep(value) ? 'sweep_error' : 'value_error'] = (error as Error).message;
  }
  return got;
}

/** As many as are ever recorded; a range may be endless. */
function firstElements(range: RangeSweep): Parsed[] {
  const elements: Parsed[] = [];
  for (const element of rangeValues(range)) {
    elements.push(element);
    if (elements.length > 1000) break;
  }
  return elements;
}

function node(value: Parsed): unknown {
  if (value instanceof QuotedText) {
    const kind = value.text.includes('${') ? 'interpolation' : 'str';
    return { kind, value: value.text, quoted: value.quote === "'" ? 'single' : 'double' };
  }
  if (Array.isArray(value)) return { kind: 'list', items: value.map(node) };
  if (value instanceof ListExtension) return { kind: 'extend_list', items: value.values.map(node) };
  if (value instanceof ParsedDict)
    return { kind: 'dict', items: Array.from(value, ([key, item]) => [node(key), node(item)]) };
  if (value instanceof ChoiceSweep) {
    const { simple, shuffle, tags, list } = value;
    return { sweep: 'choice', simple_form: simple, shuffle, tags, list: list.map(node) };
  }
  if (value instanceof RangeSweep) {
    const { start, stop, step, shuffle, tags } = value;
    return { sweep: 'range', start: node(start), stop: node(stop), step: node(step), shuffle, tags };
  }
  if (value instanceof IntervalSweep) {
    return { sweep: 'interval', start: node(value.start), end: node(value.end), tags: value.tags };
  }
  if (value instanceof Glob) {
    return { sweep: 'glob', include: value.include.map(node), exclude: value.exclude.map(node) };
  }
  if (typeof value === 'string') return { kind: value.includes('${') ? 'interpolation' : 'str', value };
  return { kind: kindOf(value), value: encode(value) };
}

function kindOf(value: Parsed): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'bool';
  return value instanceof Float ? 'float' : 'int';
}
