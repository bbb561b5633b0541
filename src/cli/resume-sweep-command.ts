import { resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { latestSweep, refuseRunning } from '../runner/find-sweep.js';
import { readSweepManifest, type SweepManifest } from '../runner/sweep-manifest.js';
import { type CommandLine, parseArguments } from './arguments.js';
import { findStage, type Project } from './project.js';
import { sweepCommand } from './sweep-command.js';

/**
 * `--resume-sweep [FOLDER]`: goes on with a sweep as it was started, with further overrides where some are given; or, where
 * the stage is named, as this command line has it.
 */
export async function resumeSweepCommand(given: CommandLine, project: Project): Promise<number> {
  const line = withoutStage(given);
  const asked = line.command === undefined ? undefined : stageOf(line.command, project).name;
  const { resumeSweep } = line;
  const folder =
    resumeSweep === 'latest' ? latestSweep(project.root, asked) : resolve(project.cwd, resumeSweep!);
  const manifest = readSweepManifest(folder);
  refuseRunning(folder, manifest);
  if (asked !== undefined && asked !== manifest.stage) {
    throw wrong(`this is a sweep of ${manifest.stage}, not of ${asked}`, {
      where: folder,
      hint: 'without a stage, --resume-sweep takes that of the folder',
    });
  }
  const whole = asked === undefined ? startedAs(manifest, line) : { ...line, argv: withoutFlag(line) };
  const stage = stageOf(whole.command!, project);
  const request = {
    configName: whole.configName ?? stage.config,
    jobName: stage.name,
    overrides: [...whole.rest, 'hydra.mode=MULTIRUN'],
  };
  return sweepCommand(stage, request, whole, project, { folder, manifest });
}

// The first word is an override where no stage is named.
function withoutStage(line: CommandLine): CommandLine {
  const { command, rest } = line;
  if (command === undefined || !/[=+~]/.test(command)) return line;
  return { ...line, command: undefined, rest: [command, ...rest] };
}

// The words are kept as they were typed, so that the next resumption is like this one.
function startedAs({ words }: SweepManifest, line: CommandLine): CommandLine {
  const before = parseArguments(words);
  return {
    ...before,
    argv: [...words, ...line.rest],
    rest: [...before.rest, ...line.rest],
    log: line.log === 'auto' ? before.log : line.log,
  };
}

function withoutFlag({ argv, resumeSweep }: CommandLine): string[] {
  const at = argv.findIndex((word) => word.startsWith('--resu'));
  return argv.toSpliced(at, argv[at + 1] === resumeSweep && !argv[at]!.includes('=') ? 2 : 1);
}

function stageOf(name: string, { stages }: Project) {
  const stage = findStage(stages, name);
  if (stage !== undefined) return stage;
  throw wrong(`there is no stage ${name}`, { hint: './run stages lists the stages' });
}

const wrong = (message: string, details: { where?: string; hint?: string }) =>
  new SluiceError('usage.resume_sweep', message, details);
