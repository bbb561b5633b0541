import { configError } from '../config-error.js';
import { RuleSet } from '../longest-match.js';
import { INT, PLAIN_RULES, type PlainToken } from '../plain-tokens.js';

export type TokenType =
  | PlainToken
  | 'equal'
  | 'tilde'
  | 'plus'
  | 'at'
  | 'colon'
  | 'slash'
  | 'special-key'
  | 'path'
  | 'paren-open'
  | 'comma'
  | 'paren-close'
  | 'bracket-open'
  | 'bracket-close'
  | 'brace-open'
  | 'brace-close'
  | 'quoted'
  | 'interpolation'
  | 'end';

export interface Token {
  type: TokenType;
  text: string;
}

const SPECIAL = '[a-zA-Z_$][\\w$-]*';

const KEY_RULES = new RuleSet<TokenType>([
  [/=[ \t]*/y, /=/, 'equal'],
  [/~/y, /~/, 'tilde'],
  [/\+/y, /\+/, 'plus'],
  [/@/y, /@/, 'at'],
  [/:/y, /:/, 'colon'],
  [/\//y, /\//, 'slash'],
  [/[a-zA-Z_][\w-]*/y, /[a-zA-Z_]/, 'id'],
  [new RegExp(SPECIAL, 'y'), /[a-zA-Z_$]/, 'special-key'],
  [new RegExp(`(?:${SPECIAL}|${INT})(?:\\.(?:${SPECIAL}|${INT}))+`, 'y'), /[\w$]/, 'path'],
]);

const VALUE_RULES = new RuleSet<TokenType>([
  [/[ \t]*\([ \t]*/y, /[ \t(]/, 'paren-open'],
  [/[ \t]*,[ \t]*/y, /[ \t,]/, 'comma'],
  [/[ \t]*\)/y, /[ \t)]/, 'paren-close'],
  [/\[[ \t]*/y, /\[/, 'bracket-open'],
  [/[ \t]*\]/y, /[ \t\]]/, 'bracket-close'],
  [/\{[ \t]*/y, /\{/, 'brace-open'],
  [/[ \t]*\}/y, /[ \t}]/, 'brace-close'],
  [/[ \t]*:[ \t]*/y, /[ \t:]/, 'colon'],
  [/[ \t]*=[ \t]*/y, /[ \t=]/, 'equal'],
  ...PLAIN_RULES,
  // The quote that closes has an even number of backslashes before it.
  [/"(?:(?:\\\\)*"|[\s\S]*?[^\\](?:\\\\)*")/y, /"/, 'quoted'],
  [/'(?:(?:\\\\)*'|[\s\S]*?[^\\](?:\\\\)*')/y, /'/, 'quoted'],
  // Flat: up to the first closing brace, whatever is inside.
  [/\$\{[^}]+\}/y, /\$/, 'interpolation'],
]);
const WITHOUT_INTERPOLATION = VALUE_RULES.without('interpolation');

/** Tokens of one override, with an `end` token last. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const lastBrace = text.lastIndexOf('}');
  let rules = KEY_RULES;
  for (let index = 0; index < text.length; ) {
    // Where no brace follows, looking for one at every `${` would take quadratic time.
    if (rules === VALUE_RULES && index > lastBrace) rules = WITHOUT_INTERPOLATION;
    const match = rules.match(text, index);
    if (match === undefined) {
      throw configError(
        'override_syntax',
        `no token starts with '${text.slice(index, index + 10)}' (character ${index + 1})`,
      );
    }
    const type = match.rule[2];
    tokens.push({ type, text: text.slice(index, match.end) });
    index = match.end;
    if (type === 'equal' && rules === KEY_RULES) rules = VALUE_RULES;
  }
  tokens.push({ type: 'end', text: '' });
  return tokens;
}
