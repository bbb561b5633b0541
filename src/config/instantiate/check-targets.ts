import { compileSchema, locate, type Validator, type Violation } from '../schema.js';
import { childPath, convertModes, isPlainObject, isTarget, optionsOf, type PlainObject } from './node.js';
import type { Registry, TargetEntry } from './registry.js';

type OriginOf = (path: string) => string | undefined;

/**
 * What is wrong with the targets in a config node, found without loading any of their code: unknown names, options that
 * a target does not take or that are of the wrong kind. A plain text is a name too (`trash_expert_name: mine`).
 */
export async function checkTargets(
  value: unknown,
  path: string,
  registry: Registry<unknown>,
  originOf: OriginOf = () => undefined,
): Promise<Violation[]> {
  if (typeof value === 'string') return checkName(value, path, registry, originOf);
  if (isTarget(value) && value._partial_ === true) {
    const at = childPath(path, '_partial_');
    const message = `expected a whole ${registry.kind}, not a part of one`;
    return [{ path: at, where: originOf(at), message, hint: undefined }];
  }
  return walk(value, path, registry, originOf);
}

async function walk(
  value: unknown,
  path: string,
  registry: Registry<unknown>,
  originOf: OriginOf,
  recursive = true,
): Promise<Violation[]> {
  const found: Violation[] = [];
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      found.push(...(await walk(item, childPath(path, index), registry, originOf, recursive)));
    return found;
  }
  if (!isPlainObject(value)) return found;
  const goesOn = typeof value._recursive_ === 'boolean' ? value._recursive_ : recursive;
  if (isTarget(value)) {
    found.push(...(await checkNode(value, path, registry, originOf)));
    if (!goesOn) return found;
  }
  const inside = isTarget(value)
    ? [...optionsOf(value), ['_args_', value._args_] as const]
    : Object.entries(value);
  for (const [key, item] of inside)
    found.push(...(await walk(item, childPath(path, key), registry, originOf, goesOn)));
  return found;
}

async function checkNode(
  node: PlainObject,
  path: string,
  registry: Registry<unknown>,
  originOf: OriginOf,
): Promise<Violation[]> {
  const name = node._target_;
  const at = childPath(path, '_target_');
  if (typeof name !== 'string') {
    return [
      { path: at, where: originOf(at), message: `expected the name of a ${registry.kind}`, hint: undefined },
    ];
  }
  const entry = registry.entry(name);
  if (entry === undefined) return checkName(name, at, registry, originOf);
  const place = (inside: string) =>
    inside === '' ? path : inside.startsWith('[') ? path + inside : `${path}.${inside}`;
  const validate = await validatorOf(entry);
  const violations = locate(validate(node).problems, (inside) => originOf(place(inside)));
  return violations.map((violation) => ({
    ...violation,
    path: place(violation.path),
    where: violation.where ?? originOf(at), // what is missing is missing because of the name
  }));
}

function checkName(name: string, path: string, registry: Registry<unknown>, originOf: OriginOf): Violation[] {
  if (registry.entry(name) !== undefined) return [];
  return [{ path, where: originOf(path), ...registry.unknown(name) }];
}

// Compiled once: the jobs of a sweep name the same targets over and over.
const compiled = new WeakMap<TargetEntry<unknown>, Promise<Validator>>();

function validatorOf(entry: TargetEntry<unknown>): Promise<Validator> {
  const known = compiled.get(entry) ?? compileSchema(schemaOf(entry));
  compiled.set(entry, known);
  return known;
}

function schemaOf({ options, required = [] }: TargetEntry<unknown>): Record<string, unknown> {
  const special = {
    _target_: { type: 'string' },
    _args_: { type: 'array' },
    _partial_: { type: 'boolean' },
    _recursive_: { type: 'boolean' },
    _convert_: { enum: convertModes },
  };
  return {
    type: 'object',
    properties: { ...options, ...special },
    required,
    additionalProperties: false,
  };
}
