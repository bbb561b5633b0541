import type { Repository } from '../defaults/repository.js';
import type { Override } from '../override/parse.js';
import { generator, pointAt, type RandomSettings } from './random.js';
import { type Dimension, intervalText, searchSpace } from './space.js';
import type { Sweeper } from './sweeper.js';

export interface TpeSettings extends RandomSettings {
  minimize: boolean;
  /** Trials drawn at random before the model is used. */
  startup: number;
}

/** A trial: per dimension a share of its range (intervals) or an option's index; and what it reached. */
interface Trial {
  point: number[];
  value: number | undefined;
}

const CANDIDATES = 24;

/**
 * Tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"): the told trials are
 * split into the best quarter and the rest, a density is fitted to each, per dimension, and of some candidates drawn from the
 * good density the one with the largest ratio good/bad is tried. Failed trials count as bad.
 */
export function tpeSweeper(overrides: Override[], repository: Repository, settings: TpeSettings): Sweeper {
  const space = searchSpace(overrides, repository);
  const uniform = generator(settings.seed);
  const told: Trial[] = [];
  let batch: Trial[] = [];
  let left = settings.trials;
  return {
    ask() {
      if (left <= 0) return undefined;
      // One at a time unless told otherwise: each result steers the next trial.
      const size = Math.min(left, settings.maxBatchSize ?? 1);
      left -= size;
      batch = Array.from({ length: size }, () => ({
        point: propose(space, told, settings, uniform),
        value: undefined,
      }));
      return batch.map(({ point }) => space.map((dimension, index) => textAt(dimension, point[index]!)));
    },
    tell(values) {
      batch.forEach((trial, index) => {
        const value = values[index];
        trial.value = value === undefined || Number.isNaN(value) ? undefined : value;
        told.push(trial);
      });
    },
  };
}

function textAt(dimension: Dimension, coordinate: number): string {
  if (dimension.kind === 'fixed') return dimension.text;
  if (dimension.kind === 'options') return `${dimension.key}=${dimension.texts[coordinate]}`;
  return intervalText(dimension.key, pointAt(dimension, coordinate), dimension.integer);
}

function propose(space: Dimension[], told: Trial[], settings: TpeSettings, uniform: () => number): number[] {
  const finished = told.filter((trial) => trial.value !== undefined);
  if (finished.length < Math.max(settings.startup, 2))
    return space.map((dimension) => drawFlat(dimension, uniform));
  const sign = settings.minimize ? 1 : -1;
  finished.sort((a, b) => sign * (a.value! - b.value!));
  const goodCount = Math.max(1, Math.min(25, Math.ceil(finished.length / 4)));
  const good = finished.slice(0, goodCount);
  const bad = [...finished.slice(goodCount), ...told.filter((trial) => trial.value === undefined)];
  return space.map((dimension, index) => {
    const at = (trials: Trial[]) => trials.map((trial) => trial.point[index]!);
    if (dimension.kind === 'options') return bestOption(dimension.texts.length, at(good), at(bad), uniform);
    return dimension.kind === 'interval' ? bestShare(at(good), at(bad), uniform) : 0;
  });
}

function drawFlat(dimension: Dimension, uniform: () => number): number {
  return dimension.kind === 'options' ? Math.floor(uniform() * dimension.texts.length) : uniform();
}

/** Counts with one added everywhere, so that no option is ruled out. */
function bestOption(count: number, good: number[], bad: number[], uniform: () => number): number {
  const weights = (chosen: number[]): number[] => {
    const counts = new Array<number>(count).fill(1);
    for (const option of chosen) counts[option]!++;
    return counts.map((each) => each / (chosen.length + count));
  };
  const likely = weights(good);
  const unlikely = weights(bad);
  return best(
    () => {
      let rest = uniform();
      return Math.max(
        0,
        likely.findIndex((weight) => (rest -= weight) <= 0),
      );
    },
    (option) => likely[option]! / unlikely[option]!,
  );
}

function bestShare(good: number[], bad: number[], uniform: () => number): number {
  const likely = parzen(good);
  const unlikely = parzen(bad);
  const draw = (): number => {
    const kernel = likely[Math.floor(uniform() * likely.length)]!;
    for (let attempt = 0; attempt < 100; attempt++) {
      const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      const share = kernel.mean + kernel.width * normal;
      if (share >= 0 && share <= 1) return share;
    }
    return uniform();
  };
  return best(draw, (share) => density(likely, share) / density(unlikely, share));
}

interface Kernel {
  mean: number;
  width: number;
}

/** One normal per point, as wide as the gap to its farther neighbour, and a wide one in the middle as the prior. */
function parzen(points: number[]): Kernel[] {
  const sorted = [...points, 0.5].sort((a, b) => a - b);
  const narrowest = 1 / Math.min(100, sorted.length + 1);
  return sorted.map((mean, index) => {
    if (mean === 0.5 && sorted.length === 1) return { mean, width: 1 };
    const left = mean - (sorted[index - 1] ?? 0);
    const right = (sorted[index + 1] ?? 1) - mean;
    return { mean, width: Math.min(1, Math.max(narrowest, left, right)) };
  });
}

function density(kernels: Kernel[], share: number): number {
  let sum = 0;
  for (const { mean, width } of kernels) sum += Math.exp(-(((share - mean) / width) ** 2) / 2) / width;
  return sum / kernels.length + 1e-12;
}

function best(draw: () => number, score: (candidate: number) => number): number {
  let chosen = draw();
  let highest = score(chosen);
  for (let index = 1; index < CANDIDATES; index++) {
    const candidate = draw();
    const value = score(candidate);
    if (value > highest) [chosen, highest] = [candidate, value];
  }
  return chosen;
}
