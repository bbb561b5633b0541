import { configError } from '../config-error.js';
import { Float, integer, type Scalar } from '../python-value.js';
import { type Mode, type Token, type TokenType, tokenize } from './lex.js';

/** A parsed text or resolver argument. */
export type Expression =
  | { kind: 'constant'; value: Scalar }
  | { kind: 'text'; parts: (string | Interpolation)[] }
  | { kind: 'quoted'; content: Expression }
  | { kind: 'list'; items: Expression[] }
  | { kind: 'dict'; entries: [Scalar, Expression][] }
  | Interpolation;

export type Interpolation =
  | { kind: 'node'; dots: number; keys: (string | Interpolation)[]; raw: (string | Interpolation)[] }
  | { kind: 'resolver'; name: (string | Interpolation)[]; args: Expression[] };

const cache = new Map<string, Expression>();
const CACHE_LIMIT = 4096;

/** A config text that contains `${`. Throws `config.grammar` with `where`. */
export function parseInterpolation(text: string, where?: string): Expression {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const expression = simpleNode(text) ?? parseText(text, where);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(text, expression);
  return expression;
}

function parseText(text: string, where: string | undefined): Expression {
  const parser = new Parser(text, 'text', where);
  const expression = parser.text(['end']);
  parser.expect('end');
  return expression;
}

const SIMPLE_NODE = /^\$\{[ \t]*(\.*)([a-zA-Z_][\w-]*(?:\.[a-zA-Z_][\w-]*){0,99})[ \t]*\}$/;

/** `${a.b}`, the commonest by far, without the way through tokens. */
function simpleNode(text: string): Interpolation | undefined {
  const match = SIMPLE_NODE.exec(text);
  if (match === null) return undefined;
  const keys = match[2]!.split('.');
  return { kind: 'node', dots: match[1]!.length, keys, raw: [match[2]!] };
}

/** The text given to `oc.decode`: one value, list or mapping, possibly with interpolations. */
export function parseElement(text: string): Expression {
  const parser = new Parser(text, 'value', undefined);
  const expression = parser.element();
  parser.expect('end');
  return expression;
}

const TEXT_TOKENS: TokenType[] = ['any', 'escape', 'escaped-open', 'top-escape', 'quoted-escape', 'open'];
const KEY_TOKENS: TokenType[] = ['id', 'null', 'int', 'float', 'bool', 'char', 'escape', 'space'];
const PRIMITIVE_TOKENS: TokenType[] = [...KEY_TOKENS, 'colon', 'open'];
const MAX_DEPTH = 256;

class Parser {
  private readonly tokens: Token[];
  private readonly source: string;
  private readonly where: string | undefined;
  private position = 0;
  private depth = 0;

  constructor(source: string, mode: Mode, where: string | undefined) {
    this.source = source;
    this.where = where;
    try {
      this.tokens = tokenize(source, mode);
    } catch (error) {
      throw configError('grammar', (error as Error).message, { where });
    }
  }

  text(stop: TokenType[]): Expression {
    const pieces: (Token | Interpolation)[] = [];
    while (!stop.includes(this.type) && TEXT_TOKENS.includes(this.type)) {
      pieces.push(this.type === 'open' ? this.interpolation() : this.next());
    }
    if (pieces.length === 0) throw this.error('no viable alternative');
    const [only] = pieces;
    if (pieces.length === 1 && 'kind' in only!) return only;
    return { kind: 'text', parts: unescapeTokens(pieces) };
  }

  element(): Expression {
    if (++this.depth > MAX_DEPTH) throw this.error(`nesting is deeper than ${MAX_DEPTH} levels`);
    try {
      if (this.type === 'bracket-open') return this.list();
      if (this.type === 'brace-open') return this.dict();
      return this.type === 'quote-open' ? this.quoted() : this.primitive();
    } finally {
      this.depth--;
    }
  }

  expect(type: TokenType): Token {
    if (this.type !== type) throw this.error(`unexpected '${this.tokens[this.position]!.text}'`);
    return this.next();
  }

  private quoted(): Expression {
    this.next();
    const content: Expression =
      this.type === 'quote-close' ? { kind: 'constant', value: '' } : this.text(['quote-close']);
    this.expect('quote-close');
    return { kind: 'quoted', content };
  }

  private list(): Expression {
    this.next();
    const items = this.sequence('bracket-close');
    this.expect('bracket-close');
    return { kind: 'list', items };
  }

  private dict(): Expression {
    this.next();
    const entries: [Scalar, Expression][] = [];
    while (this.type !== 'brace-close') {
      if (entries.length > 0) this.expect('comma');
      const key = this.primitiveOf(KEY_TOKENS) as { kind: 'constant'; value: Scalar };
      this.expect('colon');
      entries.push([key.value, this.element()]);
    }
    this.expect('brace-close');
    return { kind: 'dict', entries };
  }

  private primitive(): Expression {
    return this.primitiveOf(PRIMITIVE_TOKENS);
  }

