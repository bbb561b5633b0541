import { requireFigure } from '../require-figure.js';
import type { Watch, WatchHost } from './watch.js';

/** The keys of `training.early_stopping`. */
export interface EarlyStoppingKeys {
  /** A figure by the name it is logged under, `validation/loss`. */
  metric: string;
  greater_is_better: boolean;
  /** How many times in a row the figure may be no better than the best so far before the run ends. */
  patience: number;
  /** How much better counts as better. */
  min_delta: number;
}

interface State {
  best: { step: number; value: number } | null;
  /** Times in a row without anything better. */
  misses: number;
}

/** Ends a run whose figure has stopped getting better, as Keras' EarlyStopping and Transformers' EarlyStoppingCallback do. */
export class EarlyStopping implements Watch {
  readonly name = 'early_stopping';
  readonly #keys: EarlyStoppingKeys;
  readonly #host: WatchHost;
  #state: State = { best: null, misses: 0 };

  constructor(keys: EarlyStoppingKeys, host: WatchHost) {
    this.#keys = keys;
    this.#host = host;
  }

  afterLog(step: number, figures: Readonly<Record<string, number>>): string | null {
    const { metric, patience } = this.#keys;
    requireFigure('training.early_stopping.metric', metric, figures);
    const value = figures[metric];
    if (value === undefined) return null;
    if (this.#isBetter(value)) {
      this.#state = { best: { step, value }, misses: 0 };
      return null;
    }
    this.#state.misses += 1;
    const { best, misses } = this.#state;
    if (misses < patience) return null;
    this.#host.addFact('stopped_early', { step, metric, value, best });
    const since = best === null ? 'was never a number' : `was best at step ${best.step} with ${best.value}`;
    return `${metric} ${since}, and no better ${misses} times since`;
  }

  state(): State {
    return structuredClone(this.#state);
  }

  /** A run that had stopped and is to go on has its patience back. */
  restore(state: unknown): void {
    const { best, misses } = state as State;
    this.#state = { best, misses: misses < this.#keys.patience ? misses : 0 };
  }

  #isBetter(value: number): boolean {
    const { greater_is_better, min_delta } = this.#keys;
    if (!Number.isFinite(value)) return false;
    if (this.#state.best === null) return true;
    const gain = value - this.#state.best.value;
    return (greater_is_better ? gain : -gain) > min_delta;
  }
}
