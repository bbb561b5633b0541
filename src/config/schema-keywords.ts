import type { FuncKeywordDefinition, SchemaValidateFunction } from 'ajv';
import { findPathProblem, type PathKind } from './existing-path.js';
import { type ReadCondition, type Unmet, unmetCondition } from './read-condition.js';

/** What is wrong with one value, in the words of its author. */
export interface Finding {
  message: string;
  hint?: string | undefined;
  /** Dotted paths of the other values that make it wrong. */
  also?: string[];
}

/** What a check knows of the world. What is left out is not checked. */
export interface CheckFacts {
  /** Whose config it is: checkpoints to go on from must be of it. */
  stage?: string;
  /** Absolute path for one written in the config. */
  resolvePath?: (path: string) => string;
  /** Whether a path will be made by an earlier step and so need not be there yet. */
  isMadeLater?: (path: string) => boolean;
  /** What is missing to run on a device; undefined: nothing. */
  missingDevice?: (device: string) => { message: string; hint?: string } | undefined;
  cores?: number;
}

/** What our keywords learn on the way, besides violations. */
export interface CheckNotes {
  facts: CheckFacts;
  warnings: { path: string; message: string }[];
  /** Keys whose `readWhen` does not hold. */
  unread: { path: string; value: unknown; unmet: Unmet }[];
  /** Keys that a stage need not read: for the runner, or the schema alone, or overruled by another key. */
  notOfStage: string[];
}

interface Call {
  /** What the schema says beside the keyword. */
  setting: unknown;
  value: unknown;
  /** The mapping or list that holds the value. */
  siblings: Record<string, unknown>;
  path: readonly string[];
  root: unknown;
  schema: Record<string, unknown>;
  notes: CheckNotes;
}

type Rule = (call: Call) => Finding | undefined;

/** The keywords of our schemas besides those of JSON Schema: name, type of value they look at, rule. */
const RULES: [name: string, type: 'string' | 'number' | 'array' | 'object' | undefined, rule: Rule][] = [
  ['multipleOfKey', 'number', multipleOfKey],
  ['atMostKey', 'number', atMostKey],
  ['sumOfKeys', 'object', sumOfKeys],
  ['exactlyOneOf', 'object', exactlyOneOf],
  ['atMostOneOf', 'object', atMostOneOf],
  ['increasing', 'array', increasing],
  ['anyPositive', 'object', anyPositive],
  ['requiredWhen', undefined, requiredWhen],
  ['onlyWhen', undefined, onlyWhen],
  ['readWhen', undefined, readWhen],
  ['readBy', undefined, readBy],
  ['overruledBy', undefined, overruledBy],
  ['mustExist', 'string', mustExist],
  ['holding', undefined, () => undefined], // read by mustExist
  ['device', 'string', device],
  ['atMostCores', 'number', atMostCores],
];

/** Names of our keywords: a schema that leaves the house is better without them. */
export const ownKeywords: readonly string[] = RULES.map(([name]) => name);

/** The keywords for ajv. A validator with them is called with CheckNotes as `this`. */
export function keywordDefinitions(): FuncKeywordDefinition[] {
  return RULES.map(([keyword, type, rule]) => {
    const validate: SchemaValidateFunction = function check(
      this: CheckNotes,
      setting: unknown,
      value: unknown,
      schema,
      place,
    ) {
      const finding = rule({
        setting,
        value,
        siblings: (place?.parentData ?? {}) as Record<string, unknown>,
        path: pointerKeys(place?.instancePath ?? ''),
        root: place?.rootData,
        schema: schema as Record<string, unknown>,
        notes: this,
      });
      if (finding !== undefined) validate.errors = [{ keyword, params: { finding } }];
      return finding === undefined;
    };
    return { keyword, ...(type === undefined ? {} : { type }), errors: true, validate };
  });
}

