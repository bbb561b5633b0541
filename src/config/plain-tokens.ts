import type { Rule } from './longest-match.js';

// What overrides and the arguments of resolvers have in common: the same tokens in the same order in both grammars.

export const INT = '(?:0|[1-9](?:_?[0-9])*)';
const POINT = `(?:${INT}?\\.[0-9](?:_?[0-9])*|${INT}\\.)`;
const FLOAT = `[+-]?(?:(?:${POINT}|${INT})[eE][+-]?[0-9](?:_?[0-9])*|${POINT}|[Ii][Nn][Ff]|[Nn][Aa][Nn])`;

export type PlainToken = 'float' | 'int' | 'bool' | 'null' | 'char' | 'id' | 'escape' | 'space';

/** Numbers, words, escapes and blanks of an unquoted value. */
export const PLAIN_RULES: readonly Rule<PlainToken, undefined>[] = [
  [new RegExp(FLOAT, 'y'), /[-+.\diInN]/, 'float'],
  [new RegExp(`[+-]?${INT}`, 'y'), /[-+\d]/, 'int'],
  [/true|false/iy, /[tTfF]/, 'bool'],
  [/null/iy, /[nN]/, 'null'],
  [/[/\-\\+.$%*@?|]/y, /[/\-\\+.$%*@?|]/, 'char'],
  [/[a-zA-Z_][\w-]*/y, /[a-zA-Z_]/, 'id'],
  [/(?:\\[\\()[\]{}:=, \t])+/y, /\\/, 'escape'],
  [/[ \t]+/y, /[ \t]/, 'space'],
];
