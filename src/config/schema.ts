import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ErrorObject } from 'ajv';
import { SluiceError } from '../errors.js';
import { configError } from './config-error.js';
import { type CheckFacts, type CheckNotes, keywordDefinitions } from './schema-keywords.js';
import { describeViolations, type Problem } from './schema-problems.js';

/** A JSON Schema (2020-12) with the schemas it refers to by file name. */
export interface LoadedSchema {
  /** File name of the root schema. */
  name: string;
  schemas: ReadonlyMap<string, Record<string, unknown>>;
}

/** One way in which a config is not what its schema says. */
export interface Violation {
  /** Dotted path: `training.lora.r`, `steps[2].stage`; empty for the config as a whole. */
  path: string;
  /** file:line:column, or the override, that set the value; for a missing key, of the mapping it is missing from. */
  where: string | undefined;
  message: string;
  /** The nearest valid key or choice, if one is near. */
  hint: string | undefined;
}

/** Reads a schema file and, beside it, the files its `$ref`s name. Throws `config.file` for one that is missing or no JSON. */
export function loadSchema(file: string): LoadedSchema {
  const schemas = new Map<string, Record<string, unknown>>();
  const load = (path: string): void => {
    const name = basename(path);
    if (schemas.has(name)) return;
    const schema = readJson(path);
    schemas.set(name, schema);
    for (const reference of references(schema)) load(join(dirname(path), reference));
  };
  load(file);
  return { name: basename(file), schemas };
}

/**
 * All violations of a schema at once, sorted by path. Keys that a schema does not name are violations at any depth, also
 * where the schema forgets to say so. `originOf` tells where the value at a dotted path was set.
 */
export async function checkSchema(
  config: unknown,
  schema: LoadedSchema | Record<string, unknown>,
  originOf: (path: string) => string | undefined = () => undefined,
): Promise<Violation[]> {
  const validator = await compileSchema(schema);
  return locate(validator(config).problems, originOf);
}

/** What a schema says about a config, places not yet known. */
export type Validator = (config: unknown, facts?: CheckFacts) => { problems: Problem[]; notes: CheckNotes };

/** Compiles a schema for any number of configs. */
export async function compileSchema(schema: LoadedSchema | Record<string, unknown>): Promise<Validator> {
  // Loading a validator takes longer than composing; printing a config does without.
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  // Cleaned schemas are not checked against the meta-schema: compiling that one costs more than all of ours.
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    validateSchema: false,
    logger: false,
    passContext: true,
  });
  for (const keyword of keywordDefinitions()) ajv.addKeyword(keyword);
  const { name, schemas } = isLoaded(schema)
    ? schema
    : { name: 'schema', schemas: new Map([['schema', schema as Record<string, unknown>]]) };
  for (const [file, content] of schemas) ajv.addSchema(closedSchema(content), file);
  const validate = ajv.getSchema(name);
  if (validate === undefined) throw configError('file', `${name} is no schema`);
  return (config, facts = {}) => {
    const notes: CheckNotes = { facts, warnings: [], unread: [], notOfStage: [] };
    const isGood = validate.call(notes, config);
    return { problems: isGood ? [] : describeViolations((validate.errors ?? []) as ErrorObject[]), notes };
  };
}

/** Problems with their places, sorted by path. */
export function locate(
  problems: readonly Problem[],
  originOf: (path: string) => string | undefined,
): Violation[] {
  return problems.map((problem) => located(problem, originOf)).sort(byPath);
}

/** The one error of all that is wrong with a config. */
export class SchemaError extends SluiceError {
  readonly violations: readonly Violation[];

  constructor(violations: readonly Violation[]) {
    const [first] = violations;
    const { where, hint } = first ?? {};
    const alone = violations.length === 1;
    super(
      'config.schema',
      alone
        ? subjectOf(first!)
        : `the config has ${violations.length} mistakes:\n${violations.map(listedViolation).join('\n')}`,
      alone ? { ...(where === undefined ? {} : { where }), ...(hint === undefined ? {} : { hint }) } : {},
    );
    this.violations = violations;
  }
}

