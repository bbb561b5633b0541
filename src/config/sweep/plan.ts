import { type ComposedConfig, type ComposeOptions, compose } from '../compose.js';
import { configError } from '../config-error.js';
import { isSweepOverride, keyElement, parseOverride } from '../override/parse.js';
import { equal } from '../python-value.js';
import { type ConfigNode, DictNode, rawValue } from '../tree/node.js';
import { createSweeper, sweeperName } from './create-sweeper.js';
import { lastOfEachKey } from './last-of-key.js';
import type { SweeperTarget } from './make-sweeper.js';
import { sweeperParams } from './params.js';
import { type Objective, settingsOf } from './settings.js';
import type { JobOverrides, Sweeper } from './sweeper.js';

/** A sweep that is ready to run. */
export interface SweepPlan {
  /** The config without the sweeps' values. */
  master: ComposedConfig;
  /** `hydra.sweep.dir`, resolved. */
  directory: string;
  sweeper: Sweeper;
  /** `basic`, `random`, `tpe`. */
  sweeperName: string;
  /** The keys that differ from job to job, as a job's overrides have them: `lr`, `+new`, `db@src`. */
  swept: string[];
  /** `hydra.sweeper.objective`; undefined where the sweeper has none. */
  objective: Objective | undefined;
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
  /** `hydra.sweep.dir`, resolved for this job; the plan's unless it depends on what is swept. */
  directory: string;
  /** `hydra.sweep.subdir`, resolved; relative to that directory. */
  subdirectory: string;
  /** The same job with further overrides, at the end. */
  with(more: readonly string[]): SweepJob;
}

/** Plans a multirun over the sweeps among the overrides and in `hydra.sweeper.params`. */
export function planSweep(
  options: ComposeOptions,
  settings: { asReference?: boolean; sweepers?: ReadonlyMap<string, SweeperTarget> } = {},
): SweepPlan {
  const now = options.now ?? new Date();
  const asked: ComposeOptions = { ...options, now, mode: 'multirun' };
  let master = compose(asked);
  if (master.declaredMode !== 'MULTIRUN') {
    master = compose({ ...asked, overrides: [...(options.overrides ?? []), 'hydra.mode=MULTIRUN'] });
  }
  const parsed = [...sweeperParams(master), ...master.overrides.task].map(parseOverride);
  const sweptKeys = lastOfEachKey(parsed, (one) => (isSweepOverride(one) ? [keyElement(one)] : []));
  return {
    master,
    directory: String(master.value('hydra.sweep.dir')),
    sweeper: createSweeper(master, parsed, settings.asReference ?? false, settings.sweepers),
    sweeperName: sweeperName(master),
    swept: sweptKeys.flat(),
    objective: settingsOf(master).objective(),
    job(num, jobOverrides) {
      const composed = compose({
        ...options,
        now,
        mode: 'run',
        overrides: [...master.overrides.hydra, ...jobOverrides],
        job: { num, id: String(num) },
      });
      refuseOtherSweeper(master, composed, jobOverrides);
      return {
        num,
        overrides: jobOverrides,
        composed,
        directory: String(composed.value('hydra.sweep.dir')),
        subdirectory: String(composed.value('hydra.sweep.subdir')),
        with: (more) => this.job(num, [...jobOverrides, ...more]),
      };
    },
  };
}

/** Composes a batch's jobs before any is started, so that a mistake in the last is found first. */
export function composeBatch(plan: SweepPlan, first: number, batch: JobOverrides[]): SweepJob[] {
  return batch.map((overrides, index) => plan.job(first + index, overrides));
}

/** A config that is itself swept comes too late to choose or set the sweeper and launcher: they are at work already. */
function refuseOtherSweeper(master: ComposedConfig, job: ComposedConfig, overrides: JobOverrides): void {
  for (const part of ['sweeper', 'launcher']) {
    const before = hydraNode(master, part);
    const after = hydraNode(job, part);
    if (before === undefined || after === undefined || equal(rawValue(before), rawValue(after))) continue;
    throw configError(
      'compose',
      `'hydra.${part}' must be configured before the sweep starts, but a swept job config changed it`,
      {
        where: `job ${overrides.join(' ')}`,
        hint: `set hydra/${part} and hydra.${part}.* in the primary config or on the command line`,
      },
    );
  }
}

function hydraNode(composed: ComposedConfig, part: string): ConfigNode | undefined {
  const hydra = composed.internal.root.get('hydra');
  return hydra instanceof DictNode ? hydra.get(part) : undefined;
}
