import { join, resolve } from 'node:path';
import { completeOverride } from '../../config/completion/override-words.js';
import { type ComposedConfig, compose } from '../../config/compose.js';
import { type LoadedSchema, loadSchema } from '../../config/schema.js';
import type { CommandLine } from '../arguments.js';
import { composeOptions } from '../compose.js';
import { findStage, type Project } from '../project.js';
import { commandNames, pipelineNames, schemaWords } from './command-names.js';
import { filesBelow, namesBelow } from './files.js';
import { flagNames, flagValues, readWords } from './flag-words.js';
import { runsCandidates } from './runs-words.js';

/** What may stand in place of `current` after `words`, the program's own name left out. Sorted, whole words. */
export async function completeWord(
  words: readonly string[],
  current: string,
  project: Project,
): Promise<string[]> {
  const { line, open } = readWords(words, current);
  const [, flag, value] = /^(-[^=]*)=(.*)$/s.exec(current) ?? [];
  let found: string[];
  if (open !== undefined) found = await valuesOfFlag(open, current, line, project);
  else if (flag === undefined) found = await plainWord(line, current, project);
  else found = (await valuesOfFlag(flag, value!, line, project)).map((each) => `${flag}=${each}`);
  return [...new Set(found.filter((each) => each.startsWith(current)))].sort();
}

async function plainWord(line: CommandLine, current: string, project: Project): Promise<string[]> {
  if (current.startsWith('-')) return flagNames();
  const { command } = line;
  if (command === undefined) return commandNames(project);
  if (command === 'pipeline' && line.rest.length === 0) return pipelineNames(project);
  if (command === 'config-schema') return line.rest.length === 0 ? schemaWords(project) : [];
  if (command === 'runs') return runsCandidates(line.rest, current, project);
  const config = await configOf(line, project);
  if (config === undefined) return [];
  return completeOverride(current, { ...config, files: (begin) => filesBelow(project.root, begin) });
}

async function valuesOfFlag(
  flag: string,
  value: string,
  line: CommandLine,
  project: Project,
): Promise<string[]> {
  const values = flagValues(flag);
  if (values !== 'any') return [...values];
  if (['--config-name', '-cn'].includes(flag))
    return namesBelow(resolve(project.root, line.configPath ?? project.configs), '.yaml');
  if (['--package', '-p'].includes(flag)) {
    const config = await configOf(line, project);
    const keys = config === undefined ? [] : completeOverride(`~${value}`, { ...config, files: () => [] });
    return keys.map((key) => key.slice(1)).filter((key) => !/[/@]/.test(key));
  }
  // As where they are read: the config path is the project's, every other folder the caller's.
  const base = ['--config-path', '-cp'].includes(flag) ? project.root : project.cwd;
  return filesBelow(base, value).filter((path) => path.endsWith('/'));
}

/** The config that the words so far make, as far as they make one, and its schema; undefined where they name none. */
async function configOf(
  line: CommandLine,
  project: Project,
): Promise<{ composed: ComposedConfig; schema: LoadedSchema | undefined } | undefined> {
  const { command = '' } = line;
  const stage = findStage(project.stages, command);
  const words = command === 'pipeline' ? line.rest.slice(1) : line.rest;
  const named = command === 'pipeline' ? line.rest[0] : command.replace(/^pipeline=/, '');
  const pipeline = [named, `experiment/${named}`].find((name) => pipelineNames(project).includes(name ?? ''));
  const configName = line.configName ?? stage?.config ?? pipeline;
  if (configName === undefined) return undefined;
  const attempt = async (name: string | null, overrides: readonly string[]) => {
    const request = { configName: name ?? '', jobName: command, overrides };
    const options = await composeOptions(request, { ...line, cfg: 'job' }, project);
    // As for a sweep: `a=1,2` before the word is no mistake, nor is a group that is still to be chosen.
    return compose({ ...options, configName: name, mode: 'multirun', warn: () => undefined });
  };
  // What is on the line may be half right: then the config without it, or only the groups there are.
  let composed: ComposedConfig;
  try {
    composed = await attempt(configName, words);
  } catch {
    composed = await attempt(configName, []).catch(() => attempt(null, []));
  }
  return { composed, schema: schemaOf(join(project.configs, `${stage?.config ?? 'pipeline'}.schema.json`)) };
}

function schemaOf(file: string): LoadedSchema | undefined {
  try {
    return loadSchema(file);
  } catch {
    return undefined;
  }
}
