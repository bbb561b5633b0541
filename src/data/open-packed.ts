import { SluiceError } from '../errors.js';
import { type Dataset, datasetOf } from './batch.js';
import { TokenStore, type TokenStoreMeta } from './token-store.js';

export interface PackedDataset extends Dataset {
  meta: TokenStoreMeta;
}

/**
 * Opens a folder of tokenised documents as packed rows. Each piece of a document is a segment; every token but a document's
 * last has the next one as its target, also where a long document is cut between rows.
 *
 * @throws SluiceError `data.tokenizer_mismatch` when it was made with another tokenizer, `data.empty`, or what TokenStore throws.
 */
export function openPacked(directory: string, options: { tokenizerSha256: string }): PackedDataset {
  const store = new TokenStore(directory);
  const { meta } = store;
  try {
    refuseOtherTokenizer(directory, meta, options.tokenizerSha256);
    if (meta.rows === 0) {
      throw new SluiceError('data.empty', `${directory} has no tokens`, {
        where: directory,
        hint: 'run prepare again',
      });
    }
  } catch (error) {
    store.close();
    throw error;
  }
  const firstPiece = piecesByRow(store);
  const dataset = datasetOf({
    rows: meta.rows,
    length: meta.length,
    tokens: meta.tokens,
    padId: meta.padId,
    fill(row, batch, offset) {
      let at = offset;
      for (let p = firstPiece[row]!; p < firstPiece[row + 1]!; p++) {
        const { document, start, count } = store.pieces[p]!;
        const hasNext = start + count < store.documentLength(document);
        const ids = store.read(document, start, hasNext ? count + 1 : count);
        const segment = p - firstPiece[row]! + 1;
        for (let i = 0; i < count; i++, at++) {
          batch.inputIds[at] = ids[i]!;
          batch.segmentIds[at] = segment;
          batch.positions[at] = i;
          if (i + 1 < ids.length) batch.labels[at] = ids[i + 1]!;
        }
      }
    },
    describe(rows) {
      const documentsOf = (row: number) =>
        store.pieces.slice(firstPiece[row], firstPiece[row + 1]).map(({ document }) => document);
      return `${directory}, ${rows.map((row) => `row ${row} (documents ${documentsOf(row).join(', ')})`).join(', ')}`;
    },
    close: () => store.close(),
  });
  return { ...dataset, meta };
}

function refuseOtherTokenizer(directory: string, meta: TokenStoreMeta, expected: string): void {
  if (meta.tokenizerSha256 === expected) return;
  const short = (sha256: string) => sha256.slice(0, 12);
  throw new SluiceError(
    'data.tokenizer_mismatch',
    `the data was tokenised with tokenizer ${short(meta.tokenizerSha256)}…, the model's is ${short(expected)}…`,
    {
      where: directory,
      hint: "prepare the data with the model's tokenizer, or use the model that was trained on this data",
    },
  );
}

/** firstPiece[r] … firstPiece[r + 1]: the pieces of row r. */
function piecesByRow(store: TokenStore): Uint32Array {
  const first = new Uint32Array(store.meta.rows + 1);
  for (const piece of store.pieces) first[piece.row + 1]!++;
  for (let row = 0; row < store.meta.rows; row++) first[row + 1]! += first[row]!;
  return first;
}
