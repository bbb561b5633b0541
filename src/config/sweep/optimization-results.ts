import { keyElement, parseOverride } from '../override/parse.js';
import { settledValue } from '../override/value.js';
import { Float, PyDict } from '../python-value.js';
import { emitYaml } from '../yaml/emit.js';
import type { SweepPlan } from './plan.js';
import type { JobOverrides } from './sweeper.js';

/** `optimization_results.yaml`, as the reference's optimizing sweepers write it into the sweep's folder. */
export function optimizationResults(
  plan: SweepPlan,
  best: { overrides: JobOverrides; value: number },
): string {
  const params = new PyDict();
  for (const override of best.overrides.map(parseOverride)) {
    const key = keyElement(override);
    if (plan.swept.includes(key)) params.set(key, settledValue(override.value));
  }
  return emitYaml(
    new PyDict([
      ['name', plan.sweeperName],
      ['best_evaluated_params', params],
      ['best_evaluated_result', new Float(best.value)],
    ]),
  );
}