const subjectOf = ({ path, message }: Violation) => (path === '' ? message : `${path}: ${message}`);

function listedViolation(violation: Violation): string {
  const { where, hint } = violation;
  const lines = [
    subjectOf(violation).replaceAll('\n', '\n    '),
    ...(where === undefined ? [] : [`  at ${where}`]),
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ];
  return lines.map((line) => `  ${line}`).join('\n');
}

function isLoaded(schema: LoadedSchema | Record<string, unknown>): schema is LoadedSchema {
  return schema.schemas instanceof Map;
}

function located(problem: Problem, originOf: (path: string) => string | undefined): Violation {
  const { path, message, hint, also = [] } = problem;
  const own = placeOrContainers(path, originOf);
  const others = also.flatMap((other) => {
    const place = originOf(other);
    return place === undefined ? [] : [{ other, place }];
  });
  // What is wrong between the keys of one mapping is where they are, not where the mapping begins.
  const isInside = others.length > 0 && also.every((other) => path === '' || other.startsWith(`${path}.`));
  const main = isInside ? undefined : own;
  const places = new Set(others.map(({ place }) => place));
  let where = main;
  if (main === undefined && places.size === 1) where = others[0]!.place;
  else {
    const named = others
      .filter(({ place }) => place !== main)
      .map(({ other, place }) => `${other} at ${place}`);
    if (named.length > 0) where = [...(main === undefined ? [] : [main]), ...named].join('; ');
  }
  return { path, where, message, hint };
}

/** A value without a place of its own (inside a resolver's result) takes its container's. */
function placeOrContainers(path: string, originOf: (path: string) => string | undefined): string | undefined {
  let where = originOf(path);
  for (let outer = path; where === undefined && outer !== ''; ) {
    outer = outer.replace(/(?:\.|^)[^.[\]]*$|\[\d+\]$/, '');
    where = outer === '' ? undefined : originOf(outer);
  }
  return where;
}

function byPath(a: Violation, b: Violation): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : a.message < b.message ? -1 : 1;
}

/** A copy in which every mapping that lists its keys allows no others, unless it says otherwise or is combined with another. */
export function closedSchema(schema: unknown, combined = false): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema as Record<string, unknown>)) {
    const inside = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'not', 'dependentSchemas'].includes(key);
    if (Array.isArray(value)) {
      copy[key] = value.map((item) => (isObject(item) && key !== 'enum' ? closedSchema(item, inside) : item));
    } else if (isObject(value) && key !== 'const' && key !== 'default') {
      copy[key] = ['properties', '$defs', 'patternProperties', 'dependentSchemas'].includes(key)
        ? Object.fromEntries(
            Object.entries(value).map(([name, item]) => [
              name,
              isObject(item) ? closedSchema(item, inside) : item,
            ]),
          )
        : closedSchema(value, inside);
    } else {
      copy[key] = value;
    }
  }
  const open = [
    'additionalProperties',
    'unevaluatedProperties',
    'patternProperties',
    '$ref',
    'allOf',
    'anyOf',
    'oneOf',
    'if',
  ];
  if (isObject(copy.properties) && !combined && !open.some((key) => key in copy))
    copy.additionalProperties = false;
  // Ids would make references absolute; they are by file name.
  delete copy.$id;
  delete copy.$schema;
  return copy;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function references(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(references);
  if (!isObject(schema)) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== '$ref' || typeof value !== 'string') return references(value);
    const file = value.split('#')[0]!;
    return file === '' ? [] : [file];
  });
}

function readJson(path: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isObject(content)) return content;
  } catch (error) {
    throw configError('file', `cannot read the schema ${path}: ${(error as Error).message}`, {
      where: path,
      cause: error,
    });
  }
  throw configError('file', `the schema ${path} must be a JSON object`, { where: path });
}
