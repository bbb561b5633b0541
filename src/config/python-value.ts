/**
 * The values a config can hold, with the distinctions of the reference kept: an integer is not a float (`1` and `1.0`
 * print differently), integers have no upper bound, and mapping keys need not be text.
 */

/** A floating point value. A bare JavaScript number in this room is always an integer. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** `number` is an integer within ±(2^53−1), `bigint` one outside, `Uint8Array` is YAML's `!!binary`. */
export type Scalar = null | boolean | number | bigint | Float | string | Uint8Array;
export type Key = Scalar;
export type PyValue = Scalar | PyValue[] | PyDict;

type Slot = string | number | bigint;

/**
 * A mapping in insertion order whose keys compare as the reference compares them: 1, 1.0 and true are one key, '1' is another.
 * Overwriting keeps the first spelling of the key and its place. Names such as `__proto__` are keys like any other.
 */
export class PyMap<Value> {
  private readonly slots = new Map<Slot, [Key, Value]>();

  constructor(entries: Iterable<readonly [Key, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.slots.size;
  }

  get(key: Key): Value | undefined {
    return this.slots.get(slotOf(key))?.[1];
  }

  has(key: Key): boolean {
    return this.slots.has(slotOf(key));
  }

  set(key: Key, value: Value): void {
    const slot = slotOf(key);
    const entry = this.slots.get(slot);
    if (entry === undefined) this.slots.set(slot, [key, value]);
    else entry[1] = value;
  }

  delete(key: Key): boolean {
    return this.slots.delete(slotOf(key));
  }

  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.slots.values();
  }

  *keys(): IterableIterator<Key> {
    for (const [key] of this.slots.values()) yield key;
  }
}

export class PyDict extends PyMap<PyValue> {}

function slotOf(key: Key): Slot {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint') return key;
  if (typeof key === 'boolean') return key ? 1 : 0;
  if (key instanceof Float) return key.value === 0 ? 0 : key.value;
  if (key === null) return '\u0000null';
  return `\u0000bytes:${hex(key)}`;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The smallest representation of an integer: `number` where it is exact, `bigint` otherwise. */
export function integer(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

/** A number as IEEE double; booleans count as 0 and 1. Undefined for what is not numeric. */
export function numeric(value: PyValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Float ? value.value : undefined;
}

/** Equality as the reference has it: 1 == 1.0 == true, containers by content, mappings in any order. */
export function equal(a: PyValue, b: PyValue): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]!));
  }
  if (a instanceof PyDict) {
    if (!(b instanceof PyDict) || a.size !== b.size) return false;
    for (const [key, value] of a) if (!b.has(key) || !equal(value, b.get(key)!)) return false;
    return true;
  }
  if (a instanceof Uint8Array) return b instanceof Uint8Array && hex(a) === hex(b);
  const left = numeric(a);
  if (left !== undefined) return left === numeric(b);
  return a === b;
}

/** Plain JavaScript data: floats become numbers, keys become text, `__proto__` stays an own key. */
export function toPlain(value: PyValue): unknown {
  if (value instanceof Float) return value.value;
  if (Array.isArray(value)) return value.map(toPlain);
  if (!(value instanceof PyDict)) return value;
  const plain: Record<string, unknown> = {};
  for (const [key, item] of value) setOwn(plain, keyText(key), toPlain(item));
  return plain;
}

/** The value for plain data: integral numbers are integers, other numbers floats. `undefined` members are dropped. */
export function fromPlain(data: unknown): PyValue {
  if (data === undefined || data === null) return null;
  if (typeof data === 'number') return Number.isSafeInteger(data) ? data : new Float(data);
  if (typeof data === 'string' || typeof data === 'boolean') return data;
  if (typeof data === 'bigint') return integer(data);
  if (data instanceof Float || data instanceof PyDict || data instanceof Uint8Array) return data;
  if (Array.isArray(data)) return data.map(fromPlain);
  const dict = new PyDict();
  for (const [key, item] of Object.entries(data)) if (item !== undefined) dict.set(key, fromPlain(item));
  return dict;
}

/** A mapping key as text in plain data and dotted paths. */
export function keyText(key: Key): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'boolean') return key ? 'True' : 'False';
  if (key instanceof Float) return Number.isInteger(key.value) ? `${key.value}.0` : String(key.value);
  if (key instanceof Uint8Array) return hex(key);
  return String(key);
}

/** `target[key] = value` that can never reach a prototype. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}
