import type { Repository } from '../defaults/repository.js';
import type { Targets } from '../instantiate/registry.js';
import type { Override } from '../override/parse.js';
import { basicSweeper } from './basic.js';
import { randomSweeper } from './random.js';
import type { SweeperSettings } from './settings.js';
import type { Dimension } from './space.js';
import type { Sweeper } from './sweeper.js';
import { tpeSweeper } from './tpe.js';

/** What a sweeper is made for. */
export interface SweepContext {
  /** What may be chosen for each key, and the overrides that stay as they are. Throws for a sweep that is empty. */
  space(): Dimension[];
  /** The keys of `hydra.sweeper`, checked as they are read. */
  settings: SweeperSettings;
  overrides: Override[];
  repository: Repository;
  asReference: boolean;
}

export type MakeSweeper = (context: SweepContext) => Sweeper;

/** Sweepers are made while a sweep is planned: their targets are loaded before, and give the sweeper at once. */
export type SweeperTarget = (options: never) => MakeSweeper;

const basic: SweeperTarget =
  () =>
  ({ overrides, repository, settings, asReference }) =>
    basicSweeper(overrides, repository, { maxBatchSize: batchSize(settings), asReference });

const random: SweeperTarget =
  () =>
  ({ overrides, repository, settings }) =>
    randomSweeper(overrides, repository, searchSettings(settings));

const tpe: SweeperTarget =
  () =>
  ({ overrides, repository, settings }) =>
    tpeSweeper(overrides, repository, {
      ...searchSettings(settings),
      startup: settings.wholeNumber('n_startup_trials', 10, 1)!,
      minimize: settings.direction() === 'minimize',
    });

export const builtInSweeperTargets: ReadonlyMap<string, SweeperTarget> = new Map(
  Object.entries({ basic, random, tpe }),
);

/** Keys of `hydra.sweeper` that are there for every sweeper. Each is checked where it is read. */
export const commonSweeperOptions = { max_batch_size: {}, params: {}, objective: {}, direction: {} };

const searchOptions = { ...commonSweeperOptions, n_trials: {}, seed: {} };

export const builtInSweepers: Targets<MakeSweeper> = {
  basic: { load: async () => basic, options: commonSweeperOptions },
  random: { load: async () => random, options: searchOptions },
  tpe: { load: async () => tpe, options: { ...searchOptions, n_startup_trials: {} } },
};

/** How the reference's own config calls it. */
export const sweeperAliases = { 'hydra._internal.core_plugins.basic_sweeper.BasicSweeper': 'basic' };

const batchSize = (settings: SweeperSettings) => settings.wholeNumber('max_batch_size', null, 1);

const searchSettings = (settings: SweeperSettings) => ({
  trials: settings.wholeNumber('n_trials', 20, 1)!,
  seed: settings.wholeNumber('seed', 0)!,
  maxBatchSize: batchSize(settings),
});
