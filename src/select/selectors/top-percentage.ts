import { keepBest } from '../keep.js';
import type { Selector } from './selector.js';

/** floor(rows × percentage) of the highest scores. */
export function topPercentage({ percentage }: { percentage: number }): Selector {
  return ({ scores }) => keepBest(scores.score, percentage);
}
