import { join } from 'node:path';
import type { Session } from '../engine/index.js';
import { type Adapter, fileTensors, type Model, type ParameterSpec } from '../models/index.js';
import { languageModel } from '../train/objectives/language-model.js';
import { adamW } from '../train/optim/adamw.js';
import { learningRateAt, type ScheduleName } from '../train/schedule.js';
import { buildStep, gradientName } from '../train/step.js';
import { Checks, maxError } from './checks.js';
import {
  countedPositions,
  countTargets,
  type GoldenContext,
  openModel,
  readJson,
  shiftLabels,
  splitParameter,
  Tensors,
} from './fixture.js';

interface Hyper {
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  steps: number;
  gradient_accumulation: number;
  warmup_steps: number;
  max_grad_norm: number;
  /** Begins with Transformers' name: `cosine (get_cosine_schedule_with_warmup)`. */
  scheduler: string;
}

interface RecordedStep {
  lr: number;
  loss: number;
  micro_losses: number[];
  target_tokens: number;
  grad_norm: number;
}

interface Tolerance {
  loss_abs: number;
  grad_norm_rel: number;
  lr_rel?: number;
}

/** `train/<name>`: AdamW trajectories with accumulation, clipping and a schedule, from both ways to divide the loss. */
export async function checkTraining(context: GoldenContext, name: string): Promise<Checks> {
  const checks = new Checks(`train/${name}`);
  const folder = join(context.folder, 'train', name);
  const golden = readJson(folder, 'golden.json');
  const batches = new Tensors(context.folder, 'train', 'batches.safetensors');
  for (const [label, run] of Object.entries<{
    steps: RecordedStep[];
    final_weights: string;
    tolerance: Tolerance & { final_weights_abs: number };
  }>(golden.runs)) {
    if (label !== 'token' && label !== 'mean') {
      checks.failed(label, 'runs divide the loss by token or by mean');
      continue;
    }
    const { model, session } = await openModel(context, join(context.folder, 'models', golden.model));
    const trainable = model.parameters().filter(({ buffer }) => !buffer);
    await followSteps(context, checks, {
      model,
      session,
      trainable,
      adapter: null,
      hyper: golden.hyper,
      recorded: run.steps,
      batches,
      perMean: label === 'mean',
      label,
      tolerance: run.tolerance,
    });
    const final = new Tensors(context.folder, run.final_weights);
    const error = worstDifference(session, trainable, final, '', golden.skip_slices ?? {});
    checks.add(`${label}.final_weights`, error, run.tolerance.final_weights_abs);
    session.close();
  }
  return checks;
}

export interface Trajectory {
  readonly model: Model;
  readonly session: Session;
  readonly trainable: readonly ParameterSpec[];
  readonly adapter: Adapter | null;
  readonly hyper: Hyper;
  readonly recorded: readonly RecordedStep[];
  /** `input_ids`, `attention_mask`, `labels`: [micro-batch, row, token] */
  readonly batches: Tensors;
  /** Each micro-batch's own mean, instead of one division by the step's targets. */
  readonly perMean: boolean;
  readonly label: string;
  readonly tolerance: Tolerance;
}

