import type { Targets } from '../instantiate/registry.js';
import type { MakeSweeper } from './make-sweeper.js';

/** Keys of `hydra.sweeper` that are there for every sweeper. Each is checked where it is read. */
export const commonSweeperOptions = {
  max_batch_size: {},
  params: {},
  objective: {},
  direction: {},
  prune_after: {},
};

const searchOptions = { ...commonSweeperOptions, n_trials: {}, seed: {} };

/** Sweepers by the names of `hydra.sweeper._target_`. */
export const builtInSweepers: Targets<MakeSweeper> = {
  basic: { load: async () => (await import('./targets.js')).basic, options: commonSweeperOptions },
  random: { load: async () => (await import('./targets.js')).random, options: searchOptions },
  tpe: {
    load: async () => (await import('./targets.js')).tpe,
    options: { ...searchOptions, n_startup_trials: {} },
  },
};

/** How the reference's own config calls it. */
export const sweeperAliases = { 'hydra._internal.core_plugins.basic_sweeper.BasicSweeper': 'basic' };
