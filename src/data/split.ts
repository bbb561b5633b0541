import { SluiceError } from '../errors.js';
import { Random } from './random.js';

export interface Split<T> {
  train: T[];
  validation: T[];
  test: T[];
}

/** Shares of all documents, each in (0, 1). */
export interface SplitShares {
  validation: number;
  test: number;
}

/**
 * Splits whole documents, spread evenly over their order (sort by year first, and each split covers all years): the order
 * is cut into as many blocks as the smaller part has documents, and each block gives its share to each part at random.
 *
 * @throws SluiceError `data.too_few_documents` when a part would be empty.
 */
export function splitDocuments<T>(documents: readonly T[], shares: SplitShares, seed: number): Split<T> {
  const total = documents.length;
  const counts = { validation: Math.round(total * shares.validation), test: Math.round(total * shares.test) };
  if (counts.validation < 1 || counts.test < 1 || counts.validation + counts.test >= total) {
    throw new SluiceError(
      'data.too_few_documents',
      `${total} documents cannot give validation=${shares.validation} and test=${shares.test}`,
      { hint: 'each part needs at least one document: give more documents or other split shares' },
    );
  }
  const random = new Random(seed, 'split');
  const blocks = Math.min(counts.validation, counts.test);
  const split: Split<T> = { train: [], validation: [], test: [] };
  for (let block = 0; block < blocks; block++) {
    const bound = (count: number) =>
      Math.floor((count * (block + 1)) / blocks) - Math.floor((count * block) / blocks);
    const first = Math.floor((total * block) / blocks);
    const members = Array.from({ length: bound(total) }, (_, i) => first + i);
    const chosen = random.shuffle([...members]);
    const test = new Set(chosen.splice(0, bound(counts.test)));
    const validation = new Set(chosen.splice(0, bound(counts.validation)));
    for (const i of members) {
      split[test.has(i) ? 'test' : validation.has(i) ? 'validation' : 'train'].push(documents[i]!);
    }
  }
  return split;
}
