import { type ComposedConfig, checkTargets, instantiate, type Violation } from '../config/index.js';
import { SluiceError } from '../errors.js';
import type { Callback, CallbackConfig } from '../runner/callbacks/callback.js';
import { type Callbacks, jobReturn, openCallbacks } from '../runner/callbacks/callbacks.js';
import type { Launcher } from '../runner/launchers/launcher.js';
import type { Registries } from '../runner/registries.js';
import type { FinishedRun } from '../runner/run-stage.js';
import type { StageEntry, StagesModule } from '../runner/stage.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';

/** What the `hydra` node of a command's config names, made. */
export interface Plugged {
  composed: ComposedConfig;
  registries: Registries;
  launcher: Launcher;
  callbacks: Callbacks;
  /** Tells the callbacks of something that concerns the whole command. */
  tell(event: keyof Callback, more?: object): Promise<void>;
}

export async function loadRegistries({ stagesModule }: Project): Promise<Registries> {
  return ((await import(stagesModule)) as StagesModule).loadRegistries();
}

/**
 * Makes `hydra.launcher` and `hydra.callbacks` of a command's config, and tells the callbacks that it is composed.
 *
 * @param config what callbacks get: not resolved where `${…}` of it has no value yet, as in a pipeline or a multirun
 */
export async function plug(
  composed: ComposedConfig,
  config: CallbackConfig,
  line: CommandLine,
  project: Project,
): Promise<Plugged> {
  const registries = await loadRegistries(project);
  const originOf = originsOf(composed);
  const hydra = composed.hydra();
  const print = (text: string) =>
    void project.stderr.write(
      line.log === 'json' ? `${JSON.stringify({ type: 'note', text })}\n` : `${text}\n`,
    );
  const launcher = await instantiate(hydra.launcher, registries.launchers, {
    path: 'hydra.launcher',
    originOf,
  });
  if (typeof launcher?.launch !== 'function') throw noLauncher(originOf('hydra.launcher'));
  const callbacks = await openCallbacks(hydra.callbacks, registries.callbacks, originOf, print);
  const info = { config_name: composed.value('hydra.job.config_name'), overrides: composed.overrides.task };
  const tell = (event: keyof Callback, more: object = {}) =>
    callbacks.tell(event, config, { ...info, ...more });
  await tell('on_compose_config');
  return { composed, registries, launcher, callbacks, tell };
}

const noLauncher = (where: string | undefined) =>
  new SluiceError('config.instantiate', 'hydra.launcher names no launcher: it has no _target_', {
    ...(where === undefined ? {} : { where }),
    hint: 'hydra/launcher=local chooses the one of this machine',
  });

/** Does the work of a run with its callbacks told before and after. */
export async function asRun({ tell }: Plugged, work: () => Promise<FinishedRun>): Promise<FinishedRun> {
  await tell('on_run_start');
  const finished = await work();
  await tell('on_run_end', { job_return: jobReturn(finished) });
  return finished;
}

/** What is wrong with the registered names that a stage's config and its `hydra` node use. */
export async function pluginProblems(
  { plugins = {} }: StageEntry,
  composed: ComposedConfig,
  project: Project,
): Promise<Violation[]> {
  const places = Object.entries({
    'hydra.launcher': 'launchers',
    'hydra.sweeper': 'sweepers',
    'hydra.callbacks': 'callbacks',
    'telemetry.sinks': 'sinks',
    ...plugins,
  } as const);
  const registries = await loadRegistries(project);
  const found: Violation[] = [];
  for (const [path, kind] of places)
    found.push(...(await checkTargets(composed.value(path), path, registries[kind], originsOf(composed))));
  return found;
}

const originsOf = (composed: ComposedConfig) => (path: string) => composed.origin(path)?.where;
