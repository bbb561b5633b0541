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
