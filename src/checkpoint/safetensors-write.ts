import { fsyncSync, openSync, writeSync } from 'node:fs';
import { writeFileAtomic } from './atomic.js';
import { type StoredDtype, storedBytes } from './safetensors-header.js';

/** A tensor to write; its bytes are written as they stand. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** A function is called when its turn comes, so that not all tensors are in memory a second time. */
  readonly data: ArrayBufferView | (() => ArrayBufferView);
}

/**
 * Writes a safetensors file in one piece: to a temporary neighbour, synced, renamed. Tensors are ordered by falling
 * element size and then by name, as the reference writer does, so that equal tensors make equal files.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): void {
  const ordered = [...tensors].sort(byElementSizeThenName);
  const header = encodeHeader(ordered, metadata);
  writeFileAtomic(path, (temporary) => {
    const descriptor = openSync(temporary, 'wx');
    writeFully(descriptor, header);
    for (const tensor of ordered) writeFully(descriptor, bytesOf(tensor));
    fsyncSync(descriptor);
    return descriptor;
  });
}

/** Throws where the data is not what dtype and shape say, for the header is written already. */
function bytesOf(tensor: TensorToWrite): Uint8Array {
  const { name, data } = tensor;
  const view = typeof data === 'function' ? data() : data;
  if (view.byteLength !== storedBytes(tensor)) {
    throw new Error(`tensor ${name} of ${storedBytes(tensor)} bytes was given ${view.byteLength}`);
  }
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function byElementSizeThenName(a: TensorToWrite, b: TensorToWrite): number {
  const rank = (t: TensorToWrite) =>
    ['F64', 'I64', 'F32', 'I32', 'BF16', 'F16', 'I16', 'U8', 'I8', 'BOOL'].indexOf(t.dtype);
  return rank(a) - rank(b) || (a.name < b.name ? -1 : 1);
}

function encodeHeader(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    header[name] = { dtype, shape, data_offsets: [offset, (offset += storedBytes(tensor))] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' '); // data starts 8-byte aligned
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);
  return padded;
}

function writeFully(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length)
    done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, 1 << 30));
}
