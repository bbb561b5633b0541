import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ErrorObject } from 'ajv';
import { SluiceError } from '../errors.js';
import { configError } from './config-error.js';
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
  // Loading a validator takes longer than composing; printing a config does without.
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  // Cleaned schemas are not checked against the meta-schema: compiling that one costs more than all of ours.
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    validateSchema: false,
    logger: false,
  });
  const { name, schemas } = isLoaded(schema)
    ? schema
    : { name: 'schema', schemas: new Map([['schema', schema as Record<string, unknown>]]) };
  for (const [file, content] of schemas) ajv.addSchema(closed(content), file);
  const validate = ajv.getSchema(name);
  if (validate === undefined) throw configError('file', `${name} is no schema`);
  if (validate(config)) return [];
  const problems = describeViolations((validate.errors ?? []) as ErrorObject[]);
  return problems.map((problem) => located(problem, originOf)).sort(byPath);
}

/** One error that lists all violations. */
export function schemaError(violations: readonly Violation[]): SluiceError {
  const lines = violations.map(({ path, message, where, hint }) => {
    const subject = path === '' ? message : `${path}: ${message}`;
    return `${subject}${where === undefined ? '' : `\n    at ${where}`}${hint === undefined ? '' : `\n    ${hint}`}`;
  });
  const [first] = violations;
  const count =
    violations.length === 1 ? 'the config has a mistake' : `the config has ${violations.length} mistakes`;
  const details = first?.where === undefined ? {} : { where: first.where };
  return new SluiceError('config.schema', `${count}:\n  ${lines.join('\n  ')}`, details);
}

function isLoaded(schema: LoadedSchema | Record<string, unknown>): schema is LoadedSchema {
  return schema.schemas instanceof Map;
}

function located(problem: Problem, originOf: (path: string) => string | undefined): Violation {
  let where = originOf(problem.path);
  // A value without a place of its own (inside a resolver's result) takes its container's.
  for (let path = problem.path; where === undefined && path !== ''; ) {
    path = path.replace(/(?:\.|^)[^.[\]]*$|\[\d+\]$/, '');
    where = path === '' ? undefined : originOf(path);
  }
  const { path, message, hint } = problem;
  return { path, where, message, hint };
}

function byPath(a: Violation, b: Violation): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : a.message < b.message ? -1 : 1;
}

/** A copy in which every mapping that lists its keys allows no others, unless it says otherwise or is combined with another. */
function closed(schema: unknown, combined = false): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema as Record<string, unknown>)) {
    const inside = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'not', 'dependentSchemas'].includes(key);
    if (Array.isArray(value)) {
      copy[key] = value.map((item) => (isObject(item) && key !== 'enum' ? closed(item, inside) : item));
    } else if (isObject(value) && key !== 'const' && key !== 'default') {
      copy[key] = ['properties', '$defs', 'patternProperties', 'dependentSchemas'].includes(key)
        ? Object.fromEntries(
            Object.entries(value).map(([name, item]) => [name, isObject(item) ? closed(item, inside) : item]),
          )
        : closed(value, inside);
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
