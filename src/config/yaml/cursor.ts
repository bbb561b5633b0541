import type { SluiceError } from '../../errors.js';
import { configError } from '../config-error.js';

export type TokenType =
  | 'directive'
  | 'document-start'
  | 'document-end'
  | 'stream-end'
  | 'block-sequence-start'
  | 'block-mapping-start'
  | 'block-end'
  | 'flow-sequence-start'
  | 'flow-sequence-end'
  | 'flow-mapping-start'
  | 'flow-mapping-end'
  | 'block-entry'
  | 'flow-entry'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar';

export interface Token {
  type: TokenType;
  line: number;
  column: number;
  /** Text of a scalar, name of an anchor or alias, `handle suffix` of a tag, a directive's words. */
  text: string;
  /** Scalars: written without quotes, so that its text decides its type. */
  plain: boolean;
}

/** A place in YAML text, what has been read so far, and the state that decides how the next characters read. */
export class Cursor {
  readonly text: string;
  /** Shown in errors: a path, or a short name for text that is no file. */
  readonly source: string;
  readonly tokens: Token[] = [];
  index = 0;
  line = 0;
  column = 0;
  indent = -1;
  flowLevel = 0;
  simpleKeyAllowed = true;

  constructor(text: string, source: string) {
    this.text = text.startsWith('\uFEFF') ? text.slice(1) : text;
    this.source = source;
  }

  atEnd(): boolean {
    return this.index >= this.text.length;
  }

  error(context: string, problem: string, line = this.line, column = this.column): SluiceError {
    const where = `${this.source}:${line + 1}:${column + 1}`;
    return configError('yaml', `${context}${context === '' ? '' : ': '}${problem}`, { where });
  }

  peek(offset = 0): string {
    return this.text[this.index + offset] ?? '\0';
  }

  /** Moves over `count` characters, none of which is a line break. */
  skip(count = 1): void {
    this.index += count;
    this.column += count;
  }

  /** Moves over all that a sticky pattern without line breaks matches here, and returns it. */
  eat(pattern: RegExp): string {
    const start = this.index;
    pattern.lastIndex = start;
    if (!pattern.test(this.text)) return '';
    this.skip(pattern.lastIndex - start);
    return this.text.slice(start, this.index);
  }

  /** Moves over one line break and returns it in its normal form. */
  readBreak(): string {
    const char = this.text[this.index];
    if (char === undefined) return '';
    this.index += char === '\r' && this.text[this.index + 1] === '\n' ? 2 : 1;
    this.line++;
    this.column = 0;
    return char === '\u2028' || char === '\u2029' ? char : '\n';
  }

  push(type: TokenType, text = '', plain = false, line = this.line, column = this.column): void {
    this.tokens.push({ type, text, plain, line, column });
  }

  /** `---` or `...` at the start of a line. */
  atDocumentIndicator(): boolean {
    if (this.column !== 0) return false;
    const three = this.text.slice(this.index, this.index + 3);
    return (three === '---' || three === '...') && isBlankOrEnd(this.peek(3));
  }
}

/** The rest of a line. */
export const LINE = /[^\n\r\u0085\u2028\u2029]+/y;
export const SPACES = / +/y;
export const BLANKS = /[ \t]+/y;

export function isBreak(char: string): boolean {
  return char === '\n' || char === '\r' || char === '\u0085' || char === '\u2028' || char === '\u2029';
}

export function isBlank(char: string): boolean {
  return char === ' ' || char === '\t';
}

/** `\0` stands for the end of the text; it cannot occur in it. */
export function isBlankOrEnd(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\0' || isBreak(char);
}
