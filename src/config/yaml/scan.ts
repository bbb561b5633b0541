import { BLANKS, Cursor, isBlankOrEnd, isBreak, LINE, SPACES, type Token, type TokenType } from './cursor.js';
import { scanBlockScalar, scanPlain, scanQuoted } from './scan-scalar.js';

const MAX_FLOW_LEVEL = 512;
const WORD_KEY = /[a-zA-Z0-9][\w-]{0,200}(?=:(?:[ \n]|$))/y;

interface SimpleKey {
  required: boolean;
  token: number;
  index: number;
  line: number;
  column: number;
}

/**
 * YAML 1.1 text to tokens, with the indentation and simple-key rules of libyaml 0.2 (the reference's reader), whose
 * choices differ from other readers: `[a?]` is text, `{?a}` is not, a tab never indents, a key fits on one line.
 */
export class Scanner extends Cursor {
  private readonly indents: number[] = [];
  private readonly simpleKeys: (SimpleKey | undefined)[] = [undefined];

  scan(): Token[] {
    this.checkCharacters();
    for (;;) {
      this.skipToToken();
      this.dropStaleKeys();
      this.unindent(this.column);
      if (this.atEnd()) break;
      this.fetchToken();
    }
    if (this.column !== 0) {
      this.column = 0;
      this.line++;
    }
    this.unindent(-1);
    this.removeSimpleKey();
    this.push('stream-end');
    return this.tokens;
  }

