import type { MakeSweeper, Registry, Targets } from '../config/index.js';
import type { OpenSink } from '../telemetry/sinks/sink.js';
import type { Callback } from './callbacks/callback.js';
import type { Launcher } from './launchers/launcher.js';
import { sweepPolicyOptions } from './launchers/sweep-policy.js';

/** Everything that a config can name, by kind; `stages/registries.ts` fills them. */
export interface Registries {
  callbacks: Registry<Callback>;
  launchers: Registry<Launcher>;
  sweepers: Registry<MakeSweeper>;
  sinks: Registry<OpenSink>;
  // What only stages know the types of.
  selectors: Registry<unknown>;
  objectives: Registry<unknown>;
  trashExperts: Registry<unknown>;
  qualityLosses: Registry<unknown>;
}

export type PluginKind = keyof Registries;

export const builtInCallbacks: Targets<Callback> = {
  log_times: {
    load: async () => (await import('./callbacks/log-times.js')).logTimes,
    options: { slowest: { type: 'integer', minimum: 1, description: 'Jobs listed at the end.' } },
  },
};

export const builtInLaunchers: Targets<Launcher> = {
  local: {
    load: async () => (await import('./launchers/local.js')).makeLocalLauncher,
    options: sweepPolicyOptions,
  },
};

/** How the reference's own configs call it. */
export const launcherAliases = {
  basic: 'local',
  'hydra._internal.core_plugins.basic_launcher.BasicLauncher': 'local',
};
