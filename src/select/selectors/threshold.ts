import { SluiceError } from '../../errors.js';
import { bestFirst } from '../keep.js';
import type { Selector } from './selector.js';

/** All rows with a score of at least `minimum`, best first. */
export function threshold({ minimum }: { minimum: number }): Selector {
  return ({ scores: { score } }) => {
    const kept = [...score.keys()].filter((index) => score[index]! >= minimum);
    if (kept.length > 0) return bestFirst(score, kept);
    throw new SluiceError(
      'data.nothing_selected',
      `selector.minimum=${minimum} keeps none of ${score.length} rows`,
      {
        hint: `the highest score is ${score.reduce((best, each) => Math.max(best, each)).toFixed(4)}`,
      },
    );
  };
}