  private checkCharacters(): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are what the standard forbids
    const bad = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u0080-\u0084\u0086-\u009f\ufffe\uffff]/.exec(
      this.text,
    );
    if (bad === null) return;
    const before = this.text.slice(0, bad.index).split('\n');
    throw this.error('', 'control characters are not allowed', before.length - 1, before.at(-1)!.length);
  }

  private skipToToken(): void {
    for (;;) {
      if (this.column === 0 && this.peek() === '\uFEFF') this.skip();
      this.eat(this.flowLevel > 0 || !this.simpleKeyAllowed ? BLANKS : SPACES);
      if (this.peek() === '#') this.eat(LINE);
      if (this.atEnd() || !isBreak(this.peek())) return;
      this.readBreak();
      if (this.flowLevel === 0) this.simpleKeyAllowed = true;
    }
  }

  private fetchToken(): void {
    const char = this.peek();
    if (isLetterOrDigit(char)) {
      if (!this.fetchWordKey()) this.fetchPlain();
      return;
    }
    const blankNext = isBlankOrEnd(this.peek(1));
    const flow = this.flowLevel > 0;
    if (this.column === 0 && char === '%') this.fetchDirective();
    else if (this.atDocumentIndicator())
      this.fetchDocumentIndicator(char === '-' ? 'document-start' : 'document-end');
    else if (char === '[') this.fetchFlowStart('flow-sequence-start');
    else if (char === '{') this.fetchFlowStart('flow-mapping-start');
    else if (char === ']') this.fetchFlowEnd('flow-sequence-end');
    else if (char === '}') this.fetchFlowEnd('flow-mapping-end');
    else if (char === ',') this.fetchFlowEntry();
    else if (char === '-' && blankNext) this.fetchBlockEntry();
    else if (char === '?' && (flow || blankNext)) this.fetchKey();
    else if (char === ':' && (flow || blankNext)) this.fetchValue();
    else if (char === '*') this.fetchAnchor('alias');
    else if (char === '&') this.fetchAnchor('anchor');
    else if (char === '!') this.fetchTag();
    else if ((char === '|' || char === '>') && !flow) this.fetchBlockScalar(char === '|');
    else if (char === "'" || char === '"') this.fetchQuoted(char === "'");
    else this.fetchPlain();
  }

  private fetchBlockScalar(literal: boolean): void {
    this.removeSimpleKey();
    this.simpleKeyAllowed = true;
    scanBlockScalar(this, literal);
  }

  private fetchQuoted(single: boolean): void {
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    scanQuoted(this, single);
  }

  private fetchPlain(): void {
    const char = this.peek();
    const next = this.peek(1);
    const starts =
      isLetterOrDigit(char) ||
      (!'-?:,[]{}#&*!|>\'"%@`'.includes(char) && !isBlankOrEnd(char)) ||
      (char === '-' && next !== ' ' && next !== '\t') ||
      (this.flowLevel === 0 && (char === '?' || char === ':') && !isBlankOrEnd(next));
    if (!starts) {
      throw this.error(
        'while scanning for the next token',
        `found character '${char}' that cannot start any token`,
      );
    }
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    scanPlain(this);
  }

  /** A key that is one word, with its colon: what most lines of a config start with. The tokens are those of the long way. */
  private fetchWordKey(): boolean {
    if (this.flowLevel > 0 || !this.simpleKeyAllowed) return false;
    const { line, column } = this;
    const word = this.eat(WORD_KEY);
    if (word === '') return false;
    this.removeSimpleKey();
    this.indentTo(column, 'block-mapping-start', this.tokens.length, line);
    this.push('key', '', false, line, column);
    this.push('scalar', word, true, line, column);
    this.push('value');
    this.skip();
    this.simpleKeyAllowed = false;
    return true;
  }

  private dropStaleKeys(): void {
    for (let level = 0; level < this.simpleKeys.length; level++) {
      const key = this.simpleKeys[level];
      if (key === undefined || (key.line === this.line && key.index + 1024 >= this.index)) continue;
      if (key.required) this.failSimpleKey(key);
      this.simpleKeys[level] = undefined;
    }
  }

  private saveSimpleKey(): void {
    if (!this.simpleKeyAllowed) return;
    this.removeSimpleKey();
    const required = this.flowLevel === 0 && this.indent === this.column;
    const { index, line, column } = this;
    this.simpleKeys[this.flowLevel] = { required, token: this.tokens.length, index, line, column };
  }

  private removeSimpleKey(): void {
    const key = this.simpleKeys[this.flowLevel];
    if (key?.required) this.failSimpleKey(key);
    this.simpleKeys[this.flowLevel] = undefined;
  }

  private failSimpleKey(key: SimpleKey): never {
    throw this.error('while scanning a simple key', "could not find expected ':'", key.line, key.column);
  }

  /** Opens a block collection when `column` is further in than the current one; its token goes in at `at`. */
  private indentTo(column: number, type: TokenType, at: number, line: number): void {
    if (this.flowLevel > 0 || this.indent >= column) return;
    this.indents.push(this.indent);
    this.indent = column;
    this.tokens.splice(at, 0, { type, line, column, text: '', plain: false });
  }

  private unindent(column: number): void {
    if (this.flowLevel > 0) return;
    while (this.indent > column) {
      this.push('block-end');
      this.indent = this.indents.pop()!;
    }
  }

  private fetchDirective(): void {
    this.unindent(-1);
    this.removeSimpleKey();
    this.simpleKeyAllowed = false;
    const start = this.index;
    this.eat(LINE);
    const words = this.text
      .slice(start + 1, this.index)
      .replace(/[ \t]#.*$/, '')
      .replace(/[ \t]+$/, '');
    if (!/^(YAML[ \t]+\d+\.\d+|TAG[ \t]+!([\w-]*!)?[ \t]+\S+)$/.test(words)) {
      throw this.error('while scanning a directive', `malformed directive '%${words}'`);
    }
    this.push('directive', words);
  }

  private fetchDocumentIndicator(type: TokenType): void {
    this.unindent(-1);
    this.removeSimpleKey();
    this.simpleKeyAllowed = false;
    this.push(type);
    this.skip(3);
  }

  private fetchFlowStart(type: TokenType): void {
    this.saveSimpleKey();
    if (++this.flowLevel > MAX_FLOW_LEVEL)
      throw this.error('', `nesting is deeper than ${MAX_FLOW_LEVEL} levels`);
    this.simpleKeys[this.flowLevel] = undefined;
    this.simpleKeyAllowed = true;
    this.push(type);
    this.skip();
  }

  private fetchFlowEnd(type: TokenType): void {
    this.removeSimpleKey();
    if (this.flowLevel > 0) {
      this.simpleKeys.pop();
      this.flowLevel--;
    }
    this.simpleKeyAllowed = false;
    this.push(type);
    this.skip();
  }

  private fetchFlowEntry(): void {
    this.removeSimpleKey();
    this.simpleKeyAllowed = true;
    this.push('flow-entry');
    this.skip();
  }

  private fetchBlockEntry(): void {
    if (this.flowLevel === 0) {
      if (!this.simpleKeyAllowed)
        throw this.error('', 'block sequence entries are not allowed in this context');
      this.indentTo(this.column, 'block-sequence-start', this.tokens.length, this.line);
    }
    this.removeSimpleKey();
    this.simpleKeyAllowed = true;
    this.push('block-entry');
    this.skip();
  }

  private fetchKey(): void {
    if (this.flowLevel === 0) {
      if (!this.simpleKeyAllowed) throw this.error('', 'mapping keys are not allowed in this context');
      this.indentTo(this.column, 'block-mapping-start', this.tokens.length, this.line);
    }
    this.removeSimpleKey();
    this.simpleKeyAllowed = this.flowLevel === 0;
    this.push('key');
    this.skip();
  }

  private fetchValue(): void {
    const key = this.simpleKeys[this.flowLevel];
    if (key !== undefined) {
      const { line, column, token } = key;
      this.tokens.splice(token, 0, { type: 'key', line, column, text: '', plain: false });
      this.indentTo(column, 'block-mapping-start', token, line);
      this.simpleKeys[this.flowLevel] = undefined;
      this.simpleKeyAllowed = false;
    } else {
      if (this.flowLevel === 0) {
        if (!this.simpleKeyAllowed) throw this.error('', 'mapping values are not allowed in this context');
        this.indentTo(this.column, 'block-mapping-start', this.tokens.length, this.line);
      }
      this.simpleKeyAllowed = this.flowLevel === 0;
    }
    this.push('value');
    this.skip();
  }

  private fetchAnchor(type: 'alias' | 'anchor'): void {
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    const { line, column } = this;
    this.skip();
    const start = this.index;
    while (/[0-9A-Za-z_-]/.test(this.peek())) this.skip();
    const name = this.text.slice(start, this.index);
    if (name === '' || !(isBlankOrEnd(this.peek()) || '?:,]}%@`'.includes(this.peek()))) {
      throw this.error(
        `while scanning an ${type}`,
        'did not find expected alphabetic or numeric character',
        line,
        column,
      );
    }
    this.push(type, name, false, line, column);
  }

  private fetchTag(): void {
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    const { line, column } = this;
    const rest = this.text.slice(this.index);
    const uri = "(?:[\\w\\-;/?:@&=+$,.!~*'()[\\]]|%[0-9A-Fa-f]{2})";
    const verbatim = new RegExp(`^!<(${uri}+)>`).exec(rest);
    const shorthand = new RegExp(`^(![\\w-]*!)(${uri.replace(',', '').replace('[\\]', '')}+)`).exec(rest);
    const local = new RegExp(`^!(${uri.replace(',', '').replace('[\\]', '')}*)`).exec(rest)!;
    const match = verbatim ?? shorthand ?? local;
    this.skip(match[0].length);
    const endsFlowEntry = this.flowLevel > 0 && this.peek() === ',';
    if (!isBlankOrEnd(this.peek()) && !endsFlowEntry) {
      throw this.error(
        'while scanning a tag',
        'did not find expected whitespace or line break',
        line,
        column,
      );
    }
    const tag =
      verbatim !== null ? ` ${match[1]}` : shorthand !== null ? `${match[1]} ${match[2]}` : `! ${match[1]}`;
    this.push('tag', tag, false, line, column);
  }
}

/** What can only start a plain scalar, and starts most. */
function isLetterOrDigit(char: string): boolean {
  return (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || (char >= '0' && char <= '9');
}
