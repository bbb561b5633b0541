/** How a scalar is written. */
export type Style = 'plain' | 'single' | 'double' | 'literal';

export interface Analysis {
  empty: boolean;
  multiline: boolean;
  allowPlain: boolean;
  allowSingle: boolean;
}

const BREAKS = '\n\u0085\u2028\u2029';
const SPACES = `\0 \t\r${BREAKS}`;
const WIDTH = 80;

/** Which styles (in block context) can carry a text. */
export function analyze(text: string): Analysis {
  if (text === '') return { empty: true, multiline: false, allowPlain: true, allowSingle: true };
  const chars = Array.from(text);
  let indicators = text.startsWith('---') || text.startsWith('...');
  let multiline = false;
  let special = false;
  let breakThenSpace = false;
  let spaceThenBreak = false;
  chars.forEach((char, index) => {
    const next = chars[index + 1];
    const previous = chars[index - 1];
    const spaceNext = next === undefined || SPACES.includes(next);
    if (index === 0 && '#,[]{}&*!|>\'"%@`'.includes(char)) indicators = true;
    if (index === 0 && '?-'.includes(char) && spaceNext) indicators = true;
    if (char === ':' && spaceNext) indicators = true;
    if (index > 0 && char === '#' && SPACES.includes(previous!)) indicators = true;
    if (BREAKS.includes(char)) multiline = true;
    if (!isPrintable(char)) special = true;
    if (char === ' ' && previous !== undefined && BREAKS.includes(previous)) breakThenSpace = true;
    if (BREAKS.includes(char) && previous === ' ') spaceThenBreak = true;
  });
  const edges = ` ${BREAKS}`;
  const openEdge = edges.includes(chars[0]!) || edges.includes(chars.at(-1)!);
  return {
    empty: false,
    multiline,
    allowPlain: !(openEdge || breakThenSpace || spaceThenBreak || special || multiline || indicators),
    allowSingle: !(breakThenSpace || spaceThenBreak || special),
  };
}

function isPrintable(char: string): boolean {
  if (char === '\n' || (char >= ' ' && char <= '~')) return true;
  const code = char.codePointAt(0)!;
  if (code === 0xfeff) return false;
  return (
    code === 0x85 || (code >= 0xa0 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd) || code >= 0x10000
  );
}

/**
 * The characters of a scalar that starts at `column`; continuation lines start at `indent`. With `fold`, lines break at
 * the first single space after column 80.
 */
export function writeScalar(
  text: string,
  style: Style,
  column: number,
  indent: number,
  fold: boolean,
): string {
  const writer = new Writer(column, indent, fold);
  if (style === 'plain') writer.plain(Array.from(text));
  else if (style === 'single') writer.single(Array.from(text));
  else if (style === 'double') writer.double(Array.from(text));
  else writer.literal(text);
  return writer.out;
}

class Writer {
  out = '';
  private column: number;
  private readonly indent: number;
  private readonly fold: boolean;

  constructor(column: number, indent: number, fold: boolean) {
    this.column = column;
    this.indent = indent;
    this.fold = fold;
  }

  plain(chars: string[]): void {
    for (const run of runs(chars)) {
      if (run.kind === 'space' && run.length === 1 && this.column > WIDTH && this.fold) this.newLine();
      else this.put(run.text, run.length);
    }
  }

  single(chars: string[]): void {
    this.put("'", 1);
    const parts = runs(chars);
    parts.forEach((run, index) => {
      const inner = index > 0 && index < parts.length - 1;
      if (run.kind === 'space' && run.length === 1 && this.column > WIDTH && this.fold && inner) {
        this.newLine();
      } else if (run.kind === 'break') {
        // The first break of a run folds away when read, so it is written twice.
        if (run.text.startsWith('\n')) this.out += '\n';
        this.out += run.text;
        this.startLine();
      } else {
        this.put(run.text.replaceAll("'", "''"), run.length + (run.text.split("'").length - 1));
      }
    });
    this.put("'", 1);
  }

  double(chars: string[]): void {
    this.put('"', 1);
    let start = 0;
    for (let end = 0; end <= chars.length; end++) {
      const char = chars[end];
      if (char === undefined || needsEscape(char)) {
        if (start < end) {
          this.put(chars.slice(start, end).join(''), end - start);
          start = end;
        }
        if (char !== undefined) {
          const escaped = escapeText(char);
          this.put(escaped, escaped.length);
          start = end + 1;
        }
      }
      const room = 0 < end && end < chars.length - 1 && (char === ' ' || start >= end);
      if (room && this.column + (end - start) > WIDTH && this.fold) {
        const pending = `${chars.slice(start, end).join('')}\\`;
        if (start < end) start = end;
        this.put(pending, pending.length);
        this.newLine();
        if (chars[start] === ' ') this.put('\\', 1);
      }
    }
    this.put('"', 1);
  }

  literal(text: string): void {
    this.out += '|';
    for (const line of text.replace(/\n$/, '').split('\n')) this.out += `\n${' '.repeat(this.indent)}${line}`;
  }

  private put(text: string, columns: number): void {
    this.out += text;
    this.column += columns;
  }

  private newLine(): void {
    this.out += '\n';
    this.startLine();
  }

  private startLine(): void {
    this.out += ' '.repeat(this.indent);
    this.column = this.indent;
  }
}

interface Run {
  kind: 'space' | 'break' | 'text';
  text: string;
  length: number;
}

/** Splits at changes between spaces, line breaks and other characters. */
function runs(chars: string[]): Run[] {
  const list: Run[] = [];
  for (const char of chars) {
    const kind = char === ' ' ? 'space' : BREAKS.includes(char) ? 'break' : 'text';
    const last = list.at(-1);
    if (last?.kind === kind) {
      last.text += char;
      last.length++;
    } else {
      list.push({ kind, text: char, length: 1 });
    }
  }
  return list;
}

const ESCAPES: Record<string, string> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '"': '"',
  '\\': '\\',
  '\u0085': 'N',
  '\u00a0': '_',
  '\u2028': 'L',
  '\u2029': 'P',
};

function needsEscape(char: string): boolean {
  if ('"\\\u0085\u2028\u2029\ufeff'.includes(char)) return true;
  return !(
    (char >= ' ' && char <= '~') ||
    (char >= '\u00a0' && char <= '\ud7ff') ||
    (char >= '\ue000' && char <= '\ufffd' && char.length === 1)
  );
}

function escapeText(char: string): string {
  const short = ESCAPES[char];
  if (short !== undefined) return `\\${short}`;
  const code = char.codePointAt(0)!;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
