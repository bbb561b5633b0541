import { basicSweeper } from './basic.js';
import type { SweeperTarget } from './make-sweeper.js';
import { randomSweeper } from './random.js';
import type { SweeperSettings } from './settings.js';
import { tpeSweeper } from './tpe.js';

export const basic: SweeperTarget =
  () =>
  ({ overrides, repository, settings, asReference }) =>
    basicSweeper(overrides, repository, { maxBatchSize: batchSize(settings), asReference });

export const random: SweeperTarget =
  () =>
  ({ overrides, repository, settings }) =>
    randomSweeper(overrides, repository, searchSettings(settings));

export const tpe: SweeperTarget =
  () =>
  ({ overrides, repository, settings }) =>
    tpeSweeper(overrides, repository, {
      ...searchSettings(settings),
      startup: settings.wholeNumber('n_startup_trials', 10, 1)!,
      minimize: settings.direction() === 'minimize',
    });

/** For a sweep that is planned without a registry. */
export const builtInSweeperTargets: ReadonlyMap<string, SweeperTarget> = new Map(
  Object.entries({ basic, random, tpe }),
);

const batchSize = (settings: SweeperSettings) => settings.wholeNumber('max_batch_size', null, 1);

const searchSettings = (settings: SweeperSettings) => ({
  trials: settings.wholeNumber('n_trials', 20, 1)!,
  seed: settings.wholeNumber('seed', 0)!,
  maxBatchSize: batchSize(settings),
});
