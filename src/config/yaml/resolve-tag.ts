import { configError } from '../config-error.js';
import { Float, integer, type Scalar } from '../python-value.js';

const PREFIX = 'tag:yaml.org,2002:';

/** The tags a plain scalar can have by its looks. */
export type CoreTag = 'str' | 'bool' | 'int' | 'float' | 'null' | 'merge' | 'value';

const INT =
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
// YAML 1.1 floats, then the reference's own rule, which adds exponents without a point or sign (1e-4, 1e4).
const FLOAT =
  /^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const FLOAT_EXTENDED =
  /^(?:[-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)|\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?|[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const WORDS: ReadonlyMap<string, CoreTag> = new Map<string, CoreTag>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, 'null'] as const),
  ...['yes', 'no', 'true', 'false', 'on', 'off'].flatMap((word) =>
    [word, word[0]!.toUpperCase() + word.slice(1), word.toUpperCase()].map((form) => [form, 'bool'] as const),
  ),
  ['<<', 'merge'],
  ['=', 'value'],
]);
/** What the reference's writer (not its reader) takes for a date and therefore quotes. */
const TIMESTAMP =
  /^(?:\d\d\d\d-\d\d-\d\d|\d\d\d\d-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/;

/** The type an unquoted scalar has by its text. Dates stay text. */
export function plainTag(text: string): CoreTag {
  if (!startsNumber(text)) return WORDS.get(text) ?? 'str';
  if (FLOAT.test(text)) return 'float';
  if (INT.test(text)) return 'int';
  return FLOAT_EXTENDED.test(text) ? 'float' : 'str';
}

/** A digit, a sign or a point. */
function startsNumber(text: string): boolean {
  const first = text.charCodeAt(0);
  return (first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46;
}

/** Whether text written without quotes would read back as something else (by YAML 1.1, as the writer checks it). */
export function needsQuotes(text: string): boolean {
  if (!startsNumber(text)) return WORDS.has(text);
  return FLOAT.test(text) || INT.test(text) || TIMESTAMP.test(text);
}

/** A scalar's value under a tag. Undefined when the tag is none the reference reads; throws for text the tag cannot take. */
export function constructScalar(tag: string, text: string): Scalar | undefined {
  const name = tag.startsWith(PREFIX) ? tag.slice(PREFIX.length) : tag;
  if (name === 'str' || name === '!') return text;
  if (name === 'null') return null;
  if (name === 'bool') return constructBool(text);
  if (name === 'int') return constructInt(text);
  if (name === 'float') return constructFloat(text);
  if (name === 'binary') return new Uint8Array(Buffer.from(text, 'base64'));
  if (name === 'timestamp' || name === 'set') {
    throw configError(
      'value_type',
      `a value of YAML type !!${name} is not supported; write it as text, in quotes`,
    );
  }
  return undefined;
}

function constructBool(text: string): boolean {
  const lower = text.toLowerCase();
  if (['yes', 'true', 'on'].includes(lower)) return true;
  if (['no', 'false', 'off'].includes(lower)) return false;
  throw configError('yaml', `'${text}' is not a boolean`);
}

function constructInt(text: string): number | bigint {
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  const clean = text.replaceAll('_', '');
  const negative = clean.startsWith('-');
  const digits = clean.replace(/^[-+]/, '');
  const value = unsignedInt(digits);
  if (value === undefined) throw configError('yaml', `'${text}' is not an integer`);
  return integer(negative ? -value : value);
}

function unsignedInt(digits: string): bigint | undefined {
  if (digits === '0') return 0n;
  if (/^0b[01]+$/.test(digits) || /^0x[0-9a-fA-F]+$/.test(digits)) return BigInt(digits);
  if (/^0[0-7]*$/.test(digits)) return BigInt(`0o${digits}`);
  if (/^\d+(?::\d+)+$/.test(digits))
    return digits.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  return /^[1-9]\d*$/.test(digits) ? BigInt(digits) : undefined;
}

function constructFloat(text: string): Float {
  const clean = text.replaceAll('_', '').toLowerCase();
  const sign = clean.startsWith('-') ? -1 : 1;
  const digits = clean.replace(/^[-+]/, '');
  if (digits === '.inf') return new Float(sign * Number.POSITIVE_INFINITY);
  if (digits === '.nan') return new Float(Number.NaN);
  if (/^[\d.]+(?::[\d.]+)+$/.test(digits)) {
    return new Float(sign * digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0));
  }
  if (/^(?:inf|infinity)$/.test(digits)) return new Float(sign * Number.POSITIVE_INFINITY);
  if (digits === 'nan') return new Float(Number.NaN);
  if (!/^(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/.test(digits))
    throw configError('yaml', `'${text}' is not a number`);
  return new Float(sign * Number(digits));
}
