import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { latestSweep, refuseRunning } from '../runner/find-sweep.js';
import { manifestName, readSweepManifest, type SweepManifest } from '../runner/sweep-manifest.js';
import { type CommandLine, parseArguments } from './arguments.js';
import { findPipeline } from './find-pipeline.js';
import { findStage, type Project } from './project.js';
import { sweepCommand } from './sweep-command.js';
import { type SweepSubject, sweptStage } from './sweep-job.js';
import { sweptPipeline } from './swept-pipeline.js';

/**
 * `--resume-sweep [FOLDER]`: goes on with a sweep as it was started, with further overrides where some are given; or, where
 * the stage is named, as this command line has it.
 */
export async function resumeSweepCommand(given: CommandLine, project: Project): Promise<number> {
  const line = withoutStage(withFolder(given, project));
  const asked = line.command === undefined ? undefined : sweptBy(line, project).subject.name;
  const { resumeSweep } = line;
  const folder =
    resumeSweep === 'latest' ? latestSweep(project.root, asked) : resolve(project.cwd, resumeSweep!);
  const manifest = readSweepManifest(folder);
  refuseRunning(folder, manifest);
  if (asked !== undefined && asked !== manifest.stage) {
    throw wrong(`this is a sweep of ${manifest.stage}, not of ${asked}`, {
      where: folder,
      hint: '--resume-sweep alone takes what the folder says',
    });
  }
  const whole = asked === undefined ? startedAs(manifest, line) : { ...line, argv: withoutFlag(line) };
  const { subject, configName, rest } = sweptBy(whole, project);
  const request = { configName, jobName: subject.name, overrides: [...rest, 'hydra.mode=MULTIRUN'] };
  return sweepCommand(subject, request, whole, project, { folder, manifest });
}

// `--resume-sweep swept`: the first word is the folder where there is a sweep in it.
function withFolder(line: CommandLine, { cwd, stages }: Project): CommandLine {
  const { command, rest, resumeSweep } = line;
  if (resumeSweep !== 'latest' || command === undefined || findStage(stages, command) !== undefined)
    return line;
  if (!existsSync(join(cwd, command, manifestName))) return line;
  return { ...line, command: rest[0], rest: rest.slice(1), resumeSweep: command };
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

function sweptBy(
  line: CommandLine,
  project: Project,
): { subject: SweepSubject; configName: string; rest: string[] } {
  const stage = findStage(project.stages, line.command!);
  if (stage !== undefined)
    return {
      subject: sweptStage(stage, project),
      configName: line.configName ?? stage.config,
      rest: line.rest,
    };
  const { configName, rest } = findPipeline(line, project);
  return { subject: sweptPipeline(configName, { ...line, rest }, project), configName, rest };
}

const wrong = (message: string, details: { where?: string; hint?: string }) =>
  new SluiceError('usage.resume_sweep', message, details);
