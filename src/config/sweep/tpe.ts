import type { Repository } from '../defaults/repository.js';
import type { Override } from '../override/parse.js';
import { Density } from './density.js';
import { generator, randomPoint, type SearchSettings } from './random.js';
import { searchSpace } from './space.js';
import type { Sweeper } from './sweeper.js';
import { type Trial, Trials } from './trials.js';

export interface TpeSettings extends SearchSettings {
  minimize: boolean;
  /** Trials drawn at random before the model is used. */
  startup: number;
}

const CANDIDATES = 24;

/**
 * Tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"), over all keys
 * jointly (Falkner et al. 2018, "BOHB"): the told trials are split into the best few and the rest, a density is fitted to
 * each, and of some candidates drawn from the good density the one with the largest ratio good/bad is tried. Failed trials
 * and those still running count as bad.
 */
export function tpeSweeper(overrides: Override[], repository: Repository, settings: TpeSettings): Sweeper {
  const space = searchSpace(overrides, repository);
  const uniform = generator(settings.seed);
  const trials = new Trials(space, settings.trials);
  const told: { point: number[]; value: number }[] = [];
  const bad: number[][] = [];
  let running: Trial[] = [];

  const propose = (batch: Trial[]): number[][] => {
    if (told.length < Math.max(settings.startup, 2)) return [randomPoint(space, uniform)];
    const sign = settings.minimize ? 1 : -1;
    const ranked = [...told].sort((a, b) => sign * (a.value - b.value)).map(({ point }) => point);
    const goodCount = Math.min(25, Math.ceil(ranked.length / 10) + 1);
    const good = new Density(space, ranked.slice(0, goodCount));
    const rest = new Density(space, [...ranked.slice(goodCount), ...bad, ...batch.map(({ point }) => point)]);
    return Array.from({ length: CANDIDATES }, () => good.draw(uniform))
      .map((point) => ({ point, score: good.logarithm(point) - rest.logarithm(point) }))
      .sort((a, b) => b.score - a.score)
      .map(({ point }) => point);
  };

  return {
    jobs: trials.count,
    ask(atOnce = 1) {
      // No more than can run: each result steers the next trials.
      const batch = trials.batch(settings.maxBatchSize ?? atOnce, propose, uniform);
      running = batch ?? [];
      return batch?.map(({ texts }) => texts);
    },
    tell(values) {
      running.forEach(({ point }, index) => {
        const value = values[index];
        if (value === undefined || Number.isNaN(value)) bad.push(point);
        else told.push({ point, value });
      });
      running = [];
    },
  };
}
