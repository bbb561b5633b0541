import { SluiceError } from '../errors.js';
import type { CommandLine } from './arguments.js';

// What to do instead of, or when, running: one at a time.
const commands = [
  ['run', '--run'],
  ['multirun', '--multirun'],
  ['cfg', '--cfg'],
  ['info', '--info'],
  ['plan', '--plan'],
  ['rerun', '--experimental-rerun'],
  ['resumeSweep', '--resume-sweep'],
] as const satisfies readonly (readonly [keyof CommandLine, string])[];

/** Throws SluiceError `usage.*` for flags that contradict each other, or that would do nothing. */
export function checkFlags(line: CommandLine): void {
  // A sweep that is resumed may be given again as it was started.
  const isMeant = (field: keyof CommandLine) => field !== 'multirun' || line.resumeSweep === undefined;
  const given = commands.filter(([field]) => isGiven(line[field]) && isMeant(field)).map(([, name]) => name);
  if (given.length > 1) {
    const all = commands.map(([, name]) => name);
    throw wrong(
      `only one of ${all.slice(0, -1).join(', ')} and ${all.at(-1)} can be given`,
      `got ${given.join(' and ')}`,
    );
  }
  const needsCfg = (field: 'resolve' | 'origin' | 'package', name: string) => {
    if (!isGiven(line[field]) || line.cfg !== undefined || (line.help && field !== 'origin')) return;
    throw wrong(`${name} says how to print a config`, `add --cfg job, or leave ${name} away`);
  };
  needsCfg('resolve', '--resolve');
  needsCfg('origin', '--origin');
  needsCfg('package', '--package');
  if (line.rerun !== undefined) checkRerun(line);
  const choices = stepFlags(line);
  if (choices.length > 1)
    throw wrong(`only one of --force, --from and --only can be given`, `got ${choices.join(' and ')}`);
}

/** Which of the flags about the steps of a pipeline were given. */
export function stepFlags({ force, from, only }: CommandLine): string[] {
  return [force && '--force', from !== undefined && '--from', only !== undefined && '--only'].filter(
    (flag) => flag !== false,
  );
}

// Hydra warns and ignores them; a run that is not what its command says is worse than none.
function checkRerun({ command, rest, configName, configPath, configDir }: CommandLine): void {
  const words = [...(command === undefined ? [] : [command]), ...rest];
  const extra = [
    words.find((word) => /[=+~]/.test(word)),
    configName && '--config-name',
    configPath && '--config-path',
    configDir && '--config-dir',
  ].find((each) => each !== undefined);
  if (extra === undefined) return;
  throw wrong(
    `--experimental-rerun runs a saved config as it is, it cannot take ${extra}`,
    'for a run with changes, repeat the command in its run.json with more overrides',
  );
}

const isGiven = (value: unknown) => value !== undefined && value !== false;

const wrong = (message: string, hint: string) => new SluiceError('usage.flags', message, { hint });
