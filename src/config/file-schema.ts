import { isSchema, type JsonSchema, mapSchemas, standard } from './bundle-schema.js';
import { HYDRA_TYPE } from './hydra-node.js';
import type { FieldType, StructType } from './tree/struct-type.js';

/*
 * A schema says what a composed config looks like. The file schemas made here say what may stand in a YAML file it is composed
 * from, for editors: nothing is required, any value may be an interpolation or `???`, and there may be a defaults list and
 * settings of Hydra. They are written beside each other under the names of the schemas (`pretrain.schema.json` ->
 * `pretrain.json`) and refer to each other in the same way.
 */

/** `common.schema.json#/$defs/path` -> `common.json#/$defs/path`; a whole file by what its values are. */
function refer(reference: string): string {
  const renamed = reference.replace('.schema.json', '.json');
  return renamed.includes('#') ? renamed : `${renamed}#/$defs/value`;
}

/** The file schema of a schema, given as its file holds it. */
export function fileSchema(schema: JsonSchema): JsonSchema {
  const { $schema, $id, title, description, $defs, ...rest } = mapSchemas(standard(schema, refer), relaxed);
  const definitions = { ...($defs as JsonSchema | undefined), ...ALLOWED_IN_FILES };
  const head = {
    $schema,
    $id: String($id).replace('.schema.json', '.json'),
    ...(title === undefined ? {} : { title, description }),
  };
  if (title === undefined) return { ...head, $defs: definitions };
  // A whole file may also hold `defaults` and `hydra`; where another schema refers to this one, its values may not.
  const { properties = {} } = rest as { properties?: JsonSchema };
  const named = Object.keys(properties).map((key) => [key, { $ref: `#/$defs/value/properties/${key}` }]);
  return {
    ...head,
    ...rest,
    properties: { defaults: DEFAULTS_LIST, hydra: { $ref: 'hydra.json' }, ...Object.fromEntries(named) },
    $defs: { value: rest, ...definitions },
  };
}

/** The file schema of the `hydra` node. */
export function hydraFileSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'hydra.json',
    title: 'hydra',
    description: "Hydra's own settings: the folders of runs and sweeps, the sweeper, logging, callbacks.",
    ...structSchema(HYDRA_TYPE),
    $defs: ALLOWED_IN_FILES,
  };
}

const INTERPOLATION = { $ref: '#/$defs/interpolation' };

const ALLOWED_IN_FILES = {
  interpolation: {
    type: 'string',
    pattern: '\\$\\{|^\\?\\?\\?$',
    description: 'An interpolation, ${key} or ${resolver:arguments}, or ???: to be given before the run.',
  },
};

const DEFAULTS_LIST = {
  type: 'array',
  description: 'What this config is composed from, in this order; _self_ is the file itself.',
  items: {
    anyOf: [
      { type: 'string', description: 'A config, or _self_.' },
      {
        type: 'object',
        description: 'group: option, group@package: option, optional group: option, override group: option.',
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: {
          anyOf: [{ type: ['string', 'null'] }, { type: 'array', items: { type: 'string' } }],
        },
      },
    ],
  },
};

const CONDITIONS = [
  'required',
  'dependentRequired',
  'dependentSchemas',
  'minProperties',
  'if',
  'then',
  'else',
  'not',
];

function relaxed(schema: JsonSchema): JsonSchema {
  const copy = Object.fromEntries(Object.entries(schema).filter(([key]) => !CONDITIONS.includes(key)));
  if (Array.isArray(copy.oneOf)) {
    copy.anyOf = [...((copy.anyOf as unknown[]) ?? []), ...copy.oneOf];
    delete copy.oneOf;
  }
  if (Array.isArray(copy.allOf)) {
    copy.allOf = copy.allOf.filter((inner) => Object.keys(inner).length > 0);
    if ((copy.allOf as unknown[]).length === 0) delete copy.allOf;
  }
  for (const key of ['properties', 'patternProperties'])
    if (isSchema(copy[key]))
      copy[key] = Object.fromEntries(
        Object.entries(copy[key]).map(([name, inner]) => [name, orInterpolation(inner)]),
      );
  for (const key of ['additionalProperties', 'items'])
    if (key in copy) copy[key] = orInterpolation(copy[key]);
  if (Array.isArray(copy.prefixItems)) copy.prefixItems = copy.prefixItems.map(orInterpolation);
  return copy;
}

function orInterpolation(schema: unknown): unknown {
  if (!isSchema(schema) || Object.keys(schema).length === 0 || isAnyText(schema)) return schema;
  // Editors show the description beside the key, not those within.
  const { description, ...rest } = schema;
  return { ...(description === undefined ? {} : { description }), anyOf: [rest, INTERPOLATION] };
}

function isAnyText({
  type,
  enum: choices,
  const: constant,
  pattern,
  maxLength,
  format,
}: JsonSchema): boolean {
  const isLimited = [choices, constant, pattern, maxLength, format].some((limit) => limit !== undefined);
  return [type].flat().includes('string') && !isLimited;
}

function structSchema({ fields, other }: StructType): JsonSchema {
  const properties = Object.entries(fields).map(([key, field]) => [key, orInterpolation(fieldSchema(field))]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: other === undefined ? false : orInterpolation(fieldSchema(other)),
  };
}

function fieldSchema(field: FieldType): JsonSchema {
  const orNull = (type: string) =>
    'optional' in field && field.optional ? { type: [type, 'null'] } : { type };
  switch (field.kind) {
    case 'text':
      return { type: ['string', 'number', 'boolean', ...(field.optional ? ['null'] : [])] };
    case 'integer':
    case 'boolean':
      return orNull(field.kind);
    case 'enum':
      return { enum: [...field.names, ...(field.optional ? [null] : [])] };
    case 'list':
      return { type: 'array', items: fieldSchema(field.of) };
    case 'dict':
      return { type: 'object', additionalProperties: fieldSchema(field.of) };
    case 'struct':
      return structSchema(field.type);
    default:
      return {};
  }
}
