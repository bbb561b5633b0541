import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nearest } from '../config/nearest.js';
import { SluiceError } from '../errors.js';
import type { CommandLine } from './arguments.js';
import { type Project, stageNames } from './project.js';

/**
 * `./run demo`, `./run pipeline experiment/demo`, `./run pipeline=demo`: the config name of a pipeline, and what else the
 * line says. Throws SluiceError `usage.*` where there is none.
 */
export function findPipeline(
  { command, rest }: Pick<CommandLine, 'command' | 'rest'>,
  project: Project,
): { configName: string; rest: string[] } {
  const isConfig = (name: string) => existsSync(join(project.configs, `${name}.yaml`));
  const [first, ...others] = rest;
  const named = command === 'pipeline' ? first : command!.replace(/^pipeline=/, '');
  if (named === undefined) {
    throw new SluiceError('usage.pipeline', 'which pipeline?', { hint: './run pipeline experiment/demo' });
  }
  for (const configName of [named.replace(/\.yaml$/, ''), `experiment/${named}`])
    if (isConfig(configName)) return { configName, rest: command === 'pipeline' ? others : rest };
  const known = [...stageNames(project.stages), 'stages', 'runs', 'devices', 'ui', 'config-schema', 'demo'];
  const [close] = nearest(named, known);
  throw new SluiceError('usage.unknown_command', `there is no stage, pipeline or command ${named}`, {
    hint: `${close === undefined ? '' : `did you mean ${close}? `}./run stages lists the stages`,
  });
}

/** `experiment/demo` -> `demo`: what its runs are called. */
export const pipelineName = (configName: string): string => configName.split('/').at(-1)!;