  private primitiveOf(allowed: TokenType[]): Expression {
    const pieces: (Token | Interpolation)[] = [];
    while (allowed.includes(this.type))
      pieces.push(this.type === 'open' ? this.interpolation() : this.next());
    const [only] = pieces;
    if (only === undefined) throw this.error(`unexpected '${this.tokens[this.position]!.text}'`);
    if (pieces.length === 1 && 'type' in only && only.type === 'space')
      throw new Error('blanks alone are no value');
    if (pieces.length === 1) return 'kind' in only ? only : { kind: 'constant', value: scalarOf(only) };
    const parts = unescapeTokens(pieces);
    if (parts.every((part) => typeof part === 'string')) return { kind: 'constant', value: parts.join('') };
    return { kind: 'text', parts };
  }

  /** Elements between commas; a missing one is the empty text. */
  private sequence(end: TokenType): Expression[] {
    const items: Expression[] = [];
    if (this.type === end) return items;
    const missing: Expression = { kind: 'constant', value: '' };
    let afterComma = true;
    while (this.type !== end && this.type !== 'end') {
      if (this.type === 'comma') {
        this.next();
        if (afterComma) items.push(missing);
        afterComma = true;
      } else {
        if (!afterComma) throw this.error("expected ','");
        items.push(this.element());
        afterComma = false;
      }
    }
    if (afterComma) items.push(missing);
    return items;
  }

  private interpolation(): Interpolation {
    if (++this.depth > MAX_DEPTH) throw this.error(`nesting is deeper than ${MAX_DEPTH} levels`);
    this.expect('open');
    let dots = 0;
    for (; this.type === 'dot'; dots++) this.next();
    const keys: (string | Interpolation)[] = [];
    const raw: (string | Interpolation)[] = [];
    let plainName = true; // only names and dots so far, as a resolver's name has
    while (this.type !== 'close' && this.type !== 'colon') {
      if (this.type === 'bracket-open') {
        this.next();
        const key = this.configKey();
        this.expect('bracket-close');
        keys.push(key);
        raw.push('[', key, ']');
        plainName = false;
      } else {
        if (keys.length > 0) raw.push(this.expect('dot').text);
        if (this.type === 'key') plainName = false;
        const key = this.configKey();
        keys.push(key);
        raw.push(key);
      }
    }
    this.depth--;
    if (this.type === 'colon') {
      this.next();
      if (dots > 0 || !plainName || keys.length === 0)
        throw this.error("a resolver's name is names joined by dots");
      const args = this.sequence('brace-close');
      this.expect('brace-close');
      return { kind: 'resolver', name: keys, args };
    }
    this.next();
    if (keys.length === 0) throw this.error('no viable alternative');
    return { kind: 'node', dots, keys, raw };
  }

  private configKey(): string | Interpolation {
    if (this.type === 'open') return this.interpolation();
    if (this.type !== 'id' && this.type !== 'key') throw this.error('no viable alternative');
    return this.next().text;
  }

  private get type(): TokenType {
    return this.tokens[this.position]!.type;
  }

  private next(): Token {
    return this.tokens[this.position++]!;
  }

  private error(problem: string): Error {
    const shown = this.source.length > 200 ? `${this.source.slice(0, 200)}…` : this.source;
    return configError('grammar', `${problem} at input '${shown}'`, {
      ...(this.where === undefined ? {} : { where: this.where }),
      hint: 'write \\${ for a literal ${',
    });
  }
}

function scalarOf({ type, text }: Token): Scalar {
  if (type === 'null') return null;
  if (type === 'bool') return text.toLowerCase() === 'true';
  if (type === 'int') return integer(BigInt(text.replaceAll('_', '').replace('+', '')));
  if (type === 'float') return new Float(parseFloatText(text));
  return type === 'escape' ? everySecond(text) : text;
}

/** A float as the grammars write it: `1_000.5`, `.5`, `1.`, `-Inf`, `nan`. */
export function parseFloatText(text: string): number {
  const clean = text.replaceAll('_', '').toLowerCase();
  if (clean.endsWith('nan')) return Number.NaN;
  if (clean.endsWith('inf'))
    return clean.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(clean);
}

/** Joins tokens, dropping the backslashes that escape. Which run of backslashes does depends on what follows it. */
function unescapeTokens(pieces: (Token | Interpolation)[]): (string | Interpolation)[] {
  const parts: (string | Interpolation)[] = [];
  pieces.forEach((piece, index) => {
    if ('kind' in piece) {
      parts.push(piece);
      return;
    }
    const next = pieces[index + 1];
    const beforeInterpolation = next !== undefined && 'kind' in next;
    const { type, text } = piece;
    const escapes =
      type === 'escape' ||
      (type === 'top-escape' && beforeInterpolation) ||
      (type === 'quoted-escape' && (next === undefined || beforeInterpolation));
    const plain =
      type === 'escaped-open'
        ? text.slice(-(Math.floor(text.length / 2) + 1))
        : escapes
          ? everySecond(text)
          : text;
    if (typeof parts.at(-1) === 'string') parts[parts.length - 1] += plain;
    else parts.push(plain);
  });
  return parts;
}

function everySecond(text: string): string {
  let kept = '';
  for (let index = 1; index < text.length; index += 2) kept += text[index];
  return kept;
}
