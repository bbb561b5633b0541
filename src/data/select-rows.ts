import { SluiceError } from '../errors.js';
import { Random } from './random.js';
import type { InstructionRow } from './readers/mapping.js';

export interface RowSelection {
  /** Only rows of these datasets; empty or absent: all. */
  datasetNames?: readonly string[];
  /** Share of each dataset's rows to use, in (0, 1]; at least one row of each. */
  subsetRatio?: number;
  /** Whether the share is drawn at random; else it is each dataset's first rows. */
  shuffle?: boolean;
  seed?: number;
}

/**
 * The rows a config asks for, in file order.
 *
 * @throws SluiceError `data.unknown_dataset` for a name no row has, `config.subset_ratio` outside (0, 1].
 */
export function selectRows(
  rows: readonly InstructionRow[],
  selection: RowSelection,
  where: string,
): InstructionRow[] {
  const ratio = selection.subsetRatio ?? 1;
  if (!(ratio > 0 && ratio <= 1)) {
    throw new SluiceError(
      'config.subset_ratio',
      `dataset.subset_ratio=${ratio} must be above 0 and at most 1`,
      {
        hint: '0.05 uses every twentieth row',
      },
    );
  }
  const byDataset = new Map<string, number[]>();
  rows.forEach((row, i) => {
    const members = byDataset.get(row.dataset);
    if (members === undefined) byDataset.set(row.dataset, [i]);
    else members.push(i);
  });
  const names = selection.datasetNames?.length ? selection.datasetNames : [...byDataset.keys()];
  const chosen = new Set<number>();
  for (const name of names) {
    const members = byDataset.get(name);
    if (members === undefined) {
      throw new SluiceError('data.unknown_dataset', `no row has dataset "${name}"`, {
        where,
        hint: `datasets in it: ${[...byDataset.keys()].sort().join(', ')}`,
      });
    }
    const count = Math.max(1, Math.floor(members.length * ratio));
    if (selection.shuffle) new Random(selection.seed ?? 0, 'subset', name).shuffle(members);
    for (const i of members.slice(0, count)) chosen.add(i);
  }
  return rows.filter((_, i) => chosen.has(i));
}
