import { configError } from '../config-error.js';
import { floatText } from '../python-text.js';
import { Float, type Key } from '../python-value.js';
import { type Parsed, ParsedDict, QuotedText } from './value.js';

/** A value as Python's `json.dumps` writes it: `{"a": 1, "b": [2.0, null]}`, ASCII only. */
export function jsonText(value: Parsed): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return jsonString(value);
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString();
  if (value instanceof Float) return jsonFloat(value.value);
  if (value instanceof QuotedText) return jsonString(value.text);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (value instanceof ParsedDict) {
    return `{${Array.from(value, ([key, item]) => `${jsonKey(key)}: ${jsonText(item)}`).join(', ')}}`;
  }
  throw configError('override_syntax', 'this value has no JSON form');
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return floatText(value);
}

function jsonKey(key: Key): string {
  if (typeof key === 'string') return jsonString(key);
  return `"${key instanceof Float ? jsonFloat(key.value) : String(key)}"`;
}

function jsonString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
