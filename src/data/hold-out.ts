import { SluiceError } from '../errors.js';
import { Random } from './random.js';
import type { InstructionRow } from './readers/mapping.js';

/** Which side of a split of rows to take: `ratio` of each dataset's rows are held out, drawn by seed. */
export interface HoldOut {
  ratio: number;
  seed: number;
  part: 'training' | 'held-out';
}

/** The rows of one side, in file order. @throws SluiceError `data.too_few_rows` where either side would be empty */
export function holdOut(rows: readonly InstructionRow[], { ratio, seed, part }: HoldOut): InstructionRow[] {
  const byDataset = new Map<string, number[]>();
  rows.forEach(({ dataset }, i) => {
    const members = byDataset.get(dataset);
    if (members === undefined) byDataset.set(dataset, [i]);
    else members.push(i);
  });
  const heldOut = new Set(
    [...byDataset].flatMap(([dataset, members]) =>
      new Random(seed, 'held-out', dataset).shuffle(members).slice(0, Math.round(members.length * ratio)),
    ),
  );
  if (heldOut.size === 0 || heldOut.size === rows.length) {
    throw new SluiceError(
      'data.too_few_rows',
      `a share of ${ratio} holds out ${heldOut.size} of ${rows.length} rows`,
      { hint: 'both parts need rows: set dataset.validation to another share, a file, or null' },
    );
  }
  return rows.filter((_, i) => heldOut.has(i) === (part === 'held-out'));
}
