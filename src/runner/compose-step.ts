import { SchemaError } from '../config/schema.js';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from './compose-stage.js';
import { type PlannedStep, stepOverrides } from './pipeline-plan.js';
import type { PipelineRun } from './pipeline-run.js';

/**
 * Composes the stage of a step from the pipeline's config, resolved. `more` are overrides after those of the config.
 * Throws what composing throws, with the places in the pipeline that the step's overrides come from.
 */
export async function composeStep(
  run: PipelineRun,
  step: PlannedStep,
  config: Record<string, unknown>,
  more: readonly string[] = [],
): Promise<ComposedStage> {
  const overrides = stepOverrides(config, step.name);
  // The longest first: one text may begin as another does.
  const sources = overrides.toSorted((a, b) => b.text.length - a.text.length);
  const inPipeline = (where: string | undefined) =>
    sources.reduce(
      (place, { text, path }) =>
        place?.replaceAll(`override ${text}`, run.placeOf(path) ?? `override ${text}`),
      where,
    );
  try {
    return await run.composeStage(step.stage, [...overrides.map(({ text }) => text), ...more]);
  } catch (error) {
    if (error instanceof SchemaError) {
      throw new SchemaError(
        error.violations.map((violation) => ({ ...violation, where: inPipeline(violation.where) })),
      );
    }
    if (!(error instanceof SluiceError)) throw error;
    const { code, message, hint, cause } = error;
    const where = inPipeline(error.where) ?? run.placeOf(`steps.${step.name}.stage`) ?? `step ${step.name}`;
    throw new SluiceError(code, message, { where, ...(hint === undefined ? {} : { hint }), cause });
  }
}
