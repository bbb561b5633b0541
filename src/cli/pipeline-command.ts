import { resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import { overrideText, planPipeline } from '../runner/pipeline-plan.js';
import type { PipelineRun, StepOutputs } from '../runner/run-pipeline.js';
import type { CommandLine } from './arguments.js';
import { compose } from './compose.js';
import { findStage, type Project } from './project.js';
import { commandText } from './shell-quote.js';

/** `./run demo …`: a config with `steps`, checked whole, then run step by step. */
export async function pipelineCommand(
  configName: string,
  line: CommandLine,
  project: Project,
): Promise<number> {
  const name = configName.split('/').at(-1)!;
  const composition = await compose(configName, name, line.rest, project);
  if (line.cfg !== undefined || line.help) {
    project.stdout.write(composition.print(line));
    return 0;
  }
  const steps = planPipeline(composition.raw);
  const run: PipelineRun = {
    name,
    steps,
    async resolve(outputs) {
      return (await compose(configName, name, [...line.rest, ...outputOverrides(outputs)], project)).config;
    },
    composeStage: (stage, overrides) => composeStep(stage, overrides, project),
    hydraFiles: composition.hydraFiles,
    wantedFolder: resolve(project.root, composition.runDirectory),
    command: commandText(line.argv),
  };
  const [{ withHost }, { checkPipeline, runPipeline }, { printResult }] = await Promise.all([
    import('./host.js'),
    import('../runner/run-pipeline.js'),
    import('./print-result.js'),
  ]);
  await checkPipeline(run);
  if (line.plan) {
    for (const step of steps) project.stdout.write(`${planLine(step)}\n`);
    return 0;
  }
  const names = steps.map((step) => step.name);
  const finished = await withHost(names, line, project, (host) => runPipeline(run, host));
  printResult(finished, line.log, project);
  return finished.record.exitCode!;
}

async function composeStep(
  name: string,
  overrides: readonly string[],
  project: Project,
): Promise<ComposedStage> {
  const stage = findStage(project.stages, name);
  if (stage === undefined) {
    throw new SluiceError('config.pipeline', `there is no stage ${name}`, {
      hint: './run stages lists the stages',
    });
  }
  const { config, hydraFiles, runDirectory } = await compose(stage.config, stage.name, overrides, project);
  return { stage: stage.name, config, hydraFiles, wantedFolder: resolve(project.root, runDirectory) };
}

// `${steps.prepare.data}` is an ordinary interpolation once the output stands in the config.
function outputOverrides(outputs: StepOutputs): string[] {
  return Object.entries(outputs).flatMap(([step, made]) =>
    Object.entries(made).map(([output, path]) => `++steps.${step}.${output}=${overrideText(path)}`),
  );
}

const planLine = ({ name, stage, needs }: PipelineRun['steps'][number]) =>
  `${name}: ${stage}${needs.length === 0 ? '' : ` after ${needs.join(', ')}`}`;
