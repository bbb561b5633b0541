// Not the room's index: it loads sweeps and schemas too, and printing a config is to answer at once.
import { type ComposedConfig, type ComposeOptions, compose } from '../config/compose.js';
import { toYaml } from '../config/yaml/to-yaml.js';
import type { HydraFiles } from '../runner/run-folder.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';

/** What is to be composed: a config by name, for the job of a name. */
export interface ConfigRequest {
  configName: string;
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

export async function composeOptions(
  request: ConfigRequest,
  line: CommandLine,
  project: Project,
): Promise<ComposeOptions> {
  const { root, configs, env, stderr } = project;
  const main = line.configPath ?? configs;
  return {
    configDirs: line.configDir === undefined ? [main] : [main, line.configDir],
    configName: request.configName,
    overrides: [...request.overrides],
    jobName: request.jobName,
    cwd: root,
    env,
    // A config printed as written evaluates none.
    ...(line.cfg !== undefined && !line.resolve
      ? {}
      : { resolvers: (await import('./config-resolvers.js')).configResolvers(line, project) }),
    warn: (message) => void stderr.write(`warning: ${message}\n`),
  };
}

/** The texts of `.hydra/`. */
export function hydraFiles(composed: ComposedConfig): HydraFiles {
  return {
    config: composed.yaml(),
    hydra: composed.yaml({ part: 'hydra' }),
    overrides: toYaml(composed.overrides.task),
  };
}
