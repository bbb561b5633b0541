import { openEngine } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { describePlan, formatBytes } from '../graph/index.js';
import { compileRun, programsOf, rowsPerPass, type TrainingRun } from './compile-run.js';
import { checkMemory, freeMemory } from './memory.js';
import { type PlanRecord, planRecord } from './plan-record.js';
import { describeTokens, numbersIn, planTokens, totalSteps } from './run-length.js';
import type { StepPrograms } from './step.js';
import { whatWouldFit } from './what-would-fit.js';

/** What is known of a run before its first step. */
export interface DescribedRun {
  /** Steps, memory, floating-point work, and the op list of its programs. */
  text: string;
  plannedBytes: number;
  /** Of all steps. */
  flops: number;
  /** Product rate of the device in FLOP/s, measured now; not known where the device does not open. */
  peakFlops?: number;
  /** That it would not fit into memory, with what would. */
  problem?: { code: string; message: string; hint?: string };
}

/** What `--plan` says of a training run on `device`, whose memory it plans for. */
export async function describeRun(run: TrainingRun, device: string): Promise<DescribedRun> {
  const { training, data, model } = run;
  const free = await freeMemory(device, training.memory_budget);
  const programs = compileRun(run, free.budget);
  const plan = planRecord(programsOf(programs), null);
  const passes = training.batch_size / rowsPerPass(run);
  const steps = totalSteps(training, data);
  const lines = [
    `model          ${model.modelType}, ${numbersIn(model.parameters())} weights, ${numbersIn(run.trainable)} numbers learn`,
    `data           ${data.rows} rows of ${data.length} positions, ${data.tokens} tokens`,
    `steps          ${steps} of ${training.batch_size} rows, in ${passes} ${passes === 1 ? 'pass' : 'passes'} each`,
    `tokens         ${describeTokens(planTokens(run, steps))}`,
    `planned bytes  ${plan.planned_bytes} (${formatBytes(plan.planned_bytes)}): states ${formatBytes(plan.state_bytes)}, arena ${formatBytes(plan.arena_bytes)}`,
    `memory         ${formatBytes(free.budget)} may be used (${free.of})`,
  ];
  const described = [...programs].map(([length, step]) =>
    describeStep(
      step,
      { passes, steps, about: programs.size === 1 ? '' : ` on rows of ${length} tokens` },
      training.recompute,
    ),
  );
  const flops = Math.max(...[...programs.values()].map((step) => flopsOf(step, passes)));
  return {
    text: [...lines, ...described].join('\n'),
    plannedBytes: plan.planned_bytes,
    flops: flops * steps,
    ...(await productRate(run, device)),
    ...memoryProblem(run, plan, free.budget),
  };
}

async function productRate(
  { training, threads }: TrainingRun,
  device: string,
): Promise<Pick<DescribedRun, 'peakFlops'>> {
  const engine = await openEngine();
  const dtype = training.dtype === 'bf16' ? 'bf16' : 'f32';
  try {
    return { peakFlops: await engine.measurePeak({ dtype, threads, seconds: 0.1, device }) };
  } catch (error) {
    if (error instanceof SluiceError) return {};
    throw error;
  }
}

function memoryProblem(run: TrainingRun, plan: PlanRecord, budget: number): Pick<DescribedRun, 'problem'> {
  try {
    checkMemory(plan, budget, () => whatWouldFit(run, budget));
    return {};
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const { code, message, hint } = error;
    return { problem: hint === undefined ? { code, message } : { code, message, hint } };
  }
}

function describeStep(
  { micro, update }: StepPrograms,
  { passes, steps, about }: { passes: number; steps: number; about: string },
  recompute: string,
): string {
  const again = update.recomputed.flops + (micro?.recomputed.flops ?? 0) * passes;
  const flops = flopsOf({ micro, update }, passes);
  const all = about === '' ? `, ${(flops * steps).toExponential(3)} in all` : '';
  const lines = [
    `recomputation  ${recompute}: ${again} FLOPs a step${about} on top (${((100 * again) / flops).toFixed(1)} %)`,
    `FLOPs          ${flops} a step${about}${all}`,
    '',
  ].join('\n');
  if (micro === null) return `${lines}${describePlan(`step${about}`, update)}`;
  return `${lines}${describePlan(`pass${about}`, micro)}\n${describePlan(`update${about}`, update)}`;
}

const flopsOf = ({ micro, update }: StepPrograms, passes: number): number =>
  update.cost.flops + (micro?.cost.flops ?? 0) * passes;
