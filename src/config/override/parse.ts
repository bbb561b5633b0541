import { SluiceError } from '../../errors.js';
import { configError } from '../config-error.js';
import { parseFloatText } from '../interpolation/parse.js';
import { Float, integer, type Scalar } from '../python-value.js';
import { callFunction } from './functions.js';
import { type Token, type TokenType, tokenize } from './lex.js';
import { renderValue } from './render.js';
import {
  ChoiceSweep,
  Glob,
  IntervalSweep,
  isSweep,
  ListExtension,
  type Parsed,
  ParsedDict,
  QuotedText,
  RangeSweep,
} from './value.js';

/** `change` is `key=v`, `add` `+key=v`, `force_add` `++key=v`, `delete` `~key`, `extend` `key=extend_list(v)`. */
export type OverrideType = 'change' | 'add' | 'force_add' | 'delete' | 'extend';
export type ValueType = 'element' | 'choice' | 'simple_choice' | 'range' | 'interval' | 'glob';

/** One argument of the command line, understood. */
export interface Override {
  /** As the user wrote it. */
  input: string;
  type: OverrideType;
  key: string;
  /** Text after `@`. */
  package: string | undefined;
  /** Undefined for `~key` without `=`. */
  valueType: ValueType | undefined;
  value: Parsed;
}

/**
 * Parses one override (`model.lr=3e-4`, `+db@src=mysql`, `~trainer`, `lr=choice(1e-3,1e-4)`).
 * Throws `config.override_syntax` with the override and what to do about it.
 */
export function parseOverride(input: string): Override {
  try {
    return new Parser(tokenize(input)).override(input);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const shown = input.length > 200 ? `${input.slice(0, 200)}…` : input;
    throw configError('override_syntax', `cannot read the override '${shown}': ${error.message}`, {
      where: `override ${shown}`,
      hint: hintFor(input),
      cause: error,
    });
  }
}

function hintFor(input: string): string {
  if (!input.includes('=')) return 'an override is key=value, +key=value to add a key, ~key to remove one';
  if (/^-/.test(input)) return 'this is no option of the command; overrides are key=value';
  return 'quote a value that has special characters: key=\'"a b"\' in a shell';
}

const PRIMITIVE: TokenType[] = [
  'id',
  'null',
  'int',
  'float',
  'bool',
  'interpolation',
  'char',
  'colon',
  'escape',
  'space',
];
const DICT_KEY: TokenType[] = ['id', 'null', 'int', 'float', 'bool', 'char', 'escape', 'space'];
const MAX_DEPTH = 256;

class Parser {
  private readonly tokens: Token[];
  private position = 0;
  private depth = 0;

  constructor(tokens: Token[]) {
    this.tokens = tokens;
  }

  override(input: string): Override {
    let type: OverrideType = 'change';
    if (this.take('tilde')) type = 'delete';
    else if (this.take('plus')) type = this.take('plus') ? 'force_add' : 'add';
    const key = this.groupOrPath();
    const pkg = this.take('at') ? this.path() : undefined;
    if (type === 'delete' && this.type === 'end') {
      return { input, type, key, package: pkg, valueType: undefined, value: null };
    }
    this.expect('equal', "'=' and a value");
    const value = this.type === 'end' ? '' : this.value();
    this.expect('end', 'the end of the override');
    if (value instanceof ListExtension) {
      if (type !== 'change')
        throw configError('override_syntax', 'extend_list works with key=extend_list(…) only');
      return { input, type: 'extend', key, package: pkg, valueType: 'element', value: value.values };
    }
    return { input, type, key, package: pkg, valueType: valueTypeOf(value), value };
  }

  private groupOrPath(): string {
    if (this.type === 'id' && this.tokens[this.position + 1]!.type === 'slash') {
      let group = this.next().text;
      while (this.take('slash')) group += `/${this.expect('id', 'a group name').text}`;
      return group;
    }
    return this.path();
  }

  private path(): string {
    return this.type === 'id' || this.type === 'special-key' || this.type === 'path' ? this.next().text : '';
  }

  private value(): Parsed {
    const first = this.element();
    if (this.type !== 'comma') return first;
    const list = [first];
    while (this.take('comma')) list.push(this.element());
    return new ChoiceSweep(list, true);
  }

  private element(): Parsed {
    if (++this.depth > MAX_DEPTH)
      throw configError('override_syntax', `nesting is deeper than ${MAX_DEPTH} levels`);
    try {
      if (this.type === 'bracket-open') return this.list();
      if (this.type === 'brace-open') return this.dict();
      if (this.type === 'id' && this.tokens[this.position + 1]!.type === 'paren-open') return this.call();
      if (this.type === 'quoted') return unquote(this.next().text);
      return this.primitive(PRIMITIVE);
    } finally {
      this.depth--;
    }
  }

