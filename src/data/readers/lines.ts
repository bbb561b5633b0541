import { closeSync, openSync, readSync } from 'node:fs';
import { SluiceError } from '../../errors.js';

export interface Line {
  text: string;
  /** `rows.jsonl:17`, for messages. */
  where: string;
}

const BLOCK_BYTES = 1 << 20;
const NEWLINE = 10;

/**
 * The lines of a UTF-8 file, one at a time, whatever its size. A byte order mark and carriage returns are dropped.
 *
 * @throws SluiceError `data.missing_file`, or `data.not_utf8` naming file and line.
 */
export function* readLines(path: string): Generator<Line> {
  const file = open(path);
  // ignoreBOM keeps the mark in the text; it is dropped below on the first line only, as everywhere else it is content.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let number = 0;
  const decode = (bytes: Uint8Array): Line => {
    number++;
    const where = `${path}:${number}`;
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch (cause) {
      throw new SluiceError('data.not_utf8', 'the line is not valid UTF-8', {
        where,
        hint: 'convert the file, for example: iconv -f latin1 -t utf-8',
        cause,
      });
    }
    if (number === 1 && text.startsWith('\uFEFF')) text = text.slice(1);
    return { text: text.endsWith('\r') ? text.slice(0, -1) : text, where };
  };
  try {
    const block = new Uint8Array(BLOCK_BYTES);
    let rest: Uint8Array = new Uint8Array(0);
    for (let size: number; (size = readSync(file, block, 0, BLOCK_BYTES, null)) > 0; ) {
      const bytes = concatenate(rest, block.subarray(0, size));
      let start = 0;
      // What was carried over holds no newline.
      for (let end: number; (end = bytes.indexOf(NEWLINE, Math.max(start, rest.length))) >= 0; ) {
        yield decode(bytes.subarray(start, end));
        start = end + 1;
        rest = new Uint8Array(0);
      }
      rest = bytes.slice(start);
    }
    if (rest.length > 0) yield decode(rest);
  } finally {
    closeSync(file);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new SluiceError('data.missing_file', `cannot read ${path}`, {
      where: path,
      hint: 'check the path; relative paths start at the project root',
      cause,
    });
  }
}

function concatenate(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
