import type { Sample } from '../../data/index.js';
import type { RouterScores } from '../score.js';

/** A pool whose rows were scored by the quality gates. */
export interface ScoredPool {
  samples: readonly Sample[];
  /** In the order of `samples`; `scores.score` is what selectors usually go by. */
  scores: RouterScores;
  /** Of the run. */
  seed: number;
}

/** Decides which rows of a pool are kept: their indices, best first, none twice. Throws where it would keep none. */
export type Selector = (pool: ScoredPool) => readonly number[];
