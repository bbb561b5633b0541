import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { readLines } from './lines.js';

/** A row as the file has it, and its place for messages. */
export interface RawRow {
  values: Record<string, unknown>;
  where: string;
}

/**
 * Rows of a file or of all files of a folder (by name, folders inside too): each line of a `.jsonl` is a row, a `.txt` is
 * one row `{ text }`.
 *
 * @throws SluiceError `data.missing_file`, `data.unknown_format`, `data.not_utf8`, `data.bad_json`, `data.empty`; with
 * file and line where they have one.
 */
export function* readRows(path: string): Generator<RawRow> {
  let rows = 0;
  for (const file of listFiles(path)) {
    for (const row of file.endsWith('.txt') ? readText(file) : readJsonLines(file)) {
      rows++;
      yield row;
    }
  }
  if (rows === 0) {
    throw new SluiceError('data.empty', `${path} has no rows`, {
      where: path,
      hint: 'expected .jsonl files with one JSON object per line, or .txt files',
    });
  }
}

function* readJsonLines(file: string): Generator<RawRow> {
  for (const { text, where } of readLines(file)) {
    if (text.trim() === '') continue;
    let values: unknown;
    try {
      values = JSON.parse(text);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new SluiceError('data.bad_json', `the line is not valid JSON: ${reason}`, {
        where,
        hint: 'a .jsonl file holds one complete JSON object per line',
        cause,
      });
    }
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new SluiceError('data.bad_row', `expected a JSON object, got ${kindOf(values)}`, {
        where,
        hint: 'a .jsonl file holds one JSON object per line, with its columns as keys',
      });
    }
    yield { values: values as Record<string, unknown>, where };
  }
}

function* readText(file: string): Generator<RawRow> {
  const bytes = readFileSync(file);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    for (const _ of readLines(file)); // throws, naming the line
    throw new SluiceError('data.not_utf8', 'the file is not valid UTF-8', { where: file });
  }
  if (text.trim() !== '') yield { values: { text }, where: file };
}

function listFiles(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new SluiceError('data.missing_file', `no such file or folder: ${path}`, {
      where: path,
      hint: 'check the path; relative paths start at the project root',
    });
  }
  if (stat.isFile()) {
    if (isReadable(path)) return [path];
    throw new SluiceError('data.unknown_format', `no reader for ${path}`, {
      where: path,
      hint: 'readers exist for .jsonl and .txt',
    });
  }
  return (readdirSync(path, { recursive: true }) as string[])
    .filter(isReadable)
    .sort()
    .map((name) => join(path, name));
}

function isReadable(name: string): boolean {
  return name.endsWith('.jsonl') || name.endsWith('.txt');
}

/** `null`, `array`, `string`, …: the kind of a JSON value, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
