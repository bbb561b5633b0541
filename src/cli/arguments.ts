import { nearest } from '../config/nearest.js';
import { SluiceError } from '../errors.js';

/** A command line, taken apart but not judged. Flags may stand anywhere, as in Hydra. */
export interface CommandLine {
  /** As typed. */
  argv: readonly string[];
  /** The first word: a stage, a pipeline or a command; undefined where there is none. */
  command: string | undefined;
  /** Everything else that is no flag, in order: overrides, or the words of a command. */
  rest: string[];
  cfg: 'job' | 'hydra' | 'all' | undefined;
  resolve: boolean;
  origin: boolean;
  package: string | undefined;
  configName: string | undefined;
  configPath: string | undefined;
  configDir: string | undefined;
  multirun: boolean;
  plan: boolean;
  log: 'auto' | 'plain' | 'json';
  help: boolean;
  version: boolean;
}

type Spelling = { name: keyof CommandLine; values?: readonly string[] | 'any' };

const cfgValues = ['job', 'hydra', 'all'] as const;

const spellings: Record<string, Spelling> = {
  '--cfg': { name: 'cfg', values: cfgValues },
  '-c': { name: 'cfg', values: cfgValues },
  '--resolve': { name: 'resolve' },
  '--origin': { name: 'origin' },
  '--package': { name: 'package', values: 'any' },
  '-p': { name: 'package', values: 'any' },
  '--config-name': { name: 'configName', values: 'any' },
  '-cn': { name: 'configName', values: 'any' },
  '--config-path': { name: 'configPath', values: 'any' },
  '-cp': { name: 'configPath', values: 'any' },
  '--config-dir': { name: 'configDir', values: 'any' },
  '-cd': { name: 'configDir', values: 'any' },
  '--multirun': { name: 'multirun' },
  '-m': { name: 'multirun' },
  '--plan': { name: 'plan' },
  '--log': { name: 'log', values: ['auto', 'plain', 'json'] },
  '--help': { name: 'help' },
  '-h': { name: 'help' },
  '--version': { name: 'version' },
};

/** Throws SluiceError `usage.*` for an unknown flag, or a value that is missing or not among the choices. */
export function parseArguments(argv: readonly string[]): CommandLine {
  const line: Record<string, unknown> = { argv, command: undefined, rest: [], log: 'auto' };
  for (const { name, values } of Object.values(spellings))
    line[name] ??= values === undefined ? false : undefined;

  const words = [...argv];
  while (words.length > 0) {
    const word = words.shift()!;
    if (!word.startsWith('-')) {
      if (line.command === undefined) line.command = word;
      else (line.rest as string[]).push(word);
      continue;
    }
    const [flag, glued] = splitAtEquals(word);
    const spelling = spellings[flag];
    if (spelling === undefined) throw unknownFlag(flag);
    line[spelling.name] = readValue(flag, spelling, glued, words);
  }
  return line as unknown as CommandLine;
}

function readValue(flag: string, { values }: Spelling, glued: string | undefined, words: string[]): unknown {
  if (values === undefined) {
    if (glued !== undefined)
      throw new SluiceError('usage.flag_value', `${flag} takes no value, got ${glued}`);
    return true;
  }
  const fits = (text: string | undefined) => values === 'any' || values.includes(text as string);
  const value = glued ?? words.shift();
  const choices = values === 'any' ? 'a value' : `one of ${values.join(', ')}`;
  if (value === undefined) throw new SluiceError('usage.flag_value', `${flag} needs ${choices}`);
  if (!fits(value)) throw new SluiceError('usage.flag_value', `${flag} needs ${choices}, got ${value}`);
  return value;
}

function splitAtEquals(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function unknownFlag(flag: string): SluiceError {
  const [close] = nearest(flag, Object.keys(spellings));
  return new SluiceError('usage.unknown_flag', `unknown flag ${flag}`, {
    hint: close === undefined ? './run --help lists the flags' : `did you mean ${close}?`,
  });
}
