/** The keys that `instantiate` reads itself; all others are options of the target. */
export const specialKeys = ['_target_', '_args_', '_partial_', '_recursive_', '_convert_'] as const;

/** How containers are passed on. Values here are plain data from the start, so that all four come to the same. */
export const convertModes = ['none', 'partial', 'object', 'all'] as const;

export type PlainObject = Record<string, unknown>;

/** Data, not an instance of something: only data is searched for targets. */
export function isPlainObject(value: unknown): value is PlainObject {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function isTarget(value: unknown): value is PlainObject {
  return isPlainObject(value) && Object.hasOwn(value, '_target_');
}

/** The options of a target node: everything in it that `instantiate` does not read itself. */
export function optionsOf(node: PlainObject): [string, unknown][] {
  return Object.entries(node).filter(([key]) => !(specialKeys as readonly string[]).includes(key));
}

export function childPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}
