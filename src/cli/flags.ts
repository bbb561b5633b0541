import type { CommandLine } from './arguments.js';

/** A flag: its spellings, where its value goes, what it takes and what `--hydra-help` says of it. */
export interface Flag {
  names: readonly string[];
  field: keyof CommandLine;
  /** Absent: it takes no value. */
  values?: readonly string[] | 'any';
  /** The value meant by the bare flag; the next word belongs to it only where `isItsValue` says so. */
  bare?: string;
  help: string;
}

const infoValues = ['all', 'config', 'defaults', 'defaults-tree', 'plugins', 'searchpath'] as const;

/** Hydra's flags in Hydra's order, then our own. */
export const flags: readonly Flag[] = [
  { names: ['--help', '-h'], field: 'help', help: 'Help on Sluice, or on the stage named' },
  { names: ['--hydra-help'], field: 'hydraHelp', help: "Help on what is Hydra's own" },
  { names: ['--version'], field: 'version', help: 'Show the version and exit' },
  {
    names: ['--cfg', '-c'],
    field: 'cfg',
    values: ['job', 'hydra', 'all'],
    help: 'Show the config instead of running [job|hydra|all]',
  },
  { names: ['--resolve'], field: 'resolve', help: 'With --cfg or --help: fill interpolations in' },
  { names: ['--package', '-p'], field: 'package', values: 'any', help: 'With --cfg: the part to show' },
  { names: ['--run', '-r'], field: 'run', help: 'Run one job (what happens without a flag)' },
  { names: ['--multirun', '-m'], field: 'multirun', help: 'Run a job per combination of the sweeps' },
  {
    names: ['--shell-completion', '-sc'],
    field: 'shellCompletion',
    help: 'Print what installs or removes completion: -sc install=bash|zsh|fish, -sc uninstall=…',
  },
  {
    names: ['--config-path', '-cp'],
    field: 'configPath',
    values: 'any',
    help: "Config folder in place of configs/; absolute, or relative to the project's folder",
  },
  { names: ['--config-name', '-cn'], field: 'configName', values: 'any', help: 'Primary config to compose' },
  {
    names: ['--config-dir', '-cd'],
    field: 'configDir',
    values: 'any',
    help: 'One more config folder; absolute, or relative to the current directory',
  },
  {
    names: ['--experimental-rerun'],
    field: 'rerun',
    values: 'any',
    help: 'Run again what a run folder, or its .hydra folder, has saved',
  },
  {
    names: ['--info', '-i'],
    field: 'info',
    values: infoValues,
    bare: 'all',
    help: `Print how the config came about [${infoValues.join('|')}]`,
  },
  { names: ['--origin'], field: 'origin', help: 'With --cfg: which file or override set each value' },
  {
    names: ['--resume-sweep'],
    field: 'resumeSweep',
    values: 'any',
    bare: 'latest',
    help: 'Go on with a sweep: run what is unfinished [latest|FOLDER]',
  },
  { names: ['--plan'], field: 'plan', help: 'Print memory, FLOPs and ops of the programs that would run' },
  {
    names: ['--force'],
    field: 'force',
    help: 'Of a pipeline: run every step, whatever earlier runs have done',
  },
  {
    names: ['--from'],
    field: 'from',
    values: 'any',
    help: 'Of a pipeline: run this step and all that depend on it, and take earlier runs of those before it',
  },
  {
    names: ['--only'],
    field: 'only',
    values: 'any',
    help: 'Of a pipeline: run this step alone, and take earlier runs of those before it',
  },
  {
    names: ['--log'],
    field: 'log',
    values: ['auto', 'plain', 'json'],
    help: 'Form of the output [auto|plain|json]',
  },
];

/** Whether a word after a flag that may stand alone is its value: one of its own, or where it takes a folder, a path. */
export function isItsValue({ values, bare }: Flag, word: string): boolean {
  if (values !== 'any') return values?.includes(word) ?? false;
  return word === bare || (word.includes('/') && !word.includes('='));
}

/** `$FLAGS_HELP` of the help templates. */
export function flagsHelp(): string {
  const lines = flags.map(({ names, help }) => `${names.join(',')} : ${help}`);
  lines.push('Overrides : key=value, +new=1, ++force=1, ~remove, group=option, group@package=option');
  return lines.join('\n');
}
