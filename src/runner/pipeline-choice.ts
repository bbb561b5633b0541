import { nearest } from '../config/nearest.js';
import { SluiceError } from '../errors.js';
import type { PlannedStep } from './pipeline-plan.js';

/** What a command line says of the steps to run: `--force`, `--from`, `--only`; at most one of them. */
export interface PipelineChoice {
  force: boolean;
  /** This step and all that depend on it are run anew; what it depends on is not. */
  from?: string | undefined;
  /** This step alone is run anew. */
  only?: string | undefined;
}

export const asFound: PipelineChoice = { force: false };

/**
 * How a step is treated. `as found`: reused or resumed where earlier runs allow it, else run. `anew`: run. `earlier`: an
 * earlier run is taken, of whatever version of the code, and must be there. `left out`: nothing.
 */
export type StepRule = 'as found' | 'anew' | 'earlier' | 'left out';

/** Throws SluiceError `usage.step` for a step that the pipeline does not have. */
export function stepRules(steps: readonly PlannedStep[], choice: PipelineChoice): Map<string, StepRule> {
  const { force, from, only } = choice;
  if (from !== undefined) checkName(steps, '--from', from);
  if (only !== undefined) checkName(steps, '--only', only);
  const start = from ?? only;
  const before = start === undefined ? new Set<string>() : neededBy(steps, start);
  const rule = (step: PlannedStep): StepRule => {
    if (force || step.name === start) return 'anew';
    if (before.has(step.name)) return 'earlier';
    if (only !== undefined) return 'left out';
    if (from !== undefined && neededBy(steps, step.name).has(from)) return 'anew';
    return step.reuse ? 'as found' : 'anew';
  };
  return new Map(steps.map((step) => [step.name, rule(step)]));
}

/** Every step that must have been run before one, however far back. */
function neededBy(steps: readonly PlannedStep[], name: string): Set<string> {
  const found = new Set<string>();
  const add = (step: string) => {
    for (const need of steps.find((each) => each.name === step)!.needs) {
      if (found.has(need)) continue;
      found.add(need);
      add(need);
    }
  };
  add(name);
  return found;
}

function checkName(steps: readonly PlannedStep[], flag: string, name: string): void {
  const names = steps.map((step) => step.name);
  if (names.includes(name)) return;
  const [close] = nearest(name, names);
  throw new SluiceError('usage.step', `${flag} ${name}: the pipeline has no such step`, {
    hint: `${close === undefined ? '' : `did you mean ${close}? `}its steps: ${names.join(', ')}`,
  });
}
