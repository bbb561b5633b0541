import { type ComposedConfig, type ComposeOptions, compose, type Resolver, toYaml } from '../config/index.js';
import { SluiceError } from '../errors.js';
import { deriveSeed, resolveRun } from '../runner/resolvers.js';
import type { HydraFiles } from '../runner/run-folder.js';
import type { CommandLine } from './arguments.js';
import { findStage, type Project } from './project.js';

/** What is to be composed: a config by name, for the job of a name. */
export interface ConfigRequest {
  configName: string;
  jobName: string;
  overrides: readonly string[];
}

export function composeConfig(request: ConfigRequest, line: CommandLine, project: Project): ComposedConfig {
  return compose(composeOptions(request, line, project));
}

export function composeOptions(request: ConfigRequest, line: CommandLine, project: Project): ComposeOptions {
  const { root, configs, env, stderr } = project;
  const main = line.configPath ?? configs;
  return {
    configDirs: line.configDir === undefined ? [main] : [main, line.configDir],
    configName: request.configName,
    overrides: [...request.overrides],
    jobName: request.jobName,
    cwd: root,
    env,
    resolvers: new Map([
      ['run', runResolver(line, project)],
      ['seed', seedResolver],
    ]),
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

// Where a config is only printed, a run that is not there yet is a missing value and a warning, not the end.
function runResolver({ cfg }: CommandLine, { root, stages, stderr }: Project): Resolver {
  const canonical = (name: string) => findStage(stages, name)?.name ?? name;
  return (args) => {
    const [stage, output] = args.map(String);
    if (stage === undefined)
      throw new Error('it takes a stage, and an output of it if wanted: ${run:stage_1,weights}');
    try {
      return resolveRun(root, canonical, stage, output);
    } catch (error) {
      if (cfg === undefined || !(error instanceof SluiceError)) throw error;
      stderr.write(`warning: ${error.message}\n`);
      return '???';
    }
  };
}

const seedResolver: Resolver = (args, { parent, resolution }) => {
  const seed = resolution.select(parent, 'seed');
  if (args.length !== 1) throw new Error('it takes the name of what the seed is for: ${seed:dropout}');
  if (typeof seed !== 'number' && typeof seed !== 'bigint')
    throw new Error('the config has no whole number `seed` to derive it from');
  return deriveSeed(Number(seed), String(args[0]));
};
