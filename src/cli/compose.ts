import { resolve } from 'node:path';
// Not the room's index: it loads sweeps and schemas too, and printing a config is to answer at once.
import { type ComposedConfig, type ComposeOptions, compose } from '../config/compose.js';
import { SluiceError } from '../errors.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';

/** What is to be composed: a config by name, for the job of a name. */
export interface ConfigRequest {
  /** Null: none but Hydra's own. */
  configName: string | null;
  jobName: string;
  overrides: readonly string[];
}

export async function composeConfig(
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
): Promise<ComposedConfig> {
  return compose(await composeOptions(request, line, project));
}

/**
 * Composes the config of one job. A config or an override may ask for a sweep too, by `hydra.mode=MULTIRUN`; it can then
 * hold what one run cannot.
 *
 * @param check composes and checks with some of the overrides, so that all that is wrong can be told at once
 */
export async function composeOrSweep(
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
  check: (overrides: readonly string[]) => Promise<unknown> = async (overrides) =>
    composeConfig({ ...request, overrides }, line, project),
): Promise<ComposedConfig | 'sweep'> {
  const shown = line.help || line.cfg !== undefined || line.info !== undefined;
  try {
    const composed = await composeConfig(request, line, project);
    return composed.declaredMode === 'MULTIRUN' && !shown && !line.plan ? 'sweep' : composed;
  } catch (error) {
    const options = await composeOptions(request, line, project);
    const isSweep = () => asksForSweep({ ...options, mode: 'multirun', warn: () => {} });
    if (!shown && !line.plan && isSweep()) return 'sweep';
    if (shown) throw error;
    throw await (await import('./all-mistakes.js')).allMistakes(error, request.overrides, check);
  }
}

function asksForSweep(options: ComposeOptions): boolean {
  try {
    return compose(options).declaredMode === 'MULTIRUN';
  } catch {
    return false; // the caller has the better error
  }
}

/** @param before `${run:…}` finds runs that had ended by this moment (ISO) */
export async function composeOptions(
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
  before?: string,
): Promise<ComposeOptions> {
  const { root, env, stderr } = project;
  return {
    configDirs: configDirs(line, project),
    configName: request.configName,
    overrides: request.overrides.map(asGroupChoice),
    jobName: request.jobName,
    cwd: root,
    env,
    // A config printed as written evaluates none.
    ...((line.cfg !== undefined || line.help) && !line.resolve
      ? {}
      : { resolvers: (await import('./config-resolvers.js')).configResolvers(line, project, before) }),
    warn: (message) => void stderr.write(`warning: ${message}\n`),
  };
}

/** As in Hydra: the main folder is the application's and so relative to it, the additional one the caller's. */
function configDirs({ configPath, configDir }: CommandLine, { root, configs, cwd }: Project): string[] {
  if (configPath !== undefined && /\.ya?ml$/.test(configPath)) {
    throw new SluiceError('usage.config_path', `--config-path takes a folder, got ${configPath}`, {
      hint: '--config-name names the config in it',
    });
  }
  const main = configPath === undefined ? configs : resolve(root, configPath);
  return configDir === undefined ? [main] : [main, resolve(cwd, configDir)];
}

/**
 * `hydra.launcher=local` as `hydra/launcher=local`. In Hydra the first sets the node to a text, which no launcher or
 * sweeper can be made from: it can only mean the other.
 */
function asGroupChoice(override: string): string {
  const [, node, option] = /^hydra\.(launcher|sweeper)=(\w+)$/.exec(override) ?? [];
  return option === undefined || option === 'null' ? override : `hydra/${node}=${option}`;
}
