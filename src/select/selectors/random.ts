import { Random } from '../../data/index.js';
import { keepBest } from '../keep.js';
import type { Selector } from './selector.js';

/** floor(rows × percentage) rows drawn by seed, whatever their scores: the choice to compare others with. */
export function random({ percentage, seed }: { percentage: number; seed?: number }): Selector {
  return (pool) => {
    const order = pool.samples.map((_, index) => index);
    const count = keepBest(pool.scores.score, percentage).length;
    return new Random(seed ?? pool.seed, 'random selector').shuffle(order).slice(0, count);
  };
}
