import { relative } from 'node:path';
import type { ComposedStage } from './compose-stage.js';
import { composeStep } from './compose-step.js';
import type { EarlierRuns } from './earlier-runs.js';
import type { StepRule } from './pipeline-choice.js';
import { overrideText, type PlannedStep } from './pipeline-plan.js';
import type { PipelineRun } from './pipeline-run.js';
import type { FinishedRun } from './run-stage.js';

/** What becomes of a step whose needs are met. */
export type StepDecision =
  | { kind: 'reuse'; composed: ComposedStage; run: FinishedRun; reason: string }
  /** `why`: what there is to say of earlier runs: that it goes on from one, or why none will do. */
  | { kind: 'run'; composed: ComposedStage; why: string | null; resumed: boolean }
  /** An earlier run is wanted and there is none. */
  | { kind: 'missing'; composed: ComposedStage; why: string | null };

export interface StepQuestion {
  /** Of the pipeline, resolved with all outputs that the step uses. */
  config: Record<string, unknown>;
  /** The step of that config. */
  composed: ComposedStage;
  rule: StepRule;
  earlier: EarlierRuns;
  root: string;
}

/** Throws what composing throws. */
export async function decideStep(
  run: PipelineRun,
  step: PlannedStep,
  { config, composed, rule, earlier, root }: StepQuestion,
): Promise<StepDecision> {
  if (rule === 'anew') return { kind: 'run', composed, why: null, resumed: false };
  const found = await earlier.find(composed, { anyCode: rule === 'earlier' });
  if (found.kind === 'same') {
    const reason = found.codeChanged
      ? 'same config and inputs; the code has changed since'
      : 'same config, code and inputs';
    return { kind: 'reuse', composed, run: found.run, reason };
  }
  if (found.kind === 'unfinished') {
    const { record, folder } = found.run;
    const why = `goes on from step ${found.step} of ${record.id}`;
    if (rule === 'earlier') return { kind: 'missing', composed, why: `${record.id} did not end` };
    const resume = `resume=${overrideText(relative(root, folder))}`;
    return { kind: 'run', composed: await composeStep(run, step, config, [resume]), why, resumed: true };
  }
  if (rule === 'earlier') return { kind: 'missing', composed, why: found.why };
  return { kind: 'run', composed, why: found.why && `runs anew: ${found.why}`, resumed: false };
}
