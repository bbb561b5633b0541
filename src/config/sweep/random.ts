import type { Repository } from '../defaults/repository.js';
import type { Override } from '../override/parse.js';
import { type Dimension, intervalText, searchSpace } from './space.js';
import type { JobOverrides, Sweeper } from './sweeper.js';

export interface RandomSettings {
  trials: number;
  seed: number;
  maxBatchSize: number | null;
}

/** Draws each job at random: options evenly, intervals evenly (in the exponent with `tag(log, …)`). Same seed, same jobs. */
export function randomSweeper(
  overrides: Override[],
  repository: Repository,
  settings: RandomSettings,
): Sweeper {
  const space = searchSpace(overrides, repository);
  const uniform = generator(settings.seed);
  let left = settings.trials;
  return {
    ask() {
      if (left <= 0) return undefined;
      const size = Math.min(left, settings.maxBatchSize ?? left);
      left -= size;
      return Array.from({ length: size }, () => sample(space, uniform));
    },
    tell: () => undefined,
  };
}

export function sample(space: Dimension[], uniform: () => number): JobOverrides {
  return space.map((dimension) => {
    if (dimension.kind === 'fixed') return dimension.text;
    if (dimension.kind === 'options') {
      return `${dimension.key}=${dimension.texts[Math.floor(uniform() * dimension.texts.length)]}`;
    }
    return intervalText(dimension.key, pointAt(dimension, uniform()), dimension.integer);
  });
}

/** The value at a share (0 to 1) of an interval. */
export function pointAt({ low, high, log }: Dimension & { kind: 'interval' }, share: number): number {
  if (!log) return low + share * (high - low);
  return Math.exp(Math.log(low) + share * (Math.log(high) - Math.log(low)));
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
