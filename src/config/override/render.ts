import { configError } from '../config-error.js';
import { floatText } from '../python-text.js';
import { Float } from '../python-value.js';
import { Glob, isSweep, ListExtension, type Parsed, ParsedDict, QuotedText } from './value.js';

/** The text of a value that parses back to it: `[a\,b,1.0,True,{k:null}]`. Throws for sweeps, which have none. */
export function renderValue(value: Parsed): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return value.replace(/[\\()[\]{}:=, \t]/g, '\\$&');
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof QuotedText) return withQuotes(value);
  if (Array.isArray(value)) return `[${value.map(renderValue).join(',')}]`;
  if (value instanceof ListExtension) return `{values:${renderValue(value.values)}}`;
  if (value instanceof ParsedDict) {
    return `{${Array.from(value, ([key, item]) => `${renderValue(key)}:${renderValue(item)}`).join(',')}}`;
  }
  if (isSweep(value) || value instanceof Glob || value instanceof Uint8Array) {
    throw configError('compose', 'a sweep inside a value cannot be enumerated');
  }
  return value.toString();
}

function withQuotes({ text, quote }: QuotedText): string {
  // Backslashes before a quote (or the end) double, and the quote itself is escaped.
  const body = text.replace(new RegExp(`(\\\\*)(${quote}|$)`, 'g'), (_run, slashes: string, end: string) => {
    return slashes + slashes + (end === '' ? '' : `\\${end}`);
  });
  return quote + body + quote;
}