/** Takes the recorded steps and compares rate, losses and gradient norm of each. */
export async function followSteps(context: GoldenContext, checks: Checks, run: Trajectory): Promise<void> {
  const { model, session, trainable, adapter, hyper, recorded, batches, perMean, label, tolerance } = run;
  const accumulation = hyper.gradient_accumulation;
  const [, rows, length] = batches.shape('input_ids') as [number, number, number];
  // recorded micro-batches add their whole auxiliary loss in run `token`, their share in run `mean`
  const coefficient = Number(model.config.router_aux_loss_coef ?? 0) * (perMean ? 1 : accumulation);
  const optimizer = adamW({
    beta1: hyper.betas[0],
    beta2: hyper.betas[1],
    eps: hyper.eps,
    weight_decay: hyper.weight_decay,
  });
  const programs = buildStep({
    model,
    objective: languageModel({ auxLossWeight: coefficient }),
    adapter,
    trainable,
    batch: rows,
    length,
    accumulation,
    optimizer,
    maxGradNorm: hyper.max_grad_norm,
    threads: context.threads,
    dtype: 'fp32',
  });
  for (const spec of trainable) {
    for (const state of [...optimizer.states(spec), gradientName(spec.name)])
      session.setState(state, 'f32', spec.shape, null);
  }
  const micro = programs.micro && session.load(programs.micro);
  const update = session.load(programs.update);

  const worst = { lr: 0, loss: 0, micro_losses: 0, grad_norm: 0 };
  for (const [step, expected] of recorded.entries()) {
    const schedule = {
      name: hyper.scheduler.split(' ')[0] as ScheduleName,
      learningRate: hyper.lr,
      warmupSteps: hyper.warmup_steps,
      totalSteps: hyper.steps,
    };
    const rate = learningRateAt(step, schedule);
    worst.lr = Math.max(worst.lr, expected.lr === 0 ? Math.abs(rate) : Math.abs(rate / expected.lr - 1));
    const parts = Array.from({ length: accumulation }, (_, i) =>
      microBatch(batches, step * accumulation + i, rows, length),
    );
    const scalars = Float32Array.of(rate, step + 1);
    const losses: number[] = [];
    let norm = Number.NaN;
    for (const part of parts) {
      const divisor = perMean ? countTargets(part.labels) * accumulation : expected.target_tokens;
      const inputs = { ...part, loss_scale: Float32Array.of(1 / divisor), optimizer: scalars };
      const got = await (micro ?? update).runWith(inputs);
      losses.push(got.loss![0]!);
      norm = got.grad_norm?.[0] ?? norm;
    }
    if (micro) norm = (await update.runWith({ optimizer: scalars })).grad_norm![0]!;
    const total = losses.reduce((sum, loss) => sum + loss, 0);
    worst.loss = Math.max(worst.loss, Math.abs(total - expected.loss));
    worst.micro_losses = Math.max(worst.micro_losses, maxError(losses, expected.micro_losses));
    worst.grad_norm = Math.max(worst.grad_norm, Math.abs(norm / expected.grad_norm - 1));
  }
  if (tolerance.lr_rel !== undefined) checks.add(`${label}.lr`, worst.lr, tolerance.lr_rel);
  checks.add(`${label}.loss`, worst.loss, tolerance.loss_abs);
  checks.add(`${label}.micro_losses`, worst.micro_losses, tolerance.loss_abs);
  checks.add(`${label}.grad_norm`, worst.grad_norm, tolerance.grad_norm_rel);
}

function microBatch(batches: Tensors, index: number, rows: number, length: number) {
  const part = (name: string) => batches.ints(name).slice(index * rows * length, (index + 1) * rows * length);
  return {
    input_ids: part('input_ids'),
    segment_ids: part('attention_mask'),
    positions: countedPositions(rows, length),
    labels: shiftLabels(part('labels'), length),
  };
}

/** Largest |a-b| over the tensors of a file; `skip` leaves out [start, end) of a tensor. */
export function worstDifference(
  session: Session,
  parameters: readonly ParameterSpec[],
  expected: Tensors,
  prefix: string,
  skip: Readonly<Record<string, readonly [number, number]>> = {},
): number {
  let worst = 0;
  let found = 0;
  for (const parameter of parameters) {
    const value = session.getState(prefix + parameter.name).data as Float32Array;
    for (const { name, data } of splitParameter(parameter, value)) {
      const [from, to] = skip[name] ?? [0, 0];
      const error = maxError(data, expected.floats(prefix + name), (i) => i < from || i >= to);
      if (!(error <= worst)) worst = error;
      found++;
    }
  }
  const wanted = parameters.flatMap((parameter) => fileTensors(parameter)).length;
  return found === wanted ? worst : Number.NaN;
}
