import { SluiceError } from '../../errors.js';
import { configError } from '../config-error.js';
import { nearest } from '../nearest.js';
import { childPath, convertModes, isPlainObject, isTarget, optionsOf, type PlainObject } from './node.js';
import type { Registry, TargetEntry } from './registry.js';

export interface InstantiateCall {
  /** Take the place of `_args_`. */
  args?: readonly unknown[];
  /** Merged over the config, like overrides: mappings key by key, all else replaced. */
  keywords?: Readonly<PlainObject>;
  /** Where the config stands in the whole one, for messages: `selector`. */
  path?: string;
  /** Tells where the value at a path was set. */
  originOf?: (path: string) => string | undefined;
}

/**
 * Makes what a config node describes, as the reference's function of this name does, from registered names only.
 *
 *     await instantiate({ _target_: 'top_percentage', percentage: 0.1 }, selectors)
 *
 * A node with `_target_` becomes what the target returns for its other keys. Mappings and lists without one become
 * mappings and lists of what is in them; null stays null, and plain values stay as they are. Nested nodes are made first,
 * unless `_recursive_: false` says to hand them over as data. `_args_` are positional arguments, `_partial_: true` gives
 * a function that still takes `(options, ...args)`. `_convert_` may be given and changes nothing: data is always plain.
 *
 * Throws SluiceError: `config.instantiate` for a wrong node or a target that fails, with path and place; a SluiceError of
 * the target itself keeps its code.
 */
export async function instantiate<Made, Result = Made>(
  config: unknown,
  registry: Registry<Made>,
  call: InstantiateCall = {},
): Promise<Result> {
  const { args = [], keywords = {}, path = '' } = call;
  const maker = new Maker(registry, call.originOf ?? (() => undefined));
  if (Array.isArray(config)) {
    if (keywords._partial_ === true)
      throw maker.failure(path, '_partial_ makes one function; a list has none');
    return maker.make(config, path, { recursive: keywords._recursive_ !== false }) as Promise<Result>;
  }
  if (config === null || config === undefined) return null as Result;
  if (!isPlainObject(config))
    throw maker.failure(path, `expected a mapping with _target_, got ${typeof config}`);
  const node = merged(config, keywords);
  const made = await maker.make(node, path, { recursive: true }, args);
  // As in the reference the outermost mapping's own flags are no part of the result; those further in are.
  if (!isTarget(node) && isPlainObject(made))
    for (const flag of ['_recursive_', '_convert_', '_partial_']) delete made[flag];
  return made as Result;
}

/** What nested nodes take over from the ones around them. */
interface Modes {
  recursive: boolean;
}

class Maker<Made> {
  private readonly registry: Registry<Made>;
  private readonly originOf: (path: string) => string | undefined;

  constructor(registry: Registry<Made>, originOf: (path: string) => string | undefined) {
    this.registry = registry;
    this.originOf = originOf;
  }

