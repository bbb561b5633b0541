import { BLANKS, type Cursor, isBlank, isBlankOrEnd, isBreak, LINE, SPACES } from './cursor.js';

const ONE_BREAK = /\n *(?=[^ \t\n\r\u0085\u2028\u2029])/y;

/** White space between the words of a folded scalar: blanks of a line, or line breaks. */
class Gap {
  blanks = '';
  firstBreak = '';
  moreBreaks = '';
  broken = false;

  /** Eats blanks and breaks; `violates` looks at each tab that would indent. */
  read(scanner: Cursor, violates: () => void): void {
    if (this.readOneBreak(scanner)) return;
    for (;;) {
      if (this.broken) scanner.eat(SPACES);
      const char = scanner.peek();
      if (isBlank(char)) {
        if (this.broken && char === '\t') violates();
        if (!this.broken) this.blanks += char;
        scanner.skip();
      } else if (!isBreak(char)) {
        return;
      } else if (this.broken) {
        this.moreBreaks += scanner.readBreak();
      } else {
        this.blanks = '';
        this.firstBreak = scanner.readBreak();
        this.broken = true;
      }
    }
  }

  /** The commonest gap: one break and the indentation of the next line. */
  private readOneBreak(scanner: Cursor): boolean {
    ONE_BREAK.lastIndex = scanner.index;
    if (this.broken || !ONE_BREAK.test(scanner.text)) return false;
    this.blanks = '';
    this.firstBreak = '\n';
    this.broken = true;
    scanner.column = ONE_BREAK.lastIndex - scanner.index - 1;
    scanner.index = ONE_BREAK.lastIndex;
    scanner.line++;
    return true;
  }

  /** What the gap contributes: one break folds to a space, further ones stay. */
  take(): string {
    const { blanks, firstBreak, moreBreaks, broken } = this;
    this.blanks = this.firstBreak = this.moreBreaks = '';
    this.broken = false;
    if (!broken) return blanks;
    if (firstBreak === '\n') return moreBreaks === '' ? ' ' : moreBreaks;
    return firstBreak + moreBreaks;
  }
}

// Words and the blanks between them, up to the end of a line, a comment or what ends a plain scalar. In a flow collection a
// colon before one of `,?[]{}` ends the match too: it is an error. The counts are bounds for the engine's memory.
const WHITE = ' \\t\\n\\r\\u0085\\u2028\\u2029';
const PLAIN_LINE = words(`[^${WHITE}:]`, `:(?![${WHITE}]|$)`);
const PLAIN_FLOW_LINE = words(`[^${WHITE}:,[\\]{}]`, `:(?![${WHITE},?[\\]{}]|$)`);

function words(char: string, colon: string): RegExp {
  const word = `(?=${char}|${colon})${char}*(?:${colon}${char}*){0,500}`;
  return new RegExp(`${word}(?:[ \\t]+(?!#)${word}){0,500}`, 'y');
}

export function scanPlain(scanner: Cursor): void {
  const { line, column } = scanner;
  const indent = scanner.indent + 1;
  const flow = scanner.flowLevel > 0;
  const gap = new Gap();
  let text = '';
  for (;;) {
    if (scanner.atDocumentIndicator() || scanner.peek() === '#') break;
    const pattern = flow ? PLAIN_FLOW_LINE : PLAIN_LINE;
    for (let part = scanner.eat(pattern); part !== ''; part = scanner.eat(pattern)) text += gap.take() + part;
    if (flow && scanner.peek() === ':' && ',?[]{}'.includes(scanner.peek(1))) {
      throw scanner.error('while scanning a plain scalar', "found unexpected ':'");
    }
    if (!isBlank(scanner.peek()) && !isBreak(scanner.peek())) break;
    gap.read(scanner, () => {
      if (scanner.column < indent) {
        throw scanner.error(
          'while scanning a plain scalar',
          'found a tab character that violates indentation',
        );
      }
    });
    if (!flow && scanner.column < indent) break;
  }
  scanner.push('scalar', text, true, line, column);
  if (gap.broken) scanner.simpleKeyAllowed = true;
}

const ESCAPES: Record<string, string> = {
  '0': '\0', a: '\x07', b: '\b', t: '\t', '\t': '\t', n: '\n', v: '\v', f: '\f', r: '\r', e: '\x1b',
  ' ': ' ', '"': '"', '/': '/', '\\': '\\', N: '\u0085', _: '\u00a0', L: '\u2028', P: '\u2029',
}; // biome-ignore format: a table reads better dense
const HEX_LENGTH: Record<string, number> = { x: 2, u: 4, U: 8 };

