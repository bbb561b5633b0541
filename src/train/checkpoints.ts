import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { linkTrainingState, listSteps } from '../checkpoint/index.js';
import type { Checkpointing, LoopProgress } from './loop.js';
import { requireFigure } from './require-figure.js';

/** The keys of `training` that say when a run saves its state, and what of it stays. */
export interface CheckpointKeys {
  /** Steps; 0: only when interrupted or asked. Where it is not 0 the end is saved too. */
  save_every: number;
  /** Newest checkpoints that stay; null: all. */
  keep_last: number | null;
  /** Best checkpoints that stay besides; a step that is among the best is saved whatever `save_every` says. */
  keep_best: number;
  /** A figure by the name it is logged under, `validation/loss`. */
  metric_for_best: string;
  greater_is_better: boolean;
  /** Whether the final weights are those of the best checkpoint. */
  load_best_at_end: boolean;
}

/** A saved step and what it was judged by. */
export interface RankedStep {
  step: number;
  value: number;
}

export interface CheckpointsOptions {
  /** Holds the `step_<n>` folders. */
  folder: string;
  keys: CheckpointKeys;
  /** Best first, of the run that this one goes on from. */
  best: readonly RankedStep[];
  /** Whether somebody asked for a checkpoint since the last question. */
  requested(): boolean;
  /** Whether old ones may go: not where another run may be going on from them already. */
  mayDelete(): boolean;
  /** Writes one and gives its folder. */
  write(step: number, progress: LoopProgress, best: readonly RankedStep[]): string;
  log(level: 'info' | 'warning', text: string): void;
}

/** When a run's state is saved, and which checkpoints stay. */
export class Checkpoints implements Checkpointing {
  readonly #options: CheckpointsOptions;
  /** Best first; as many as stay. */
  #best: RankedStep[];
  #last: string | null = null;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
    this.#best = options.best.slice(0, options.keys.keep_best);
    const [newest] = listSteps(options.folder);
    if (newest !== undefined) this.#last = join(options.folder, `step_${newest}`);
  }

  /** Folder of the newest checkpoint; null before there is one. */
  get last(): string | null {
    return this.#last;
  }

  lastBefore(step: number): string | null {
    const found = listSteps(this.#options.folder).find((each) => each < step);
    return found === undefined ? null : this.#path(found);
  }

  /** Folders of the best checkpoints, best first. */
  get best(): string[] {
    return this.#best.map(({ step }) => this.#path(step));
  }

  isDue(step: number, values: Readonly<Record<string, number>>, isEnd: boolean): boolean {
    const { save_every } = this.#options.keys;
    const isBest = this.#rank(step, values);
    const isRequested = this.#options.requested();
    const isTime = save_every > 0 && (isEnd || step % save_every === 0);
    return isBest || isRequested || isTime;
  }

  save(step: number, progress: LoopProgress): string {
    if (this.#last === this.#path(step)) return this.#last;
    const { write, log, mayDelete } = this.#options;
    this.#last = write(step, progress, this.#best);
    log('info', `checkpoint of step ${step}: ${this.#last}`);
    if (mayDelete()) this.#prune();
    return this.#last;
  }

  /** Takes over the checkpoints up to a step that another run left in `from`, as far as they would have stayed here. */
  adopt(from: string, step: number): void {
    const steps = listSteps(from).filter((each) => each <= step);
    for (const each of steps.filter((one) => this.#stays(one, steps)))
      linkTrainingState(join(from, `step_${each}`), this.#path(each));
    this.#last = this.#path(step);
  }

  /** Whether the step is among the best so far; it is one of them from then on. */
  #rank(step: number, values: Readonly<Record<string, number>>): boolean {
    const { keep_best, metric_for_best, greater_is_better } = this.#options.keys;
    if (keep_best === 0) return false;
    requireFigure('training.metric_for_best', metric_for_best, values);
    const value = values[metric_for_best];
    if (value === undefined || !Number.isFinite(value)) return false;
    const sign = greater_is_better ? -1 : 1;
    // of equal ones the earlier stays first: sorting is stable
    this.#best = [...this.#best, { step, value }]
      .sort((a, b) => sign * (a.value - b.value))
      .slice(0, keep_best);
    return this.#best.some((each) => each.step === step);
  }

  #prune(): void {
    const { folder, log } = this.#options;
    const steps = listSteps(folder);
    for (const step of steps.filter((each) => !this.#stays(each, steps))) {
      try {
        rmSync(this.#path(step), { recursive: true });
      } catch (error) {
        log('warning', `an old checkpoint cannot be deleted: ${(error as Error).message}`);
      }
    }
  }

  /** @param steps newest first */
  #stays(step: number, steps: readonly number[]): boolean {
    const { keep_last } = this.#options.keys;
    const isNew = keep_last === null || steps.indexOf(step) < keep_last;
    return isNew || this.#best.some((each) => each.step === step);
  }

  #path(step: number): string {
    return join(this.#options.folder, `step_${step}`);
  }
}
