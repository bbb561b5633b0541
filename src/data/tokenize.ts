import type { Tokenizer } from '../text/tokenizer.js';

/**
 * Documents as token ids, each between the tokenizer's BOS and EOS where it has them. `onProgress` hears how many are done.
 * The texts go to the tokenizer in batches, which it spreads over the machine's cores.
 */
export async function tokenizeDocuments(
  tokenizer: Tokenizer,
  texts: readonly string[],
  onProgress: (done: number) => void = () => {},
): Promise<Int32Array[]> {
  const documents: Int32Array[] = [];
  for (const batch of batchesOf(texts, 1_000_000)) {
    for (const ids of await tokenizer.encodeBatch(batch, { addSpecialTokens: false })) {
      documents.push(between(tokenizer.bosId, ids, tokenizer.eosId));
    }
    onProgress(documents.length);
  }
  return documents;
}

/** Consecutive texts of about `characters` in all. */
function* batchesOf(texts: readonly string[], characters: number): Generator<string[]> {
  let batch: string[] = [];
  let size = 0;
  for (const text of texts) {
    batch.push(text);
    size += text.length;
    if (size >= characters) {
      yield batch;
      batch = [];
      size = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

function between(bos: number | null, ids: Int32Array, eos: number | null): Int32Array {
  const first = bos === null ? 0 : 1;
  const document = new Int32Array(first + ids.length + (eos === null ? 0 : 1));
  if (bos !== null) document[0] = bos;
  document.set(ids, first);
  if (eos !== null) document[document.length - 1] = eos;
  return document;
}
