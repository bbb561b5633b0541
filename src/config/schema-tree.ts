import type { LoadedSchema } from './schema.js';

type Schema = Record<string, unknown>;
interface Located {
  schema: Schema;
  /** The file it stands in, for references into the same file. */
  file: string;
  /** Names of the definitions it was reached by: `path`, `seed`. */
  via: string[];
}

/** What a schema says about the value at one path. */
export interface SchemaPlace {
  /** Keys it names, with whether a mapping is expected there. */
  keys: Map<string, { mapping: boolean }>;
  /** Whether keys of any name may be added. */
  open: boolean;
  /** Values it lists: those of an enum, true and false, null. */
  choices: string[];
  /** The same for the items of a list. */
  itemChoices: string[];
  /** Whether a file or folder is expected. */
  path: boolean;
}

/** Definitions (`$ref: …#/$defs/path`) and keywords whose values are names of files or folders. */
const PATH_DEFINITIONS = new Set(['path', 'output_dir', 'resume']);
const PATH_KEYWORDS = ['mustExist'];

/** Everything a schema says about a path, all branches of `anyOf`, `if` and the like taken together. */
export function schemaPlace(loaded: LoadedSchema, path: readonly string[]): SchemaPlace {
  let places: Located[] = unfold(loaded, {
    schema: loaded.schemas.get(loaded.name)!,
    file: loaded.name,
    via: [],
  });
  for (const key of path) places = places.flatMap((place) => below(loaded, place, key));
  const keys: SchemaPlace['keys'] = new Map();
  for (const { schema, file } of places) {
    for (const [key, child] of Object.entries((schema.properties ?? {}) as Record<string, Schema>)) {
      const inside = unfold(loaded, { schema: child, file, via: [] });
      keys.set(key, { mapping: (keys.get(key)?.mapping ?? false) || inside.some(isMapping) });
    }
  }
  const items = places.flatMap((place) => below(loaded, place, '0'));
  return {
    keys,
    open: places.some(
      ({ schema }) => isSchema(schema.additionalProperties) || isSchema(schema.patternProperties),
    ),
    choices: choicesOf(places),
    itemChoices: choicesOf(items),
    path: places.some(
      ({ schema, via }) =>
        via.some((name) => PATH_DEFINITIONS.has(name)) || PATH_KEYWORDS.some((keyword) => keyword in schema),
    ),
  };
}

function isMapping({ schema }: Located): boolean {
  return [schema.type].flat().includes('object') || isSchema(schema.properties);
}

function choicesOf(places: readonly Located[]): string[] {
  return places.flatMap(({ schema }) => {
    const types = [schema.type].flat();
    const listed = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : [];
    return [
      ...listed.map(String),
      ...(types.includes('boolean') ? ['false', 'true'] : []),
      ...(types.includes('null') ? ['null'] : []),
    ];
  });
}

function below(loaded: LoadedSchema, { schema, file }: Located, key: string): Located[] {
  const { properties, additionalProperties, patternProperties, items, prefixItems } = schema as Record<
    string,
    Schema
  >;
  const named = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
  const found: unknown[] = named === undefined ? [] : [named];
  for (const [pattern, child] of Object.entries(patternProperties ?? {}))
    if (new RegExp(pattern, 'u').test(key)) found.push(child);
  if (found.length === 0) found.push(additionalProperties);
  if (/^\d+$/.test(key)) found.push(Array.isArray(prefixItems) ? (prefixItems[Number(key)] ?? items) : items);
  return found.filter(isSchema).flatMap((child) => unfold(loaded, { schema: child, file, via: [] }));
}

/** A schema, what it refers to, and its branches. */
function unfold(loaded: LoadedSchema, place: Located, depth = 0): Located[] {
  if (depth > 32) return [];
  const { schema, file, via } = place;
  const branches = ['allOf', 'anyOf', 'oneOf', 'then', 'else']
    .flatMap((key) => schema[key] ?? [])
    .filter(isSchema);
  const found = branches.flatMap((branch) => unfold(loaded, { schema: branch, file, via }, depth + 1));
  const target = typeof schema.$ref === 'string' ? referred(loaded, schema.$ref, file) : undefined;
  if (target !== undefined)
    found.push(...unfold(loaded, { ...target, via: [...via, ...target.via] }, depth + 1));
  return [place, ...found];
}

function referred(loaded: LoadedSchema, reference: string, from: string): Located | undefined {
  const [name, pointer = ''] = reference.split('#');
  const file = name === '' ? from : name!;
  let schema: unknown = loaded.schemas.get(file);
  const parts = pointer.split('/').slice(1);
  for (const part of parts) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    schema = isSchema(schema) || Array.isArray(schema) ? (schema as Schema)[key] : undefined;
  }
  return isSchema(schema) ? { schema, file, via: parts.slice(-1) } : undefined;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
