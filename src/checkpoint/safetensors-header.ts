import { SluiceError } from '../errors.js';
import { duplicateKey } from './duplicate-key.js';

/** Element types a safetensors file may hold here, and the bytes of one element. */
const bytesPerElement = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type StoredDtype = keyof typeof bytesPerElement;

/** Bytes that a tensor takes in a file. */
export const storedBytes = ({ dtype, shape }: { dtype: StoredDtype; shape: readonly number[] }): number =>
  shape.reduce((product, size) => product * size, bytesPerElement[dtype]);

/** One tensor of a file; `start` and `end` count bytes from the beginning of the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** The reference implementation's own limit; a header is text, and a hundred megabytes of it is an attack. */
export const maxHeaderBytes = 100_000_000;

/**
 * Checks the JSON header of a safetensors file: every tensor has a known dtype, a shape of whole numbers, and a byte
 * range of exactly its size inside the file; ranges follow each other without gap or overlap to the end of the file.
 *
 * @param headerText the JSON after the 8-byte length
 * @param file shown in messages
 * @param fileBytes size of the whole file
 * @throws SluiceError `checkpoint.header`
 */
export function parseHeader(headerText: string, file: string, fileBytes: number): SafetensorsHeader {
  const raw = parseJsonObject(headerText, file);
  const dataStart = 8 + Buffer.byteLength(headerText);
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) {
    if (name === '__metadata__') metadata = checkMetadata(value, file);
    else tensors.set(name, checkEntry(name, value, dataStart, file));
  }
  checkRanges([...tensors.values()], dataStart, fileBytes, file);
  return { metadata, tensors };
}

export function headerError(file: string, message: string, hint?: string): SluiceError {
  return new SluiceError('checkpoint.header', `${file}: ${message}`, {
    where: file,
    hint: hint ?? 'the file is damaged or not a safetensors file; download or write it again',
  });
}

function parseJsonObject(text: string, file: string): Record<string, unknown> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError('checkpoint.header', `${file}: the header is not JSON`, { where: file, cause });
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw headerError(file, 'the header is not a JSON object');
  }
  const twice = duplicateKey(text);
  if (twice !== null) throw headerError(file, `${twice} stands twice in the header`);
  return raw as Record<string, unknown>;
}

function checkMetadata(value: unknown, file: string): Record<string, string> {
  const isStringMap =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((v) => typeof v === 'string');
  if (!isStringMap) throw headerError(file, '__metadata__ must map names to strings');
  return value as Record<string, string>;
}

function checkEntry(name: string, value: unknown, dataStart: number, file: string): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(bytesPerElement, dtype)) {
    const known = Object.keys(bytesPerElement).join(', ');
    throw headerError(file, `tensor ${name} has dtype ${JSON.stringify(dtype)}; known are ${known}`);
  }
  if (!isCountList(shape)) throw headerError(file, `tensor ${name} has shape ${JSON.stringify(shape)}`);
  if (!isCountList(offsets) || offsets.length !== 2) {
    throw headerError(
      file,
      `tensor ${name} has data_offsets ${JSON.stringify(offsets)}, not two byte positions`,
    );
  }
  const [start, end] = offsets as [number, number];
  const expected = storedBytes({ dtype: dtype as StoredDtype, shape });
  if (end - start !== expected) {
    throw headerError(
      file,
      `tensor ${name} ${dtype} [${shape.join(',')}] needs ${expected} bytes, data_offsets give ${end - start}`,
    );
  }
  return { name, dtype: dtype as StoredDtype, shape, start: dataStart + start, end: dataStart + end };
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function checkRanges(entries: TensorEntry[], dataStart: number, fileBytes: number, file: string): void {
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let position = dataStart;
  let previous = 'the header';
  for (const entry of entries) {
    if (entry.start < position) throw headerError(file, `tensor ${entry.name} overlaps ${previous}`);
    if (entry.start > position) {
      throw headerError(
        file,
        `${entry.start - position} bytes between ${previous} and ${entry.name} belong to nothing`,
      );
    }
    position = entry.end;
    previous = `tensor ${entry.name}`;
  }
  if (position > fileBytes) {
    throw headerError(
      file,
      `${previous} ends at byte ${position}, the file has ${fileBytes}: it is cut short`,
    );
  }
  if (position < fileBytes)
    throw headerError(file, `${fileBytes - position} bytes after ${previous} belong to nothing`);
}
