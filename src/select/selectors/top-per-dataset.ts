import { SluiceError } from '../../errors.js';
import { bestFirst } from '../keep.js';
import type { Selector } from './selector.js';

/**
 * floor(rows × percentage) of the highest scores of each dataset by itself, so that every dataset keeps its share of the
 * pool; one too small for a whole row keeps none.
 */
export function topPerDataset({ percentage }: { percentage: number }): Selector {
  return ({ samples, scores: { score } }) => {
    const rows = new Map<string, number[]>();
    samples.forEach(({ dataset }, index) => {
      if (!rows.has(dataset)) rows.set(dataset, []);
      rows.get(dataset)!.push(index);
    });
    const kept = [...rows.values()].flatMap((indices) =>
      bestFirst(score, indices).slice(0, Math.floor(indices.length * percentage)),
    );
    if (kept.length > 0) return bestFirst(score, kept);
    throw new SluiceError(
      'data.nothing_selected',
      `selector.percentage=${percentage} keeps no row of any of ${rows.size} datasets (it rounds down)`,
      { hint: 'use a larger one, or selector=top_percentage' },
    );
  };
}