/** The keys of a JSON pointer. */
export function pointerKeys(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `training.lora.r`, `steps[2].stage` */
export function dottedPath(keys: readonly string[]): string {
  return keys.reduce(
    (path, key) => (/^\d+$/.test(key) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`),
    '',
  );
}

const sibling = (path: readonly string[], key: string) => dottedPath([...path.slice(0, -1), key]);
const child = (path: readonly string[], key: string) => dottedPath([...path, key]);

function multipleOfKey({ setting, value, siblings, path }: Call): Finding | undefined {
  const key = setting as string;
  const [whole, part] = [value as number, siblings[key]];
  if (typeof part !== 'number' || !(part > 0) || whole % part === 0) return undefined;
  const near = [Math.floor(whole / part) * part, Math.ceil(whole / part) * part].filter((n) => n > 0);
  const divisors = Array.from({ length: Math.min(whole, 4096) }, (_, i) => i + 1).filter(
    (n) => whole % n === 0,
  );
  const other = sibling(path, key);
  return {
    message: `expected a multiple of ${other}=${part}, got ${whole}`,
    hint: `${path.at(-1)} can be ${near.join(' or ')}, or ${key} one of ${divisors.slice(-12).join(', ')}`,
    also: [other],
  };
}

function atMostKey({ setting, value, siblings, path }: Call): Finding | undefined {
  const limit = siblings[setting as string];
  if (typeof limit !== 'number' || (value as number) <= limit) return undefined;
  const other = sibling(path, setting as string);
  return { message: `expected at most ${other}=${limit}, got ${value}`, also: [other] };
}

function sumOfKeys({ setting, value, path }: Call): Finding | undefined {
  const { keys, atMost, below } = setting as { keys: string[]; atMost?: number; below?: number };
  const numbers = keys.map((key) => (value as Record<string, unknown>)[key]);
  if (!numbers.every((number) => typeof number === 'number')) return undefined;
  const sum = numbers.reduce((total, number) => total + number, 0);
  if (atMost === undefined ? sum < below! : sum <= atMost) return undefined;
  const limit = atMost === undefined ? `below ${below}` : `at most ${atMost}`;
  return {
    message: `expected ${keys.join(' + ')} to be ${limit}, got ${numbers.join(' + ')}`,
    also: keys.map((key) => child(path, key)),
  };
}

function exactlyOneOf({ setting, value, path }: Call): Finding | undefined {
  const keys = setting as string[];
  const given = keys.filter((key) => ((value as Record<string, unknown>)[key] ?? null) !== null);
  if (given.length === 1) return undefined;
  return {
    message: `expected one of ${keys.join(' and ')}, got ${given.length === 0 ? 'none' : given.join(' and ')}`,
    hint:
      given.length === 0 ? `set it: ${keys.map((key) => `${child(path, key)}=…`).join(' or ')}` : undefined,
    also: given.map((key) => child(path, key)),
  };
}

function atMostOneOf({ setting, value, path }: Call): Finding | undefined {
  const keys = setting as string[];
  const given = keys.filter((key) => ((value as Record<string, unknown>)[key] ?? null) !== null);
  if (given.length <= 1) return undefined;
  return {
    message: `expected at most one of ${keys.join(', ')}, got ${given.join(' and ')}`,
    also: given.map((key) => child(path, key)),
  };
}

function increasing({ value }: Call): Finding | undefined {
  const numbers = value as unknown[];
  if (!numbers.every((number) => typeof number === 'number')) return undefined;
  if (numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number))) return undefined;
  return { message: `expected numbers that go up, got ${JSON.stringify(numbers)}` };
}

function anyPositive({ value, schema, root, path }: Call): Finding | undefined {
  if (schema.readWhen !== undefined && unmetCondition(schema.readWhen as ReadCondition, root, path))
    return undefined;
  const weights = Object.values(value as object);
  if (weights.some((weight) => typeof weight !== 'number' || weight > 0)) return undefined;
  return { message: 'expected a weight above 0, got none' };
}

function requiredWhen({ setting, value, root, path }: Call): Finding | undefined {
  const condition = setting as ReadCondition;
  if (value !== null || unmetCondition(condition, root, path) !== undefined) return undefined;
  const keys = Object.keys(condition).map((key) => sibling(path, key));
  return {
    message: `expected a value, as ${Object.entries(condition)
      .map(([key, wanted]) => `${sibling(path, key)} is ${wanted}`)
      .join(' and ')}; got null`,
    also: keys,
  };
}

function onlyWhen({ setting, root, path }: Call): Finding | undefined {
  const unmet = unmetCondition(setting as ReadCondition, root, path);
  if (unmet === undefined) return undefined;
  return {
    message: `no key of this config, as ${unmet.is}`,
    hint: `there is one when ${unmet.wanted}`,
    also: [unmet.path],
  };
}

function readWhen({ setting, value, root, path, notes }: Call): undefined {
  const unmet = unmetCondition(setting as ReadCondition, root, path);
  if (unmet !== undefined) notes.unread.push({ path: dottedPath(path), value, unmet });
}

function readBy({ path, notes }: Call): undefined {
  notes.notOfStage.push(dottedPath(path));
}

// Unlike readWhen no mistake: `max_steps=3` for a quick try leaves `epochs` as it stands.
function overruledBy({ setting, siblings, path, notes }: Call): undefined {
  if ([setting as string | string[]].flat().some((key) => (siblings[key] ?? null) !== null))
    notes.notOfStage.push(dottedPath(path));
}

function mustExist({ setting, value, schema, notes: { facts } }: Call): Finding | undefined {
  const path = value as string;
  if (path === '???' || path === '' || facts.resolvePath === undefined) return undefined;
  if (facts.isMadeLater?.(path)) return undefined;
  return findPathProblem(path, facts.resolvePath(path), setting as PathKind, {
    holding: schema.holding as string[] | undefined,
    stage: facts.stage,
  });
}

function device({ value, notes: { facts } }: Call): Finding | undefined {
  return facts.missingDevice?.(value as string);
}

function atMostCores({ value, path, notes }: Call): undefined {
  const { cores } = notes.facts;
  if (cores === undefined || (value as number) <= cores) return;
  notes.warnings.push({
    path: dottedPath(path),
    message: `${value} threads on ${cores} cores only take turns; null takes one per core`,
  });
}
