import type { LoadedSchema } from './schema.js';
import { closedSchema } from './schema.js';

export type JsonSchema = Record<string, unknown>;

/**
 * One schema that stands alone: what is referred to in other files becomes its `$defs`, keywords of our own are left out, and
 * no mapping takes keys it does not name. Any validator of JSON Schema 2020-12 takes it, ajv in strict mode too.
 */
export function bundleSchema(loaded: LoadedSchema): JsonSchema {
  const definitions = new Map<string, JsonSchema>();
  const names = new Map<string, string>();

  const define = (reference: string, from: string): string => {
    const [name, pointer = ''] = reference.split('#');
    const file = name === '' ? from : name!;
    const address = `${file}#${pointer}`;
    const known = names.get(address);
    if (known !== undefined) return `#/$defs/${known}`;
    const own = pointer.split('/').at(-1) || file.replace(/\.schema\.json$/, '');
    const free = definitions.has(own) ? `${file.replace(/\.schema\.json$/, '')}.${own}` : own;
    names.set(address, free);
    definitions.set(free, {}); // holds the place: a definition may refer to itself
    const { $defs: _, ...whole } = standard(schemaAt(loaded, file, pointer), (inner) => define(inner, file));
    definitions.set(free, whole);
    return `#/$defs/${free}`;
  };

  const root = standard(loaded.schemas.get(loaded.name)!, (reference) => define(reference, loaded.name));
  const { $schema, $id, title, description, $defs: _, ...rest } = root;
  const sorted = [...definitions].sort(([a], [b]) => (a < b ? -1 : 1));
  const whole = closedSchema({
    ...rest,
    ...(sorted.length === 0 ? {} : { $defs: Object.fromEntries(sorted) }),
  });
  return { $schema, $id, title, description, ...withRequiredNamed(whole) } as JsonSchema;
}

/** What a `$ref` points to. */
export function schemaAt({ schemas }: LoadedSchema, file: string, pointer: string): JsonSchema {
  let schema: unknown = schemas.get(file);
  for (const part of pointer.split('/').slice(1))
    schema = (schema as JsonSchema | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  return schema as JsonSchema;
}

/** Calls `change` for a schema and every one inside it, innermost first, and gives the changed copy. */
export function mapSchemas(schema: JsonSchema, change: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const copy: JsonSchema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (MAPS_OF_SCHEMAS.has(key) && isSchema(value)) {
      copy[key] = Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [
          name,
          isSchema(inner) ? mapSchemas(inner, change) : inner,
        ]),
      );
    } else if (LISTS_OF_SCHEMAS.has(key) && Array.isArray(value)) {
      copy[key] = value.map((inner) => (isSchema(inner) ? mapSchemas(inner, change) : inner));
    } else {
      copy[key] = SCHEMAS.has(key) && isSchema(value) ? mapSchemas(value, change) : value;
    }
  }
  return change(copy);
}

const MAPS_OF_SCHEMAS = new Set(['properties', 'patternProperties', '$defs', 'dependentSchemas']);
const LISTS_OF_SCHEMAS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const SCHEMAS = new Set([
  ...[
    'additionalProperties',
    'unevaluatedProperties',
    'propertyNames',
    'items',
    'unevaluatedItems',
    'contains',
  ],
  ...['if', 'then', 'else', 'not'],
]);
const OTHERS = new Set([
  ...['$schema', '$id', '$ref', '$comment', 'title', 'description', 'default', 'deprecated', 'examples'],
  ...['type', 'enum', 'const', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'],
  ...['maxLength', 'minLength', 'pattern', 'format', 'maxItems', 'minItems', 'uniqueItems'],
  ...['maxContains', 'minContains', 'maxProperties', 'minProperties', 'required', 'dependentRequired'],
]);

/** A copy without keywords of our own and with its references rewritten. */
export function standard(schema: JsonSchema, refer: (reference: string) => string): JsonSchema {
  return mapSchemas(schema, (inner) => {
    const known = Object.entries(inner).filter(
      ([key]) => OTHERS.has(key) || SCHEMAS.has(key) || MAPS_OF_SCHEMAS.has(key) || LISTS_OF_SCHEMAS.has(key),
    );
    const copy = Object.fromEntries(known);
    return typeof copy.$ref === 'string' ? { ...copy, $ref: refer(copy.$ref) } : copy;
  });
}

/** Strict validators want a key that is required in a place to be named there too. */
function withRequiredNamed(schema: JsonSchema): JsonSchema {
  return mapSchemas(schema, (inner) => {
    const { required, properties = {} } = inner as { required?: string[]; properties?: JsonSchema };
    const missing = (required ?? []).filter((key) => !Object.hasOwn(properties, key));
    if (missing.length === 0) return inner;
    return {
      ...inner,
      properties: { ...properties, ...Object.fromEntries(missing.map((key) => [key, true])) },
    };
  });
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
