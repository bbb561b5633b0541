import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import { type Piece, pack } from './pack.js';

/**
 * Tokenised documents on disk. A folder with
 *   tokens.bin     all documents' ids one after another, u16 or u32, little-endian
 *   documents.bin  u64: first token of each document, and the total
 *   pieces.bin     u32 × 4 per piece: row, document, start in the document, count (how rows are packed)
 *   meta.json      what is below; written last, so a folder without it is not complete
 */
export interface TokenStoreMeta {
  format: 'sluice-tokens 1';
  tokenizerSha256: string;
  dtype: 'u16' | 'u32';
  documents: number;
  tokens: number;
  /** Tokens per packed row. */
  length: number;
  rows: number;
  pieces: number;
  padId: number;
}

const FORMAT = 'sluice-tokens 1';

export interface StoreKeys {
  tokenizerSha256: string;
  vocabSize: number;
  padId: number;
  /** Tokens per packed row. */
  length: number;
}

/** Writes documents (ids, BOS and EOS included) and their packing. Returns what meta.json says. */
export function writeTokenStore(
  directory: string,
  documents: readonly Int32Array[],
  about: StoreKeys,
): TokenStoreMeta {
  mkdirSync(directory, { recursive: true });
  const dtype = dtypeOf(about);
  const file = openSync(join(directory, 'tokens.bin'), 'w');
  try {
    for (const ids of documents)
      writeSync(file, dtype === 'u16' ? Uint16Array.from(ids) : Uint32Array.from(ids));
  } finally {
    closeSync(file);
  }
  const lengths = documents.map((ids) => ids.length);
  return writeTables(directory, lengths, about);
}

/** The same for documents of these lengths whose tokens nobody will look at: they are all 0, and take no room on disk. */
export function writeTokenStoreStandIn(
  directory: string,
  lengths: readonly number[],
  about: StoreKeys,
): TokenStoreMeta {
  mkdirSync(directory, { recursive: true });
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  writeFileSync(join(directory, 'tokens.bin'), '');
  truncateSync(join(directory, 'tokens.bin'), tokens * (dtypeOf(about) === 'u16' ? 2 : 4));
  return writeTables(directory, lengths, about);
}

const dtypeOf = ({ vocabSize }: StoreKeys) => (vocabSize <= 0x1_0000 ? 'u16' : 'u32');

/** All but the tokens. */
function writeTables(directory: string, lengths: readonly number[], about: StoreKeys): TokenStoreMeta {
  const offsets = new BigUint64Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    offsets[i + 1] = offsets[i]! + BigInt(length);
  });
  writeFileSync(join(directory, 'documents.bin'), offsets);
  const pieces = pack(lengths, about.length);
  const table = Uint32Array.from(
    pieces.flatMap((piece) => [piece.row, piece.document, piece.start, piece.count]),
  );
  writeFileSync(join(directory, 'pieces.bin'), table);
  const meta: TokenStoreMeta = {
    format: FORMAT,
    tokenizerSha256: about.tokenizerSha256,
    dtype: dtypeOf(about),
    documents: lengths.length,
    tokens: Number(offsets[lengths.length]),
    length: about.length,
    rows: pieces.length === 0 ? 0 : pieces[pieces.length - 1]!.row + 1,
    pieces: pieces.length,
    padId: about.padId,
  };
  writeFileSync(join(directory, 'meta.json'), `${JSON.stringify(meta, null, 1)}\n`);
  return meta;
}

/** An opened folder: small tables in memory, tokens read where they are asked for. */
export class TokenStore {
  readonly meta: TokenStoreMeta;
  readonly pieces: Piece[] = [];
  private readonly offsets: BigUint64Array;
  private readonly file: number;

  /** @throws SluiceError `data.missing_file` or `data.damaged` (a table whose size is not what meta.json says). */
  constructor(directory: string) {
    this.meta = readMeta(directory);
    const { documents, tokens, pieces, dtype } = this.meta;
    this.offsets = new BigUint64Array(readTable(directory, 'documents.bin', 8 * (documents + 1)));
    const table = new Uint32Array(readTable(directory, 'pieces.bin', 16 * pieces));
    for (let i = 0; i < table.length; i += 4) {
      this.pieces.push({
        row: table[i]!,
        document: table[i + 1]!,
        start: table[i + 2]!,
        count: table[i + 3]!,
      });
    }
    const path = join(directory, 'tokens.bin');
    this.file = openOrExplain(path);
    const expected = tokens * (dtype === 'u16' ? 2 : 4);
    const found = fstatSync(this.file).size;
    if (found !== expected) {
      closeSync(this.file);
      throw damaged(path, expected, found);
    }
  }

  documentLength(document: number): number {
    return Number(this.offsets[document + 1]! - this.offsets[document]!);
  }

  /** `count` ids of a document from its token `start` on. */
  read(document: number, start: number, count: number): Uint16Array | Uint32Array {
    const ids = this.meta.dtype === 'u16' ? new Uint16Array(count) : new Uint32Array(count);
    const position = (Number(this.offsets[document]!) + start) * ids.BYTES_PER_ELEMENT;
    readSync(this.file, ids, 0, ids.byteLength, position);
    return ids;
  }

  close(): void {
    closeSync(this.file);
  }
}

function readMeta(directory: string): TokenStoreMeta {
  const path = join(directory, 'meta.json');
  let meta: TokenStoreMeta;
  try {
    meta = JSON.parse(readFileSync(path, 'utf8')) as TokenStoreMeta;
  } catch (cause) {
    throw new SluiceError('data.missing_file', `${directory} is not a folder of tokenised data`, {
      where: path,
      hint: 'run prepare, and give one of its outputs (train, validation, test)',
      cause,
    });
  }
  if (meta.format === FORMAT) return meta;
  throw new SluiceError(
    'data.damaged',
    `expected "format": "${FORMAT}", got ${JSON.stringify(meta.format)}`,
    {
      where: path,
    },
  );
}

function readTable(directory: string, name: string, expected: number): ArrayBuffer {
  const path = join(directory, name);
  const file = openOrExplain(path);
  try {
    const found = fstatSync(file).size;
    if (found !== expected) throw damaged(path, expected, found);
    const bytes = new ArrayBuffer(expected);
    readSync(file, new Uint8Array(bytes), 0, expected, 0);
    return bytes;
  } finally {
    closeSync(file);
  }
}

function openOrExplain(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new SluiceError('data.missing_file', `cannot read ${path}`, {
      where: path,
      hint: 'run prepare again',
      cause,
    });
  }
}

function damaged(path: string, expected: number, found: number): SluiceError {
  return new SluiceError('data.damaged', `${path} has ${found} bytes, meta.json says ${expected}`, {
    where: path,
    hint: 'run prepare again',
  });
}
