import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  type ComposedConfig,
  checkConfig,
  nearest,
  placeOfValue,
  SchemaError,
  type Violation,
} from '../config/index.js';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import { type PipelineChoice, stepRules } from '../runner/pipeline-choice.js';
import { isStandIn, overrideText, planPipeline } from '../runner/pipeline-plan.js';
import type { PipelineRun, StepOutputs } from '../runner/pipeline-run.js';
import { allMistakes } from './all-mistakes.js';
import type { CommandLine } from './arguments.js';
import { machineFacts } from './check-facts.js';
import { composeConfig } from './compose.js';
import { hydraFiles } from './hydra-files.js';
import { requestedText } from './print-config.js';
import { findStage, type Project } from './project.js';
import { readyStage } from './ready-stage.js';
import { commandText } from './shell-quote.js';
import { validatorOf } from './validator.js';

/** `./run demo …`: a config with `steps`, checked whole, then run step by step. */
export async function pipelineCommand(
  configName: string,
  line: CommandLine,
  project: Project,
): Promise<number> {
  if (line.multirun) throw runsOnce(configName, '--multirun');
  const name = configName.split('/').at(-1)!;
  const compose = (overrides: readonly string[]) =>
    composeConfig({ configName, jobName: name, overrides }, line, project);
  const started = performance.now();
  const composed = await compose(line.rest);
  const milliseconds = performance.now() - started;
  const about = `The pipeline configs/${configName}.yaml\n\n  ./run ${line.command} [key=value …] [--cfg job] [--plan]`;
  const text = await requestedText(composed, line, project, { about, milliseconds });
  if (text !== undefined) {
    project.stdout.write(text);
    return 0;
  }
  if (composed.declaredMode === 'MULTIRUN') throw runsOnce(configName, 'hydra.mode=MULTIRUN');
  const violations = await pipelineViolations(composed, project);
  const steps = planSteps(composed, violations);
  const choice: PipelineChoice = { force: line.force, from: line.from, only: line.only };
  stepRules(steps, choice);
  const run: PipelineRun = {
    name,
    steps,
    resolve: async (outputs) => (await compose([...line.rest, ...outputOverrides(outputs)])).config(),
    composeStage: (stage, overrides) => composeStep(stage, overrides, line, project),
    placeOf: (path) => placeOfValue(composed, path),
    hydraFiles(folder) {
      composed.beginJob(folder);
      return hydraFiles(composed);
    },
    wantedFolder: resolve(project.root, String(composed.value('hydra.run.dir'))),
    command: commandText(line.argv),
  };
  const { checkPipeline } = await import('../runner/check-pipeline.js');
  await checkPipeline(run, violations);
  if (line.plan) {
    const { printForecast } = await import('./pipeline-plan.js');
    return printForecast(run, choice, line, project);
  }
  const [{ withHost }, { asRun, plug }, { runPipeline }, { printResult }] = await Promise.all([
    import('./host.js'),
    import('./plugged.js'),
    import('../runner/run-pipeline.js'),
    import('./print-result.js'),
  ]);
  const names = steps.map((step) => step.name);
  const plugged = await plug(composed, composed.unresolved(), line, project);
  const finished = await withHost(names, line, project, plugged, (host) =>
    asRun(plugged, () => runPipeline(run, host, choice)),
  );
  printResult(finished, line.log, project);
  return finished.record.exitCode!;
}

/** What is wrong with the pipeline's own config; what its steps make it cannot know yet. */
async function pipelineViolations(composed: ComposedConfig, project: Project): Promise<Violation[]> {
  const validate = await validatorOf(join(project.configs, 'pipeline.schema.json'));
  const comesLater = (text: string) => text.includes('${steps.');
  const { violations } = checkConfig(composed, validate, { ...machineFacts(project), comesLater });
  return [...violations, ...misspeltKeys(composed, project)];
}

/** Keys of its top level are free, for its steps to refer to; one that none refers to and that is nearly another is a mistake. */
function misspeltKeys(composed: ComposedConfig, project: Project): Violation[] {
  const schema = JSON.parse(readFileSync(join(project.configs, 'pipeline.schema.json'), 'utf8')) as {
    properties?: Record<string, unknown>;
  };
  const known = Object.keys(schema.properties ?? {});
  const config = composed.unresolved();
  const text = JSON.stringify(config);
  return Object.keys(config).flatMap((key) => {
    if (known.includes(key) || text.includes(`\${${key}`)) return [];
    const [close] = nearest(key, known);
    if (close === undefined) return [];
    const where = placeOfValue(composed, key);
    return [{ path: key, message: 'nothing reads this key', where, hint: `did you mean ${close}?` }];
  });
}

function planSteps(composed: ComposedConfig, violations: readonly Violation[]) {
  try {
    return planPipeline(composed.unresolved());
  } catch (error) {
    throw violations.length > 0 ? new SchemaError(violations) : error;
  }
}

async function composeStep(
  name: string,
  overrides: readonly string[],
  line: CommandLine,
  project: Project,
): Promise<ComposedStage> {
  const stage = findStage(project.stages, name);
  if (stage === undefined) {
    const names = project.stages.flatMap((each) => [each.name, ...each.aliases]);
    const [close] = nearest(name, names);
    throw new SluiceError('config.pipeline', `there is no stage ${name}`, {
      hint: `${close === undefined ? '' : `did you mean ${close}? `}./run stages lists the stages`,
    });
  }
  const ready = async (texts: readonly string[]) => {
    const request = { configName: stage.config, jobName: stage.name, overrides: texts };
    return readyStage(stage, await composeConfig(request, line, project), project, {
      isMadeLater: isStandIn,
    });
  };
  return ready(overrides).catch(async (error: unknown) => {
    throw await allMistakes(error, overrides, ready);
  });
}

// `${steps.prepare.data}` is an ordinary interpolation once the output stands in the config.
function outputOverrides(outputs: StepOutputs): string[] {
  return Object.entries(outputs).flatMap(([step, made]) =>
    Object.entries(made).map(([output, path]) => `++steps.${step}.${output}=${overrideText(path)}`),
  );
}

const runsOnce = (configName: string, without: string) =>
  new SluiceError('usage.multirun', `${configName} is a pipeline: it runs once, without ${without}`, {
    hint: 'sweep over one of its stages: ./run <stage> -m …',
  });
