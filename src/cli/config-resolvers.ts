import type { Resolver } from '../config/index.js';
import { SluiceError } from '../errors.js';
import { deriveSeed, resolveRun } from '../runner/resolvers.js';
import type { CommandLine } from './arguments.js';
import { findStage, type Project } from './project.js';

/** `${run:stage,output}`, of the runs that had ended `before` a moment (ISO) where that is given, and `${seed:name}`. */
export function configResolvers(
  line: CommandLine,
  project: Project,
  before?: string,
): ReadonlyMap<string, Resolver> {
  return new Map([
    ['run', runResolver(line, project, before)],
    ['seed', seedResolver],
  ]);
}

// Where a config is only printed, a run that is not there yet is a missing value and a warning, not the end.
function runResolver({ cfg }: CommandLine, { root, stages, stderr }: Project, before?: string): Resolver {
  const canonical = (name: string) => findStage(stages, name)?.name ?? name;
  return (args) => {
    const [stage, output] = args.map(String);
    if (stage === undefined)
      throw new Error('it takes a stage, and an output of it if wanted: ${run:stage_1,weights}');
    try {
      return resolveRun(root, canonical, stage, output, before);
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
