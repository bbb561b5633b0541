import { type ComposedConfig, type ComposeOptions, compose } from '../compose.js';
import { configError } from '../config-error.js';
import { type Override, parseOverride } from '../override/parse.js';
import { basicSweeper } from './basic.js';
import { randomSweeper } from './random.js';
import type { JobOverrides, Sweeper } from './sweeper.js';
import { tpeSweeper } from './tpe.js';

/** A sweep that is ready to run. */
export interface SweepPlan {
  /** The config without the sweeps' values. */
  master: ComposedConfig;
  /** `hydra.sweep.dir`, resolved. */
  directory: string;
  sweeper: Sweeper;
  /** `hydra.sweeper.objective`: the metric whose last value is what a job reached; undefined where the sweeper needs none. */
  objective: string | undefined;
  /**
   * Composes the config of one job: the master's `hydra.` overrides, then the job's. `hydra.job.num` and `hydra.job.id` are
   * set, `${now:…}` is the master's moment. Throws what `compose` throws.
   */
  job(num: number, overrides: JobOverrides): SweepJob;
}

export interface SweepJob {
  num: number;
  overrides: JobOverrides;
  composed: ComposedConfig;
  /** `hydra.sweep.subdir`, resolved; relative to the sweep's directory. */
  subdirectory: string;
}

/** Plans a multirun over the sweeps among the overrides and in `hydra.sweeper.params`. */
export function planSweep(
  options: ComposeOptions,
  settings: { deletionsAsReference?: boolean } = {},
): SweepPlan {
  const now = options.now ?? new Date();
  const master = compose({ ...options, now, mode: 'multirun' });
  const texts = [...sweeperParams(master), ...master.overrides.task];
  const overrides = texts.map(parseOverride);
  return {
    master,
    directory: String(master.value('hydra.sweep.dir')),
    sweeper: createSweeper(master, overrides, settings),
    objective: objectiveOf(master),
    job(num, jobOverrides) {
      const composed = compose({
        ...options,
        now,
        mode: 'run',
        overrides: [...master.overrides.hydra, ...jobOverrides],
        job: { num, id: String(num) },
      });
      return {
        num,
        overrides: jobOverrides,
        composed,
        subdirectory: String(composed.value('hydra.sweep.subdir')),
      };
    },
  };
}

/** Composes a batch's jobs before any is started, so that a mistake in the last is found first. */
export function composeBatch(plan: SweepPlan, first: number, batch: JobOverrides[]): SweepJob[] {
  return batch.map((overrides, index) => plan.job(first + index, overrides));
}

function sweeperParams(master: ComposedConfig): string[] {
  const params = master.value('hydra.sweeper.params');
  if (params === undefined || params === null) return [];
  if (typeof params !== 'object' || Array.isArray(params)) {
    throw configError('sweep', 'hydra.sweeper.params must be a mapping of keys to values', {
      where: master.origin('hydra.sweeper.params')?.where ?? 'hydra.sweeper.params',
    });
  }
  return Object.entries(params).map(([key, value]) => `${key}=${paramText(value)}`);
}

function paramText(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return Array.isArray(value) ? `[${value.map(paramText).join(',')}]` : String(value);
}

function objectiveOf(master: ComposedConfig): string | undefined {
  const objective = master.value('hydra.sweeper.objective');
  return typeof objective === 'string' ? objective : undefined;
}

/** Sweepers by the name of their `hydra/sweeper` config; the basic one also under its name in the reference. */
function createSweeper(
  master: ComposedConfig,
  overrides: Override[],
  settings: { deletionsAsReference?: boolean },
): Sweeper {
  const { repository } = master.internal;
  const target = String(master.value('hydra.sweeper._target_') ?? 'basic');
  const name = target.slice(target.lastIndexOf('.') + 1);
  const number = (key: string): number | null =>
    (master.value(`hydra.sweeper.${key}`) ?? null) as number | null;
  const maxBatchSize = number('max_batch_size');
  if (name === 'BasicSweeper' || name === 'basic')
    return basicSweeper(overrides, repository, { maxBatchSize, ...settings });
  const trials = number('n_trials') ?? 20;
  const seed = number('seed') ?? 0;
  const minimize = master.value('hydra.sweeper.direction') !== 'maximize';
  if (name === 'random') return randomSweeper(overrides, repository, { trials, seed, maxBatchSize });
  if (name === 'tpe') {
    const startup = number('n_startup_trials') ?? 10;
    return tpeSweeper(overrides, repository, { trials, seed, maxBatchSize, minimize, startup });
  }
  throw configError('sweep', `hydra.sweeper._target_: there is no sweeper '${target}'`, {
    where: master.origin('hydra.sweeper._target_')?.where ?? 'hydra.sweeper._target_',
    hint: 'hydra/sweeper is basic, random or tpe',
  });
}
