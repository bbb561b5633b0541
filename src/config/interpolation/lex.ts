import { configError } from '../config-error.js';

export type TokenType =
  | 'any'
  | 'escape'
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
  | 'float'
  | 'int'
  | 'bool'
  | 'null'
  | 'char'
  | 'id'
  | 'space'
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
type Rule = [pattern: RegExp, type: TokenType, action?: Action];

const INT = '(?:0|[1-9](?:_?[0-9])*)';
const POINT = `(?:${INT}?\\.[0-9](?:_?[0-9])*|${INT}\\.)`;
const FLOAT = `[+-]?(?:(?:${POINT}|${INT})[eE][+-]?[0-9](?:_?[0-9])*|${POINT}|[Ii][Nn][Ff]|[Nn][Aa][Nn])`;
const OPEN: Rule = [/\$\{[ \t]*/y, 'open', { push: 'path' }];
const ESCAPED_OPEN: Rule = [/(?:\\\\)*\\\$\{/y, 'escaped-open'];
const BACKSLASHES: Rule = [/\\+/y, 'any'];
const DOLLAR: Rule = [/\$/y, 'any'];

/** Per mode, in the grammar's order. The longest match wins, the earlier rule on a tie. */
const RULES: Record<Mode, Rule[]> = {
  text: [OPEN, [/[^$]*[^\\$]/y, 'any'], ESCAPED_OPEN, [/(?:\\\\)+/y, 'top-escape'], BACKSLASHES, DOLLAR],
  value: [
    OPEN,
    [/\{[ \t]*/y, 'brace-open', { push: 'value' }],
    [/[ \t]*\}/y, 'brace-close', 'pop'],
    [/'/y, 'quote-open', { push: 'single' }],
    [/"/y, 'quote-open', { push: 'double' }],
    [/[ \t]*,[ \t]*/y, 'comma'],
    [/\[[ \t]*/y, 'bracket-open'],
    [/[ \t]*\]/y, 'bracket-close'],
    [/[ \t]*:[ \t]*/y, 'colon'],
    [new RegExp(FLOAT, 'y'), 'float'],
    [new RegExp(`[+-]?${INT}`, 'y'), 'int'],
    [/true|false/iy, 'bool'],
    [/null/iy, 'null'],
    [/[/\-\\+.$%*@?|]/y, 'char'],
    [/[a-zA-Z_][\w-]*/y, 'id'],
    [/(?:\\[\\()[\]{}:=, \t])+/y, 'escape'],
    [/[ \t]+/y, 'space'],
  ],
  path: [
    OPEN,
    [/[ \t]*:[ \t]*/y, 'colon', { become: 'value' }],
    [/[ \t]*\}/y, 'close', 'pop'],
    [/\./y, 'dot'],
    [/\[/y, 'bracket-open'],
    [/\]/y, 'bracket-close'],
    [/[a-zA-Z_][\w-]*/y, 'id'],
    [/(?:[^\\{}()[\]:. \t'"]|\\[\\.[\]:=])+/y, 'key'],
  ],
  single: quoted("'"),
  double: quoted('"'),
};

function quoted(quote: string): Rule[] {
  return [
    OPEN,
    [new RegExp(quote, 'y'), 'quote-close', 'pop'],
    [new RegExp(`[^${quote}$]*[^${quote}\\\\$]`, 'y'), 'any'],
    ESCAPED_OPEN,
    [new RegExp(`(?:\\\\\\\\)*\\\\${quote}`, 'y'), 'escape'],
    [/(?:\\\\)+/y, 'quoted-escape'],
    BACKSLASHES,
    DOLLAR,
  ];
}

/** Tokens of a text, with an `end` token last. Throws `config.grammar`. */
export function tokenize(text: string, mode: Mode): Token[] {
  const tokens: Token[] = [];
  const modes: Mode[] = [mode];
  for (let index = 0; index < text.length; ) {
    let best: Rule | undefined;
    let length = 0;
    for (const rule of RULES[modes.at(-1)!]) {
      rule[0].lastIndex = index;
      const match = rule[0].exec(text);
      if (match !== null && match[0].length > length) {
        best = rule;
        length = match[0].length;
      }
    }
    if (best === undefined) {
      throw configError(
        'grammar',
        `token recognition error at: '${text.slice(index, index + 10)}' in '${text}'`,
      );
    }
    const [, type, action] = best;
    tokens.push({ type, text: text.slice(index, index + length) });
    index += length;
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
