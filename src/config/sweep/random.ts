import type { Repository } from '../defaults/repository.js';
import type { Override } from '../override/parse.js';
import { type Dimension, searchSpace } from './space.js';
import type { Sweeper } from './sweeper.js';
import { Trials } from './trials.js';

export interface SearchSettings {
  /** Jobs in all. */
  trials: number;
  seed: number;
  /** Jobs per batch; null leaves it to the sweeper. */
  maxBatchSize: number | null;
}

/** Draws each job at random, and none twice. The same seed draws the same jobs. */
export function randomSweeper(
  overrides: Override[],
  repository: Repository,
  settings: SearchSettings,
): Sweeper {
  const space = searchSpace(overrides, repository);
  const uniform = generator(settings.seed);
  const trials = new Trials(space, settings.trials);
  return {
    jobs: trials.count,
    ask() {
      const size = settings.maxBatchSize ?? settings.trials;
      const batch = trials.batch(size, () => [randomPoint(space, uniform)], uniform);
      return batch?.map(({ texts }) => texts);
    },
    tell: () => undefined,
  };
}

export function randomPoint(space: Dimension[], uniform: () => number): number[] {
  return space.map((one) => {
    if (one.kind === 'fixed') return 0;
    if (one.kind === 'options') return Math.floor(uniform() * one.texts.length);
    return one.axis.snap(uniform());
  });
}

/** SplitMix32: a small generator with a 32-bit state, enough for drawing trials. Values in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4294967296;
  };
}
