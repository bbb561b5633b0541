import { SluiceError } from '../../errors.js';
import type { TrainingRun } from '../compile-run.js';
import { DataShares } from './data-shares.js';
import { EarlyStopping, type EarlyStoppingKeys } from './early-stopping.js';
import { SpikeGuard, type SpikeGuardKeys } from './spike-guard.js';
import type { Watch, WatchHost } from './watch.js';

/** The keys of `training` that watch over a run. */
export interface WatchKeys {
  /** null: the run goes to its end. */
  early_stopping: EarlyStoppingKeys | null;
  spike_guard: SpikeGuardKeys;
}

/**
 * What watches over a run. Throws `config.early_stopping` where it waits for a figure of an evaluation that there is none of
 * before the end.
 */
export function watchesOf(run: TrainingRun, evaluates: boolean, host: WatchHost): Watch[] {
  const { data, training } = run;
  const watches: Watch[] = [];
  if (data.sources !== undefined) watches.push(new DataShares(data, data.sources, host));
  if (training.spike_guard.mode !== 'off') watches.push(new SpikeGuard(training.spike_guard, run, host));
  const stopping = training.early_stopping;
  if (stopping === null) return watches;
  if (stopping.metric.startsWith('validation/') && !evaluates) {
    throw new SluiceError(
      'config.early_stopping',
      `training.early_stopping.metric=${stopping.metric} is only known at the end of this run`,
      {
        hint: 'set training.evaluate_every, and hold rows out (dataset.validation) where the stage has none',
      },
    );
  }
  return [...watches, new EarlyStopping(stopping, host)];
}
