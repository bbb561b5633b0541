// Not the room's index: a stage's process needs none of what composes a config.
import type { MakeSweeper } from '../src/config/index.js';
import { Registry, type Targets } from '../src/config/instantiate/registry.js';
import { builtInSweepers, commonSweeperOptions, sweeperAliases } from '../src/config/sweep/built-in.js';
import type { QualityLoss, Trash } from '../src/models/index.js';
import type { Callback } from '../src/runner/callbacks/callback.js';
import type { Launcher } from '../src/runner/launchers/launcher.js';
import {
  builtInCallbacks,
  builtInLaunchers,
  launcherAliases,
  type Registries,
} from '../src/runner/registries.js';
import type { Selector } from '../src/select/index.js';
import { builtInSelectors } from '../src/select/selectors/built-in.js';
import { builtInSinks } from '../src/telemetry/sinks/built-in.js';
import type { OpenSink } from '../src/telemetry/sinks/sink.js';
import type { MakeObjective } from '../src/train/index.js';
import { builtInObjectives } from '../src/train/objectives/built-in.js';

/** What a project can add, by kind. */
export interface Plugins {
  /** `selector` of stage_2: which rows of a scored pool are kept. */
  selectors?: Targets<Selector>;
  /** `training.objective` of pretrain and stage_3: the loss. */
  objectives?: Targets<MakeObjective>;
  /** `training.trash_expert_name` of stage_1: what a closed gate lets through instead of the experts. */
  trashExperts?: Targets<Trash>;
  /** `training.quality_loss_name` of stage_1: what pulls the gates. */
  qualityLosses?: Targets<QualityLoss>;
  /** Each of `telemetry.sinks`: where metrics go. */
  sinks?: Targets<OpenSink>;
  /** `hydra.launcher`: where a stage's process runs. */
  launchers?: Targets<Launcher>;
  /** `hydra.sweeper` of a multirun: which jobs there are. */
  sweepers?: Targets<MakeSweeper>;
  /** Each of `hydra.callbacks`. */
  callbacks?: Targets<Callback>;
}

/** All that configs can name: what is built in and what a project adds. Loads none of it. */
export function registriesWith(plugins: Plugins): Registries {
  return {
    selectors: new Registry('selector', builtInSelectors, plugins.selectors),
    objectives: new Registry('objective', builtInObjectives, plugins.objectives),
    trashExperts: new Registry('trash expert', {}, plugins.trashExperts),
    qualityLosses: new Registry('quality loss', {}, plugins.qualityLosses),
    sinks: new Registry('sink', builtInSinks, plugins.sinks),
    launchers: new Registry('launcher', builtInLaunchers, plugins.launchers, launcherAliases),
    sweepers: new Registry('sweeper', builtInSweepers, withCommonOptions(plugins.sweepers), sweeperAliases),
    callbacks: new Registry('callback', builtInCallbacks, plugins.callbacks),
  };
}

// `hydra.sweeper.params` and its like are there whatever the sweeper.
function withCommonOptions(sweepers: Targets<MakeSweeper> = {}): Targets<MakeSweeper> {
  const entries = Object.entries(sweepers).map(
    ([name, entry]) => [name, { ...entry, options: { ...commonSweeperOptions, ...entry.options } }] as const,
  );
  return Object.fromEntries(entries);
}
