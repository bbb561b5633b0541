import { configError } from '../config-error.js';

export type TokenType =
  | 'equal'
  | 'tilde'
  | 'plus'
  | 'at'
  | 'colon'
  | 'slash'
  | 'id'
  | 'special-key'
  | 'path'
  | 'paren-open'
  | 'comma'
  | 'paren-close'
  | 'bracket-open'
  | 'bracket-close'
  | 'brace-open'
  | 'brace-close'
  | 'float'
  | 'int'
  | 'bool'
  | 'null'
  | 'char'
  | 'escape'
  | 'space'
  | 'quoted'
  | 'interpolation'
  | 'end';

export interface Token {
  type: TokenType;
  text: string;
}

type Rule = [pattern: RegExp, type: TokenType];

const INT = '(?:0|[1-9](?:_?[0-9])*)';
const SPECIAL = '[a-zA-Z_$][\\w$-]*';
const POINT = `(?:${INT}?\\.[0-9](?:_?[0-9])*|${INT}\\.)`;
const FLOAT = `[+-]?(?:(?:${POINT}|${INT})[eE][+-]?[0-9](?:_?[0-9])*|${POINT}|[Ii][Nn][Ff]|[Nn][Aa][Nn])`;

// The longest match wins, the earlier rule on a tie.
const KEY_RULES: Rule[] = [
  [/=[ \t]*/y, 'equal'],
  [/~/y, 'tilde'],
  [/\+/y, 'plus'],
  [/@/y, 'at'],
  [/:/y, 'colon'],
  [/\//y, 'slash'],
  [/[a-zA-Z_][\w-]*/y, 'id'],
  [new RegExp(SPECIAL, 'y'), 'special-key'],
  [new RegExp(`(?:${SPECIAL}|${INT})(?:\\.(?:${SPECIAL}|${INT}))+`, 'y'), 'path'],
];

const VALUE_RULES: Rule[] = [
  [/[ \t]*\([ \t]*/y, 'paren-open'],
  [/[ \t]*,[ \t]*/y, 'comma'],
  [/[ \t]*\)/y, 'paren-close'],
  [/\[[ \t]*/y, 'bracket-open'],
  [/[ \t]*\]/y, 'bracket-close'],
  [/\{[ \t]*/y, 'brace-open'],
  [/[ \t]*\}/y, 'brace-close'],
  [/[ \t]*:[ \t]*/y, 'colon'],
  [/[ \t]*=[ \t]*/y, 'equal'],
  [new RegExp(FLOAT, 'y'), 'float'],
  [new RegExp(`[+-]?${INT}`, 'y'), 'int'],
  [/true|false/iy, 'bool'],
  [/null/iy, 'null'],
  [/[/\-\\+.$%*@?|]/y, 'char'],
  [/[a-zA-Z_][\w-]*/y, 'id'],
  [/(?:\\[\\()[\]{}:=, \t])+/y, 'escape'],
  [/[ \t]+/y, 'space'],
  // The quote that closes has an even number of backslashes before it.
  [/"(?:(?:\\\\)*"|[\s\S]*?[^\\](?:\\\\)*")/y, 'quoted'],
  [/'(?:(?:\\\\)*'|[\s\S]*?[^\\](?:\\\\)*')/y, 'quoted'],
  // Flat: up to the first closing brace, whatever is inside.
  [/\$\{[^}]+\}/y, 'interpolation'],
];
const WITHOUT_INTERPOLATION = VALUE_RULES.filter(([, type]) => type !== 'interpolation');

/** Tokens of one override, with an `end` token last. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const lastBrace = text.lastIndexOf('}');
  let rules = KEY_RULES;
  for (let index = 0; index < text.length; ) {
    let type: TokenType | undefined;
    let length = 0;
    // Where no brace follows, looking for one at every `${` would take quadratic time.
    if (rules === VALUE_RULES && index > lastBrace) rules = WITHOUT_INTERPOLATION;
    for (const [pattern, candidate] of rules) {
      pattern.lastIndex = index;
      const match = pattern.exec(text);
      if (match !== null && match[0].length > length) {
        type = candidate;
        length = match[0].length;
      }
    }
    if (type === undefined) {
      throw configError(
        'override_syntax',
        `no token starts with '${text.slice(index, index + 10)}' (character ${index + 1})`,
      );
    }
    tokens.push({ type, text: text.slice(index, index + length) });
    index += length;
    if (type === 'equal' && rules === KEY_RULES) rules = VALUE_RULES;
  }
  tokens.push({ type: 'end', text: '' });
  return tokens;
}
