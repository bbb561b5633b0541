import { nearest } from '../config/nearest.js';
import { SluiceError } from '../errors.js';
import { type Flag, flags, isItsValue } from './flags.js';

/** A command line, taken apart but not judged. Flags may stand anywhere, as in Hydra. */
export interface CommandLine {
  /** As typed. */
  argv: readonly string[];
  /** The first word: a stage, a pipeline or a command; undefined where there is none. */
  command: string | undefined;
  /** Everything else that is no flag, in order: overrides, or the words of a command. */
  rest: string[];
  cfg: 'job' | 'hydra' | 'all' | undefined;
  info: 'all' | 'config' | 'defaults' | 'defaults-tree' | 'plugins' | 'searchpath' | undefined;
  resolve: boolean;
  origin: boolean;
  package: string | undefined;
  configName: string | undefined;
  configPath: string | undefined;
  configDir: string | undefined;
  run: boolean;
  multirun: boolean;
  /** A run folder, its `.hydra` folder, or a file in that. */
  rerun: string | undefined;
  /** The folder of a sweep, or `latest`. */
  resumeSweep: string | undefined;
  plan: boolean;
  /** Of a pipeline, see PipelineChoice. */
  force: boolean;
  from: string | undefined;
  only: string | undefined;
  log: 'auto' | 'plain' | 'json';
  help: boolean;
  hydraHelp: boolean;
  version: boolean;
  shellCompletion: boolean;
}

const spellings = new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));

/** Throws SluiceError `usage.*` for an unknown flag, or a value that is missing or not among the choices. */
export function parseArguments(argv: readonly string[]): CommandLine {
  const line: Record<string, unknown> = { argv, command: undefined, rest: [], log: 'auto' };
  for (const { field, values } of flags) line[field] ??= values === undefined ? false : undefined;

  const words = [...argv];
  while (words.length > 0) {
    const word = words.shift()!;
    if (!word.startsWith('-')) {
      if (line.command === undefined) line.command = word;
      else (line.rest as string[]).push(word);
      continue;
    }
    const [name, glued] = splitAtEquals(word);
    const flag = findFlag(name);
    line[flag.field] = readValue(name, flag, glued, words);
  }
  return line as unknown as CommandLine;
}

// As in Hydra, the beginning of a long flag will do where no other begins so.
function findFlag(name: string): Flag {
  const exact = spellings.get(name);
  if (exact !== undefined) return exact;
  const begun = name.startsWith('--') ? [...spellings.keys()].filter((each) => each.startsWith(name)) : [];
  if (begun.length === 1) return spellings.get(begun[0]!)!;
  // The dashes, which all flags share, say nothing of how near a word is.
  const words = new Map([...spellings.keys()].map((each) => [each.replace(/^-+/, ''), each]));
  const [near] = nearest(name.replace(/^-+/, ''), words.keys());
  const close = near === undefined ? undefined : words.get(near);
  const hint =
    begun.length > 1
      ? `could be ${begun.join(', ')}`
      : close === undefined
        ? './run --help lists the flags'
        : `did you mean ${close}?`;
  throw new SluiceError('usage.unknown_flag', `unknown flag ${name}`, { hint });
}

function readValue(name: string, flag: Flag, glued: string | undefined, words: string[]): unknown {
  const { values, bare } = flag;
  if (values === undefined) {
    if (glued !== undefined)
      throw new SluiceError('usage.flag_value', `${name} takes no value, got ${glued}`);
    return true;
  }
  const fits = (text: string | undefined) =>
    text !== undefined && (values === 'any' || values.includes(text));
  if (bare !== undefined && glued === undefined)
    return words[0] !== undefined && isItsValue(flag, words[0]) ? words.shift() : bare;
  const value = glued ?? words.shift();
  const choices = values === 'any' ? 'a value' : `one of ${values.join(', ')}`;
  if (value === undefined) throw new SluiceError('usage.flag_value', `${name} needs ${choices}`);
  if (!fits(value)) throw new SluiceError('usage.flag_value', `${name} needs ${choices}, got ${value}`);
  return value;
}

function splitAtEquals(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}
