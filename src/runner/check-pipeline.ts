import { SchemaError, type Violation } from '../config/schema.js';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from './compose-stage.js';
import { composeStep } from './compose-step.js';
import { standIns } from './pipeline-plan.js';
import type { PipelineRun } from './pipeline-run.js';

/**
 * Composes every step, with stand-ins for paths that no step has made yet, so that a wrong key in the last step stops
 * the pipeline before the first one starts. Throws one SluiceError with all that is wrong in any step, after what is
 * known to be wrong with the pipeline itself. Gives the steps so composed.
 */
export async function checkPipeline(
  run: PipelineRun,
  known: readonly Violation[] = [],
): Promise<Map<string, ComposedStage>> {
  const config = await run.resolve(standIns(run.steps)).catch((error: unknown) => {
    throw known.length > 0 ? new SchemaError(known) : error;
  });
  const violations = [...known];
  const steps = new Map<string, ComposedStage>();
  for (const step of run.steps) {
    try {
      steps.set(step.name, await composeStep(run, step, config));
    } catch (error) {
      if (!(error instanceof SluiceError) || !error.code.startsWith('config.')) throw error;
      violations.push(...violationsOf(error, step.name));
    }
  }
  if (violations.length > 0) throw new SchemaError(violations);
  return steps;
}

function violationsOf(error: SluiceError, step: string): Violation[] {
  const path = `step ${step}`;
  if (!(error instanceof SchemaError)) {
    const { message, where, hint } = error;
    return [{ path, message, where, hint }];
  }
  return error.violations.map((violation) => ({
    ...violation,
    path: violation.path === '' ? path : `${path}: ${violation.path}`,
  }));
}
