import { configError } from '../config-error.js';
import { type Rule, RuleSet } from '../longest-match.js';
import { PLAIN_RULES, type PlainToken } from '../plain-tokens.js';

export type TokenType =
  | PlainToken
  | 'any'
  | 'escaped-open'
  | 'top-escape'
  | 'quoted-escape'
  | 'open'
  | 'close'
  | 'brace-open'
  | 'brace-close'
  | 'quote-open'
  | 'quote-close'
  | 'comma'
  | 'bracket-open'
  | 'bracket-close'
  | 'colon'
  | 'dot'
  | 'key'
  | 'end';

export interface Token {
  type: TokenType;
  text: string;
}

/** `text` is the text around interpolations, `value` a resolver's arguments, `path` the inside of `${…}`. */
export type Mode = 'text' | 'value' | 'path' | 'single' | 'double';

type Action = 'pop' | { push: Mode } | { become: Mode } | undefined;
type ModeRule = Rule<TokenType, Action>;

const OPEN: ModeRule = [/\$\{[ \t]*/y, /\$/, 'open', { push: 'path' }];
const ESCAPED_OPEN: ModeRule = [/(?:\\\\)*\\\$\{/y, /\\/, 'escaped-open'];
const BACKSLASHES: ModeRule = [/\\+/y, /\\/, 'any'];
const DOLLAR: ModeRule = [/\$/y, /\$/, 'any'];

const RULES: Record<Mode, RuleSet<TokenType, Action>> = {
  text: new RuleSet<TokenType, Action>([
    OPEN,
    [/[^$]*[^\\$]/y, /[^$]/, 'any'],
    ESCAPED_OPEN,
    [/(?:\\\\)+/y, /\\/, 'top-escape'],
    BACKSLASHES,
    DOLLAR,
  ]),
  value: new RuleSet<TokenType, Action>([
    OPEN,
    [/\{[ \t]*/y, /\{/, 'brace-open', { push: 'value' }],
    [/[ \t]*\}/y, /[ \t}]/, 'brace-close', 'pop'],
    [/'/y, /'/, 'quote-open', { push: 'single' }],
    [/"/y, /"/, 'quote-open', { push: 'double' }],
    [/[ \t]*,[ \t]*/y, /[ \t,]/, 'comma'],
    [/\[[ \t]*/y, /\[/, 'bracket-open'],
    [/[ \t]*\]/y, /[ \t\]]/, 'bracket-close'],
    [/[ \t]*:[ \t]*/y, /[ \t:]/, 'colon'],
    ...PLAIN_RULES,
  ]),
  path: new RuleSet<TokenType, Action>([
    OPEN,
    [/[ \t]*:[ \t]*/y, /[ \t:]/, 'colon', { become: 'value' }],
    [/[ \t]*\}/y, /[ \t}]/, 'close', 'pop'],
    [/\./y, /\./, 'dot'],
    [/\[/y, /\[/, 'bracket-open'],
    [/\]/y, /\]/, 'bracket-close'],
    [/[a-zA-Z_][\w-]*/y, /[a-zA-Z_]/, 'id'],
    [/(?:[^\\{}()[\]:. \t'"]|\\[\\.[\]:=])+/y, /[^{}()[\]:. \t'"]/, 'key'],
  ]),
  single: quoted("'"),
  double: quoted('"'),
};

function quoted(quote: string): RuleSet<TokenType, Action> {
  return new RuleSet<TokenType, Action>([
    OPEN,
    [new RegExp(quote, 'y'), new RegExp(quote), 'quote-close', 'pop'],
    [new RegExp(`[^${quote}$]*[^${quote}\\\\$]`, 'y'), new RegExp(`[^${quote}$]`), 'any'],
    ESCAPED_OPEN,
    [new RegExp(`(?:\\\\\\\\)*\\\\${quote}`, 'y'), /\\/, 'escape'],
    [/(?:\\\\)+/y, /\\/, 'quoted-escape'],
    BACKSLASHES,
    DOLLAR,
  ]);
}

/** Tokens of a text, with an `end` token last. Throws `config.grammar`. */
export function tokenize(text: string, mode: Mode): Token[] {
  const tokens: Token[] = [];
  const modes: Mode[] = [mode];
  for (let index = 0; index < text.length; ) {
    const match = RULES[modes.at(-1)!].match(text, index);
    if (match === undefined) {
      throw configError(
        'grammar',
        `token recognition error at: '${text.slice(index, index + 10)}' in '${text}'`,
      );
    }
    const [, , type, action] = match.rule;
    tokens.push({ type, text: text.slice(index, match.end) });
    index = match.end;
    if (action === 'pop') {
      modes.pop();
      if (modes.length === 0) throw configError('grammar', `unbalanced '}' in '${text}'`);
    } else if (action !== undefined) {
      if ('become' in action) modes.pop();
      modes.push('push' in action ? action.push : action.become);
    }
  }
  tokens.push({ type: 'end', text: '' });
  return tokens;
}
