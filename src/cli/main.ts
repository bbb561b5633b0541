import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, SluiceError } from '../errors.js';
import { type CommandLine, parseArguments } from './arguments.js';
import { checkFlags, stepFlags } from './check-flags.js';
import { helpText, stageLines } from './help.js';
import { findStage, type Project } from './project.js';

/** Runs one command line and gives the exit code: 0 good, 1 a run failed, 2 usage or config, 130 interrupted. */
export async function main(argv: readonly string[], project: Project): Promise<number> {
  try {
    return await dispatch(parseArguments(argv), project);
  } catch (error) {
    project.stderr.write(`${describeError(error)}\n`);
    if (project.env.HYDRA_FULL_ERROR === '1') project.stderr.write(`${stacks(error)}\n`);
    return error instanceof SluiceError ? error.exitCode : 1;
  }
}

function stacks(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\nCaused by: ${stacks(error.cause)}`;
}

// What is not needed to tell one command from another is loaded by the command: `--cfg job` must answer at once.
async function dispatch(line: CommandLine, project: Project): Promise<number> {
  const { command } = line;
  const { stdout } = project;
  if (line.shellCompletion) return (await import('./completion/command.js')).completionCommand(line, project);
  if (line.version) {
    const { version } = JSON.parse(readFileSync(join(project.root, 'package.json'), 'utf8')) as {
      version: string;
    };
    stdout.write(`sluice ${version}\n`);
    return 0;
  }
  checkFlags(line);
  const stage = command === undefined ? undefined : findStage(project.stages, command);
  const [stepFlag] = stepFlags(line);
  if (stepFlag !== undefined && (stage !== undefined || line.rerun !== undefined)) throw noSteps(stepFlag);
  if (line.hydraHelp) {
    stdout.write(await (await import('./hydra-help.js')).hydraHelp(line, project));
    return 0;
  }
  if (line.rerun !== undefined && !line.help)
    return (await import('./rerun-command.js')).rerunCommand(line, project);
  if (line.resumeSweep !== undefined && !line.help)
    return (await import('./resume-sweep-command.js')).resumeSweepCommand(line, project);
  if (command === undefined || command === 'help') {
    stdout.write(helpText(project));
    return command === undefined && !line.help ? 2 : 0;
  }
  if (command === 'stages') {
    stdout.write(`${stageLines(project.stages)}\n`);
    return 0;
  }
  if (command === 'runs') return (await import('./runs/command.js')).runsCommand(line, project);
  if (command === 'devices') return (await import('./devices-command.js')).devicesCommand(line, project);
  if (command === 'ui') return (await import('./ui-command.js')).uiCommand(line, project);
  if (command === 'config-schema') {
    (await import('./config-schema.js')).configSchema(line, project);
    return 0;
  }
  if (stage !== undefined) return (await import('./stage-command.js')).stageCommand(stage, line, project);
  const { findPipeline } = await import('./find-pipeline.js');
  const { configName, rest } = findPipeline(line, project);
  return (await import('./pipeline-command.js')).pipelineCommand(configName, { ...line, rest }, project);
}

const noSteps = (flag: string) =>
  new SluiceError('usage.flags', `${flag} is about the steps of a pipeline, and a stage has none`, {
    hint: 'a stage run by itself is always run: leave the flag away',
  });
