import type { ComposedConfig } from '../compose.js';
import { configError } from '../config-error.js';
import type { Override } from '../override/parse.js';
import { basicSweeper } from './basic.js';
import { randomSweeper } from './random.js';
import { settingsOf } from './settings.js';
import type { Sweeper } from './sweeper.js';
import { tpeSweeper } from './tpe.js';

/** The sweeper that `hydra/sweeper` chose, by its name; the basic one also under its name in the reference. */
export function createSweeper(master: ComposedConfig, overrides: Override[], asReference: boolean): Sweeper {
  const { repository } = master.internal;
  const name = sweeperName(master);
  const settings = settingsOf(master);
  const maxBatchSize = settings.wholeNumber('max_batch_size', null, 1);
  if (name === 'basic') return basicSweeper(overrides, repository, { maxBatchSize, asReference });
  const search = {
    trials: settings.wholeNumber('n_trials', 20, 1)!,
    seed: settings.wholeNumber('seed', 0)!,
    maxBatchSize,
  };
  if (name === 'random') return randomSweeper(overrides, repository, search);
  if (name === 'tpe') {
    const startup = settings.wholeNumber('n_startup_trials', 10, 1)!;
    const minimize = settings.direction() === 'minimize';
    return tpeSweeper(overrides, repository, { ...search, startup, minimize });
  }
  throw configError('sweep', `hydra.sweeper._target_: there is no sweeper '${name}'`, {
    where: settings.where('_target_'),
    hint: 'hydra/sweeper is basic, random or tpe',
  });
}

/** `basic`, `random`, `tpe`. */
export function sweeperName(master: ComposedConfig): string {
  const target = String(master.value('hydra.sweeper._target_') ?? 'basic');
  const name = target.slice(target.lastIndexOf('.') + 1);
  return name === 'BasicSweeper' ? 'basic' : name;
}
