import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ComposedConfig,
  checkConfig,
  nearest,
  placeOfValue,
  SchemaError,
  type Violation,
} from '../config/index.js';
import { SluiceError } from '../errors.js';
import { checkPipeline } from '../runner/check-pipeline.js';
import type { ComposedStage } from '../runner/compose-stage.js';
import { stepRules } from '../runner/pipeline-choice.js';
import { isStandIn, overrideText, planPipeline } from '../runner/pipeline-plan.js';
import type { PipelineRun, StepOutputs } from '../runner/pipeline-run.js';
import { allMistakes } from './all-mistakes.js';
import type { CommandLine } from './arguments.js';
import { machineFacts } from './check-facts.js';
import { composeConfig } from './compose.js';
import { hydraFiles } from './hydra-files.js';
import { findStage, type Project, stageNames } from './project.js';
import { readyStage } from './ready-stage.js';
import { stepChoice } from './step-choice.js';
import { validatorOf } from './validator.js';

/** A pipeline that can run, and its steps as they are composed while no output is there. */
export interface ReadyPipeline {
  run: PipelineRun;
  steps: Map<string, ComposedStage>;
}

/**
 * A composed config with `steps` as a pipeline to run. Throws SluiceError `config.*` with all that is wrong with it or
 * with any step.
 *
 * @param recompose the same config with further overrides
 */
export async function readyPipeline(
  composed: ComposedConfig,
  recompose: (more: readonly string[]) => Promise<ComposedConfig>,
  where: Pick<PipelineRun, 'name' | 'wantedFolder' | 'command'>,
  line: CommandLine,
  project: Project,
): Promise<ReadyPipeline> {
  const violations = await pipelineViolations(composed, project);
  const steps = planSteps(composed, violations);
  stepRules(steps, stepChoice(line)); // what is wrong with the flags is told before anything else is looked at
  const run: PipelineRun = {
    ...where,
    steps,
    resolve: async (outputs) => (await recompose(outputOverrides(outputs))).config(),
    composeStage: (stage, overrides) => composeStep(stage, overrides, line, project),
    placeOf: (path) => placeOfValue(composed, path),
    hydraFiles(folder) {
      composed.beginJob(folder);
      return hydraFiles(composed);
    },
  };
  return { run, steps: await checkPipeline(run, violations) };
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
    const [close] = nearest(name, stageNames(project.stages));
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
