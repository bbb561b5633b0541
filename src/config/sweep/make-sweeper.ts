import type { Repository } from '../defaults/repository.js';
import type { Override } from '../override/parse.js';
import type { SweeperSettings } from './settings.js';
import type { Dimension } from './space.js';
import type { Sweeper } from './sweeper.js';

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
