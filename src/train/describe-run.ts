import { describePlan, formatBytes } from '../graph/index.js';
import type { TrainingRun } from './compile-run.js';
import { planRecord } from './plan-record.js';
import { describeTokens, numbersIn, planTokens, totalSteps } from './run-length.js';
import type { StepPrograms } from './step.js';

/** What `--plan` prints of a training run: steps, memory, floating-point work, and the op list of its programs. */
export function describeRun(
  run: TrainingRun,
  { micro, update }: StepPrograms,
): { text: string; plannedBytes: number; flops: number } {
  const { training, data, model } = run;
  const plan = planRecord(micro === null ? [update] : [micro, update], null);
  const passes = training.batch_size / training.per_device_batch_size;
  const again = update.recomputed.flops + (micro?.recomputed.flops ?? 0) * passes;
  const flops = update.cost.flops + (micro?.cost.flops ?? 0) * passes;
  const steps = totalSteps(training, data);
  const lines = [
    `model          ${model.modelType}, ${numbersIn(model.parameters())} weights, ${numbersIn(run.trainable)} numbers learn`,
    `data           ${data.rows} rows of ${data.length} positions, ${data.tokens} tokens`,
    `steps          ${steps} of ${training.batch_size} rows, in ${passes} ${passes === 1 ? 'pass' : 'passes'} each`,
    `tokens         ${describeTokens(planTokens(run, steps))}`,
    `planned bytes  ${plan.planned_bytes} (${formatBytes(plan.planned_bytes)}): states ${formatBytes(plan.state_bytes)}, arena ${formatBytes(plan.arena_bytes)}`,
    `recomputation  ${training.recompute}: ${again} FLOPs a step on top (${((100 * again) / flops).toFixed(1)} %)`,
    `FLOPs          ${flops} a step, ${(flops * steps).toExponential(3)} in all`,
    '',
  ];
  const programs =
    micro === null
      ? describePlan('step', update)
      : `${describePlan('pass', micro)}\n${describePlan('update', update)}`;
  return { text: lines.join('\n') + programs, plannedBytes: plan.planned_bytes, flops: flops * steps };
}
