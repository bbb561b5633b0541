import { floatText } from '../python-text.js';
import { Float, hex, type Key, PyDict, type PyValue } from '../python-value.js';

/** A value in the vectors' JSON encoding. */
export function encode(value: PyValue): unknown {
  if (value instanceof Float) return encodeFloat(value.value);
  if (value instanceof Uint8Array) return { $bytes: hex(value) };
  if (typeof value === 'bigint') return { $int: value.toString() };
  if (Array.isArray(value)) return value.map(encode);
  if (!(value instanceof PyDict)) return value;
  const entries = [...value];
  if (!entries.every(([key]) => typeof key === 'string' && !key.startsWith('$'))) {
    return { $map: entries.map(([key, item]) => [encode(key as Key), encode(item)]) };
  }
  return Object.fromEntries(entries.map(([key, item]) => [key as string, encode(item)]));
}

function encodeFloat(value: number): unknown {
  return Number.isFinite(value) && !Number.isInteger(value) ? value : { $float: floatText(value) };
}

/** Whether two encoded values agree: floats by number, mappings in any order. */
export function same(expected: unknown, got: unknown): boolean {
  const left = floatOf(expected);
  const right = floatOf(got);
  if (left !== undefined || right !== undefined) {
    return (
      left !== undefined &&
      right !== undefined &&
      (left === right || (Number.isNaN(left) && Number.isNaN(right)))
    );
  }
  if (Array.isArray(expected)) {
    return (
      Array.isArray(got) &&
      expected.length === got.length &&
      expected.every((item, index) => same(item, got[index]))
    );
  }
  if (expected === null || typeof expected !== 'object') return expected === got;
  if (got === null || typeof got !== 'object' || Array.isArray(got)) return false;
  const a = expected as Record<string, unknown>;
  const b = got as Record<string, unknown>;
  if ('$map' in a && '$map' in b) return sameUnordered(a.$map as unknown[], b.$map as unknown[]);
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
  );
}

/** Whether two lists hold the same values in some order. */
export function sameUnordered(expected: unknown[], got: unknown[]): boolean {
  const rest = [...got];
  for (const item of expected) {
    const index = rest.findIndex((candidate) => same(item, candidate));
    if (index < 0) return false;
    rest.splice(index, 1);
  }
  return rest.length === 0;
}

/** Floats with a fractional part stand for themselves; integers are not floats. */
function floatOf(value: unknown): number | undefined {
  if (typeof value === 'number' && !Number.isInteger(value)) return value;
  if (value !== null && typeof value === 'object' && '$float' in value) {
    const text = (value as { $float: string }).$float;
    return Number(text.replace('inf', 'Infinity').replace('nan', 'NaN'));
  }
  return undefined;
}
