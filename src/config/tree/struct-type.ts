import { configError } from '../config-error.js';
import { pyStr, pyTypeName } from '../python-text.js';
import { integer, type PyValue, type Scalar } from '../python-value.js';

/** A mapping with fixed keys, as the `hydra` node and its parts are. */
export interface StructType {
  name: string;
  fields: Readonly<Record<string, FieldType>>;
  /** Type of the values of all other keys; without it there are no others. */
  other?: FieldType;
}

/** What a field accepts; values are converted to it or refused. */
export type FieldType =
  | { kind: 'any' }
  | { kind: 'text' | 'integer' | 'boolean'; optional?: boolean }
  | { kind: 'enum'; names: readonly string[]; optional?: boolean }
  | { kind: 'list' | 'dict'; of: FieldType }
  | { kind: 'struct'; type: StructType };

const TYPE_NAMES = { text: 'String', integer: 'Integer', boolean: 'Boolean' };

/** The scalar a field stores for a value. Throws `config.validation`. Interpolations and `???` are stored as they are. */
export function convertScalar(value: Scalar, type: FieldType, path: string): Scalar {
  if (type.kind === 'any' || (typeof value === 'string' && (value === '???' || value.includes('${'))))
    return value;
  if (value === null) {
    if ('optional' in type && type.optional) return null;
    throw configError('validation', `field '${path}' is not Optional: null is not allowed`);
  }
  const converted = convert(value, type);
  if (converted !== undefined) return converted;
  if (type.kind === 'enum') {
    throw configError(
      'validation',
      `Invalid value '${pyStr(value)}', expected one of [${type.names.join(', ')}]`,
      {
        where: path,
      },
    );
  }
  const wanted = type.kind in TYPE_NAMES ? TYPE_NAMES[type.kind as keyof typeof TYPE_NAMES] : type.kind;
  const message = `Value '${pyStr(value)}' of type '${pyTypeName(value)}' could not be converted to ${wanted}`;
  throw configError('validation', message, { where: path });
}

function convert(value: Scalar, type: FieldType): Scalar | undefined {
  if (type.kind === 'text') return value instanceof Uint8Array ? undefined : pyStr(value);
  if (type.kind === 'integer') {
    if (typeof value === 'number' || typeof value === 'bigint') return value;
    return typeof value === 'string' && /^[-+]?\d+$/.test(value)
      ? integer(BigInt(value.replace('+', '')))
      : undefined;
  }
  if (type.kind === 'boolean') return convertBoolean(value);
  if (type.kind === 'enum') {
    if (typeof value === 'string' && type.names.includes(value)) return value;
    return typeof value === 'number' && value > 0 ? type.names[value - 1] : undefined;
  }
  return undefined;
}

function convertBoolean(value: PyValue): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'string') return undefined;
  if (/^(?:y|yes|on|true|1)$/i.test(value)) return true;
  return /^(?:n|no|off|false|0)$/i.test(value) ? false : undefined;
}