const SINGLE_LINE = /[^' \t\n\r\u0085\u2028\u2029]+(?:[ \t]+[^' \t\n\r\u0085\u2028\u2029]+){0,500}/y;
const DOUBLE_LINE = /[^"\\ \t\n\r\u0085\u2028\u2029]+(?:[ \t]+[^"\\ \t\n\r\u0085\u2028\u2029]+){0,500}/y;

export function scanQuoted(scanner: Cursor, single: boolean): void {
  const { line, column } = scanner;
  const quote = single ? "'" : '"';
  const fail = (problem: string) => scanner.error('while scanning a quoted scalar', problem, line, column);
  const gap = new Gap();
  let text = '';
  scanner.skip();
  for (;;) {
    if (scanner.atDocumentIndicator()) throw fail('found unexpected document indicator');
    if (scanner.atEnd()) throw fail('found unexpected end of stream');
    for (;;) {
      text += scanner.eat(single ? SINGLE_LINE : DOUBLE_LINE);
      const char = scanner.peek();
      if (isBlankOrEnd(char)) break;
      if (single && char === "'" && scanner.peek(1) === "'") {
        text += "'";
        scanner.skip(2);
      } else if (char === quote) {
        break;
      } else if (!single && char === '\\') {
        if (isBreak(scanner.peek(1))) {
          // An escaped line break joins the lines; what follows counts as after a break.
          scanner.skip();
          scanner.readBreak();
          gap.broken = true;
          break;
        }
        text += scanEscape(scanner, fail);
      }
    }
    if (scanner.peek() === quote && !scanner.atEnd()) break;
    gap.read(scanner, () => undefined);
    text += gap.take();
  }
  scanner.skip();
  scanner.push('scalar', text, false, line, column);
}

function scanEscape(scanner: Cursor, fail: (problem: string) => Error): string {
  const letter = scanner.peek(1);
  const length = HEX_LENGTH[letter];
  if (length === undefined) {
    const char = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (char === undefined || scanner.index + 1 >= scanner.text.length)
      throw fail('found unknown escape character');
    scanner.skip(2);
    return char;
  }
  const digits = scanner.text.slice(scanner.index + 2, scanner.index + 2 + length);
  if (!/^[0-9A-Fa-f]+$/.test(digits) || digits.length !== length)
    throw fail('did not find expected hexdecimal number');
  const code = Number.parseInt(digits, 16);
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
    throw fail('found invalid Unicode character escape code');
  scanner.skip(2 + length);
  return String.fromCodePoint(code);
}

export function scanBlockScalar(scanner: Cursor, literal: boolean): void {
  const { line, column } = scanner;
  const fail = (problem: string) => scanner.error('while scanning a block scalar', problem, line, column);
  scanner.skip();
  const header = /^(?:([+-])([0-9])?|([0-9])([+-])?)?/.exec(
    scanner.text.slice(scanner.index, scanner.index + 2),
  )!;
  const chomping = header[1] ?? header[4] ?? '';
  const increment = header[2] ?? header[3];
  if (increment === '0') throw fail('found an indentation indicator equal to 0');
  scanner.skip(header[0].length);
  scanner.eat(BLANKS);
  if (scanner.peek() === '#') scanner.eat(LINE);
  if (!scanner.atEnd() && !isBreak(scanner.peek())) throw fail('did not find expected comment or line break');
  if (!scanner.atEnd()) scanner.readBreak();

  let indent = increment === undefined ? 0 : Math.max(scanner.indent, 0) + Number(increment);
  let breaks = '';
  const readBreaks = () => {
    let widest = 0;
    for (;;) {
      while ((indent === 0 || scanner.column < indent) && scanner.peek() === ' ') scanner.skip();
      widest = Math.max(widest, scanner.column);
      if ((indent === 0 || scanner.column < indent) && scanner.peek() === '\t') {
        throw fail('found a tab character where an indentation space is expected');
      }
      if (scanner.atEnd() || !isBreak(scanner.peek())) break;
      breaks += scanner.readBreak();
    }
    if (indent === 0) indent = Math.max(widest, scanner.indent + 1, 1);
  };
  readBreaks();

  let text = '';
  let lineBreak = '';
  let previousIndented = false;
  while (scanner.column === indent && !scanner.atEnd()) {
    const indented = isBlank(scanner.peek());
    if (!literal && lineBreak === '\n' && !previousIndented && !indented) {
      if (breaks === '') text += ' ';
    } else {
      text += lineBreak;
    }
    text += breaks;
    breaks = '';
    previousIndented = indented;
    text += scanner.eat(LINE);
    lineBreak = scanner.readBreak();
    readBreaks();
  }
  if (chomping !== '-') text += lineBreak;
  if (chomping === '+') text += breaks;
  scanner.push('scalar', text, false, line, column);
}
