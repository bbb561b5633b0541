import { join } from 'node:path';
import { adamw, compile, Graph } from '../graph/index.js';
import { learningRateAt, type ScheduleName, type ScheduleOptions } from '../train/schedule.js';
import { Checks, maxError } from './checks.js';
import { type GoldenContext, readJson } from './fixture.js';

/** `optim_sched/`: AdamW element by element, and tables of learning rates. */
export async function checkOptimizer(context: GoldenContext): Promise<Checks> {
  const checks = new Checks('optim_sched');
  const folder = join(context.folder, 'optim_sched');
  await checkAdamW(context, checks, readJson(folder, 'adamw_steps.json'));
  checkSchedules(checks, readJson(folder, 'schedules.json'));
  return checks;
}

interface AdamWFixture {
  initial: number[];
  grads: number[][];
  tolerance_abs_fp32: number;
  runs: Record<
    string,
    {
      hyper: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
      weights_after_step: { fp64: number[][] };
    }
  >;
}

async function checkAdamW(context: GoldenContext, checks: Checks, fixture: AdamWFixture): Promise<void> {
  const shape = [fixture.initial.length];
  for (const [label, { hyper, weights_after_step: expected }] of Object.entries(fixture.runs)) {
    const graph = new Graph();
    const [weight, first, second] = (['w', 'm', 'v'] as const).map((name) => graph.state(name, 'f32', shape));
    adamw(weight!, graph.input('grad', 'f32', shape), first!, second!, graph.input('scalars', 'f32', [3]), {
      beta1: hyper.betas[0],
      beta2: hyper.betas[1],
      eps: hyper.eps,
      weightDecay: hyper.weight_decay,
    });
    const session = context.engine.session({ device: context.device, threads: context.threads });
    session.setState('w', 'f32', shape, Float32Array.from(fixture.initial));
    session.setState('m', 'f32', shape, null);
    session.setState('v', 'f32', shape, null);
    const executable = session.load(compile(graph, { threads: context.threads }));
    let worst = 0;
    for (const [step, grad] of fixture.grads.entries()) {
      await executable.runWith({
        grad: Float32Array.from(grad),
        scalars: Float32Array.of(hyper.lr, step + 1, 1),
      });
      worst = Math.max(worst, maxError(session.getState('w').data as Float32Array, expected.fp64[step]!));
    }
    checks.add(label, worst, fixture.tolerance_abs_fp32);
    session.close();
  }
}

interface ScheduleArguments {
  num_warmup_steps?: number;
  num_training_steps?: number;
  num_stable_steps?: number;
  num_decay_steps?: number;
  num_cycles?: number;
  min_lr_rate?: number;
  min_lr?: number;
  min_lr_ratio?: number;
  lr_end?: number;
  power?: number;
  timescale?: number;
  warmup_type?: 'linear' | 'cosine' | '1-sqrt';
  decay_type?: 'linear' | 'cosine' | '1-sqrt';
}

interface ScheduleFixture {
  base_lr: number;
  tolerance_rel: number;
  schedules: Record<string, { args: ScheduleArguments; lr: number[] }>;
}

/** A fixture's label begins with the schedule's name, or its short form; null: one of Transformers' that is not here. */
const scheduleNames: readonly [prefix: string, name: ScheduleName | null][] = [
  ['constant_with_warmup', 'constant_with_warmup'],
  ['constant', 'constant'],
  ['linear', 'linear'],
  ['cosine_with_restarts', 'cosine_with_restarts'],
  ['cosine_with_min_lr', 'cosine_with_min_lr'],
  ['cosine_warmup_with_min_lr', null],
  ['cosine', 'cosine'],
  ['polynomial', 'polynomial'],
  ['inverse_sqrt', 'inverse_sqrt'],
  ['wsd', 'warmup_stable_decay'],
  ['warmup_stable_decay', 'warmup_stable_decay'],
];

function checkSchedules(checks: Checks, fixture: ScheduleFixture): void {
  for (const [label, { args, lr }] of Object.entries(fixture.schedules)) {
    const name = scheduleNames.find(([prefix]) => label.startsWith(prefix))?.[1];
    if (!name) {
      checks.failed(`schedule.${label}`, 'this schedule is not implemented');
      continue;
    }
    const options = scheduleOptions(name, args, fixture.base_lr, lr.length);
    const errors = lr.map((expected, step) => {
      const rate = learningRateAt(step, options);
      return expected === 0 ? Math.abs(rate) : Math.abs(rate / expected - 1);
    });
    checks.add(`schedule.${label}`, Math.max(...errors), fixture.tolerance_rel);
  }
}

/** What Transformers' function of that name does without the argument. */
const defaults: Partial<Record<ScheduleName, ScheduleArguments>> = {
  polynomial: { lr_end: 1e-7 },
  warmup_stable_decay: { decay_type: 'cosine' },
};

function scheduleOptions(
  name: ScheduleName,
  given: ScheduleArguments,
  learningRate: number,
  steps: number,
): ScheduleOptions {
  const args = { ...defaults[name], ...given };
  const warmupSteps = args.num_warmup_steps ?? 0;
  const stableEnd =
    args.num_stable_steps && warmupSteps + args.num_stable_steps + (args.num_decay_steps ?? 0);
  const floor = args.lr_end ?? args.min_lr;
  return {
    name,
    learningRate,
    warmupSteps,
    totalSteps: stableEnd ?? args.num_training_steps ?? steps,
    minRatio: args.min_lr_rate ?? args.min_lr_ratio ?? (floor === undefined ? 0 : floor / learningRate),
    ...(args.num_cycles !== undefined && { cycles: args.num_cycles }),
    ...(args.power !== undefined && { power: args.power }),
    ...(args.timescale !== undefined && { timescale: args.timescale }),
    ...(args.num_decay_steps !== undefined && { decaySteps: args.num_decay_steps }),
    ...(args.warmup_type && { warmupShape: args.warmup_type }),
    ...(args.decay_type && { decayShape: args.decay_type }),
  };
}
