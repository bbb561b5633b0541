import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SluiceError } from '../errors.js';
import { bf16ToF32, f16ToF32 } from './half-precision.js';
import {
  headerError,
  maxHeaderBytes,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';

/** One read asks for at most this much: Linux caps a single read just under 2 GiB. */
const readChunkBytes = 1 << 30;

/** A floating tensor of an open file, for a reader of its own. */
export interface StoredPart {
  readonly descriptor: number;
  readonly file: string;
  /** Bytes from the beginning of the file. */
  readonly start: number;
  readonly dtype: 'F64' | 'F32' | 'F16' | 'BF16';
}

/** An open safetensors file. Tensors are read one at a time, straight into the array that is returned. */
export class SafetensorsFile {
  readonly path: string;
  readonly header: SafetensorsHeader;
  #descriptor: number;

  /** Opens and checks the header. Throws SluiceError `checkpoint.missing` or `checkpoint.header`. */
  constructor(path: string) {
    this.path = path;
    this.#descriptor = openForReading(path);
    try {
      this.header = readHeader(this.#descriptor, path);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get names(): string[] {
    return [...this.header.tensors.keys()];
  }

  /** Throws `checkpoint.tensor` when the file has no such tensor. */
  entry(name: string): TensorEntry {
    const entry = this.header.tensors.get(name);
    if (entry) return entry;
    throw new SluiceError('checkpoint.tensor', `${this.path} has no tensor ${name}`, { where: this.path });
  }

  /** The stored bytes, unconverted. */
  readBytes(name: string): Uint8Array<ArrayBuffer> {
    const { start, end } = this.entry(name);
    const bytes = new Uint8Array(end - start);
    readFully(this.#descriptor, bytes, start, this.path);
    return bytes;
  }

  /** Where a floating tensor lies; the descriptor is good until the file is closed. */
  part(name: string): StoredPart {
    const { dtype, start } = this.entry(name);
    if (dtype !== 'F64' && dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16')
      throw this.#wrongDtype(name, 'a floating dtype');
    return { descriptor: this.#descriptor, file: this.path, start, dtype };
  }

  /** Any floating dtype as f32 (f64 rounds; bf16 and f16 are exact). */
  readF32(name: string): Float32Array {
    const { dtype } = this.entry(name);
    const buffer = this.readBytes(name).buffer;
    if (dtype === 'F32') return new Float32Array(buffer);
    if (dtype === 'BF16') return bf16ToF32(new Uint16Array(buffer));
    if (dtype === 'F16') return f16ToF32(new Uint16Array(buffer));
    if (dtype === 'F64') return new Float32Array(new Float64Array(buffer));
    throw this.#wrongDtype(name, 'a floating dtype');
  }

  /** I64, I32, I8, U8 or BOOL as i32; a value that does not fit is an error. */
  readI32(name: string): Int32Array {
    const { dtype } = this.entry(name);
    const buffer = this.readBytes(name).buffer;
    if (dtype === 'I32') return new Int32Array(buffer);
    if (dtype === 'U8' || dtype === 'BOOL') return Int32Array.from(new Uint8Array(buffer));
    if (dtype === 'I8') return Int32Array.from(new Int8Array(buffer));
    if (dtype !== 'I64') throw this.#wrongDtype(name, 'a whole-number dtype');
    return Int32Array.from(new BigInt64Array(buffer), (value) => {
      if (value === BigInt.asIntN(32, value)) return Number(value);
      throw new SluiceError(
        'checkpoint.tensor',
        `${this.path}: tensor ${name} holds ${value}, beyond 32 bits`,
      );
    });
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  #wrongDtype(name: string, expected: string): SluiceError {
    const { dtype } = this.entry(name);
    return new SluiceError(
      'checkpoint.tensor',
      `${this.path}: tensor ${name} is ${dtype}, expected ${expected}`,
    );
  }
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new SluiceError('checkpoint.missing', `cannot open ${path}`, { where: path, cause });
  }
}

function readHeader(descriptor: number, path: string): SafetensorsHeader {
  const status = fstatSync(descriptor);
  if (!status.isFile()) throw headerError(path, 'this is not a file', 'give the file itself');
  const fileBytes = status.size;
  if (fileBytes < 8)
    throw headerError(path, `the file has ${fileBytes} bytes, a safetensors file at least 8`);
  const lengthBytes = Buffer.alloc(8);
  readFully(descriptor, lengthBytes, 0, path);
  const length = lengthBytes.readBigUInt64LE();
  if (length > BigInt(Math.min(maxHeaderBytes, fileBytes - 8))) {
    throw headerError(path, `the header claims ${length} bytes; the file has ${fileBytes}`);
  }
  const header = Buffer.alloc(Number(length));
  readFully(descriptor, header, 8, path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (cause) {
    throw new SluiceError('checkpoint.header', `${path}: the header is not UTF-8`, { where: path, cause });
  }
  return parseHeader(text, path, fileBytes);
}

function readFully(descriptor: number, target: Uint8Array, position: number, path: string): void {
  let done = 0;
  while (done < target.length) {
    const length = Math.min(target.length - done, readChunkBytes);
    const count = readSync(descriptor, target, done, length, position + done);
    if (count === 0)
      throw headerError(path, `the file ends at byte ${position + done} while it is being read`);
    done += count;
  }
}