  async make(value: unknown, path: string, modes: Modes, args: readonly unknown[] = []): Promise<unknown> {
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const [index, item] of value.entries())
        items.push(await this.make(item, childPath(path, index), modes));
      return items;
    }
    if (!isPlainObject(value)) return value;
    const recursive = this.flag(value, '_recursive_', path) ?? modes.recursive;
    this.checkConvert(value, path);
    if (isTarget(value)) return this.call(value, path, recursive, args);
    // A mapping without a target is gone through even where `_recursive_` is false, as in the reference.
    const entries: [string, unknown][] = [];
    for (const [key, item] of Object.entries(value))
      entries.push([key, await this.make(item, childPath(path, key), { recursive })]);
    return Object.fromEntries(entries);
  }

  private async call(
    node: PlainObject,
    path: string,
    recursive: boolean,
    args: readonly unknown[],
  ): Promise<unknown> {
    const { name, entry } = this.lookUp(node._target_, path);
    const partial = this.flag(node, '_partial_', path) ?? false;
    const inner = async (value: unknown, key: string) =>
      recursive ? this.make(value, childPath(path, key), { recursive }) : structuredClone(value);
    const given: [string, unknown][] = [];
    for (const [key, value] of optionsOf(node)) given.push([key, await inner(value, key)]);
    const own = node._args_ ?? [];
    if (!Array.isArray(own))
      throw this.failure(childPath(path, '_args_'), `expected a list, got ${shown(own)}`);
    const positional = args.length > 0 ? args : ((await inner(own, '_args_')) as unknown[]);
    const options = Object.fromEntries(given);
    const target = (await entry.load()) as (options: PlainObject, ...args: unknown[]) => unknown;
    if (!partial) {
      this.checkOptions(options, entry, name, path);
      return this.attempt(name, path, () => target(options, ...positional));
    }
    return (more: PlainObject = {}, ...rest: unknown[]) => {
      const all = { ...options, ...more };
      this.checkOptions(all, entry, name, path);
      return target(all, ...positional, ...rest);
    };
  }

  private lookUp(name: unknown, path: string): { name: string; entry: TargetEntry<Made> } {
    const at = childPath(path, '_target_');
    if (typeof name !== 'string') throw this.failure(at, `expected a registered name, got ${shown(name)}`);
    const entry = this.registry.entry(name);
    if (entry !== undefined) return { name, entry };
    const { message, hint } = this.registry.unknown(name);
    throw this.failure(at, message, hint);
  }

  private checkOptions(options: PlainObject, entry: TargetEntry<Made>, name: string, path: string): void {
    const known = Object.keys(entry.options);
    for (const key of Object.keys(options)) {
      if (known.includes(key)) continue;
      const [close] = nearest(key, known);
      const hint = close === undefined ? `it takes ${known.join(', ') || 'none'}` : `did you mean ${close}?`;
      throw this.failure(childPath(path, key), `${name} has no such option`, hint);
    }
    for (const key of entry.required ?? [])
      if (options[key] === undefined) throw this.failure(childPath(path, key), `missing; ${name} needs it`);
  }

  private async attempt(name: string, path: string, make: () => unknown): Promise<unknown> {
    try {
      return await make();
    } catch (error) {
      const where = this.originOf(path);
      if (error instanceof SluiceError) {
        if (error.where !== undefined || where === undefined) throw error;
        throw new SluiceError(error.code, error.message, { ...hintOf(error), where, cause: error });
      }
      throw this.failure(path, `${name} failed: ${(error as Error).message}`, undefined, error);
    }
  }

  private flag(node: PlainObject, key: '_recursive_' | '_partial_', path: string): boolean | undefined {
    const value = node[key];
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.failure(childPath(path, key), `expected true or false, got ${shown(value)}`);
  }

  private checkConvert(node: PlainObject, path: string): void {
    const mode = node._convert_;
    if (mode === undefined || (convertModes as readonly unknown[]).includes(mode)) return;
    throw this.failure(
      childPath(path, '_convert_'),
      `expected one of ${convertModes.join(', ')}, got ${shown(mode)}`,
    );
  }

  failure(path: string, message: string, hint?: string, cause?: unknown): SluiceError {
    // A missing key has no place of its own: its mapping's.
    const where = this.originOf(path) ?? this.originOf(path.replace(/\.[^.]*$/, ''));
    return configError('instantiate', path === '' ? message : `${path}: ${message}`, {
      ...(where === undefined ? {} : { where }),
      ...(hint === undefined ? {} : { hint }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** `over` merged into a copy of `base`: mappings key by key, lists and values replaced. A new target keeps the old keys. */
function merged(base: PlainObject, over: Readonly<PlainObject>): PlainObject {
  const result = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const old = result.get(key);
    result.set(key, isPlainObject(old) && isPlainObject(value) ? merged(old, value) : value);
  }
  return Object.fromEntries(result);
}

const hintOf = ({ hint }: SluiceError) => (hint === undefined ? {} : { hint });

const shown = (value: unknown) => JSON.stringify(value) ?? String(value);