  private list(): Parsed[] {
    this.next();
    const items: Parsed[] = [];
    if (this.take('bracket-close')) return items;
    do items.push(this.element());
    while (this.take('comma'));
    this.expect('bracket-close', "',' or ']'");
    return items;
  }

  private dict(): ParsedDict {
    this.next();
    const dict = new ParsedDict();
    if (this.take('brace-close')) return dict;
    do {
      const key = this.primitive(DICT_KEY);
      this.expect('colon', "':'");
      dict.set(key, this.element());
    } while (this.take('comma'));
    this.expect('brace-close', "',' or '}'");
    return dict;
  }

  private call(): Parsed {
    const name = this.next().text;
    this.next();
    const args: Parsed[] = [];
    const named = new Map<string, Parsed>();
    if (!this.take('paren-close')) {
      do {
        if (this.type === 'id' && this.tokens[this.position + 1]!.type === 'equal') {
          const argument = this.next().text;
          this.next();
          named.set(argument, this.element());
        } else {
          if (named.size > 0)
            throw configError('override_syntax', 'positional argument follows keyword argument');
          args.push(this.element());
        }
      } while (this.take('comma'));
      this.expect('paren-close', "',' or ')'");
    }
    return callFunction(name, args, named);
  }

  /** Words, numbers and such up to the next separator: one of them alone has its type, several together are text. */
  private primitive(allowed: TokenType[]): Scalar {
    const parts: Token[] = [];
    while (allowed.includes(this.type)) parts.push(this.next());
    if (parts.length === 0) throw this.unexpected('a value');
    if (parts[0]!.type === 'space') parts.shift();
    if (parts.at(-1)?.type === 'space') parts.pop();
    if (parts.length === 0) throw configError('override_syntax', 'a value cannot be blanks only; quote it');
    if (parts.length === 1) return scalarOf(parts[0]!);
    return parts.map(({ type, text }) => (type === 'escape' ? everySecond(text) : text)).join('');
  }

  private get type(): TokenType {
    return this.tokens[this.position]!.type;
  }

  private next(): Token {
    return this.tokens[this.position++]!;
  }

  private take(type: TokenType): boolean {
    if (this.type !== type) return false;
    this.position++;
    return true;
  }

  private expect(type: TokenType, what: string): Token {
    if (this.type !== type) throw this.unexpected(what);
    return this.next();
  }

  private unexpected(what: string): SluiceError {
    const { type, text } = this.tokens[this.position]!;
    return configError(
      'override_syntax',
      `expected ${what}, found ${type === 'end' ? 'the end' : `'${text}'`}`,
    );
  }
}

function valueTypeOf(value: Parsed): ValueType {
  if (value instanceof ChoiceSweep) return value.simple ? 'simple_choice' : 'choice';
  if (value instanceof RangeSweep) return 'range';
  if (value instanceof IntervalSweep) return 'interval';
  return value instanceof Glob ? 'glob' : 'element';
}

function scalarOf({ type, text }: Token): Scalar {
  if (type === 'int') return integer(BigInt(text.replaceAll('_', '').replace('+', '')));
  if (type === 'float') return new Float(parseFloatText(text));
  if (type === 'null') return null;
  if (type === 'bool') return text.toLowerCase() === 'true';
  return type === 'escape' ? everySecond(text) : text;
}

function everySecond(text: string): string {
  let kept = '';
  for (let index = 1; index < text.length; index += 2) kept += text[index];
  return kept;
}

/** Backslashes count as escapes only directly before a quote of the same kind, the closing one included. */
function unquote(source: string): QuotedText {
  const quote = source[0] as "'" | '"';
  const body = source.slice(1).replace(new RegExp(`\\\\+${quote}`, 'g'), everySecond);
  // An even run before the closing quote lost that quote with the un-escaping.
  const trailing = /\\+$/.exec(source.slice(1, -1))?.[0].length ?? 0;
  return new QuotedText(trailing > 0 ? body : body.slice(0, -1), quote);
}

/** Whether an override addresses the `hydra` node rather than the task's config. */
export function isHydraOverride(override: Override): boolean {
  return override.key.startsWith('hydra.') || override.key.startsWith('hydra/');
}

export function isSweepOverride(override: Override): boolean {
  return override.valueType !== undefined && override.valueType !== 'element';
}

/** Prefix, key and package: what stands before `=` when a sweeper prints the override. */
export function keyElement(override: Override): string {
  const prefix = { delete: '~', add: '+', force_add: '++', change: '', extend: '' }[override.type];
  return `${prefix}${override.key}${override.package === undefined ? '' : `@${override.package}`}`;
}

/** The value as a sweeper prints it. Throws for sweeps. */
export function valueText(override: Override): string {
  if (isSweep(override.value)) throw configError('compose', 'Cannot convert sweep to text');
  return renderValue(override.value);
}
