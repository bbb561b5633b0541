import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openTrainingState, saveTrainingState, writeTextAtomic } from '../checkpoint/index.js';
import type { Engine, Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import type { TelemetryEvent } from '../telemetry/event.js';
import { compileRun, programsOf, type TrainingRun } from './compile-run.js';
import { type LoopResult, runLoop } from './loop.js';
import { checkMemory, memoryBudget } from './memory.js';
import { optimizerOf } from './optim/optimizer-config.js';
import { planRecord } from './plan-record.js';
import { describeTokens, numbersIn, planTokens, totalSteps } from './run-length.js';
import { scheduleOf } from './schedule-config.js';
import { gradientName, type StepPrograms } from './step.js';
import { whatWouldFit } from './what-would-fit.js';

/** What training asks of the stage that it runs in. */
export interface TrainingHost {
  runDirectory: string;
  signal: AbortSignal;
  emit(event: TelemetryEvent): void;
  log(level: 'info' | 'warning', text: string): void;
  addFact(key: string, value: unknown): void;
}

export interface TrainingContext {
  stage: TrainingHost;
  engine: Engine;
  session: Session;
  /** A `step_<n>` folder to go on from. */
  resumeFrom: string | null;
  evaluate: (() => Promise<Record<string, number>>) | null;
  evaluateEvery: number;
}

/** Trains: memory check, moments, an earlier state if there is one, then the loop. Weights must be in the session. */
export async function train(run: TrainingRun, context: TrainingContext): Promise<LoopResult> {
  const { stage, session, engine } = context;
  const { training } = run;
  const budget = memoryBudget(training.memory_budget, session);
  const programs = compileRun(run, budget);
  const steps = totalSteps(training, run.data);
  const record = planRecord(programsOf(programs), session);
  checkMemory(record, budget, () => whatWouldFit(run, budget));
  writeTextAtomic(join(stage.runDirectory, 'plan.json'), `${JSON.stringify(record, null, 1)}\n`);
  const held = createTrainingStates(run, session, programs);
  const startStep = context.resumeFrom === null ? 0 : restore(context.resumeFrom, held, session);
  if (training.dtype === 'bf16' && !engine.hasBf16Products) stage.log('warning', widenedProducts);
  const peakFlops = await engine.measurePeak({
    dtype: training.dtype === 'bf16' ? 'bf16' : 'f32',
    threads: run.threads,
    seconds: 0.3,
  });
  stage.addFact('peak_flops', peakFlops);
  stage.addFact('matmul', engine.info.matmul);
  stage.addFact('trained_parameters', numbersIn(run.trainable));
  const tokens = planTokens(run, steps);
  stage.addFact('planned_tokens', tokens.tokens);
  if (tokens.perWeight !== null) stage.addFact('tokens_per_parameter', tokens.perWeight);
  stage.log('info', `${steps} steps, ${describeTokens(tokens)}`);
  const checkpoints = join(stage.runDirectory, 'checkpoints');
  let previous: string | null = null;
  return runLoop({
    session,
    programs,
    data: run.data,
    schedule: scheduleOf(training.schedule, training.learning_rate, steps),
    seed: run.seed,
    batchSize: training.batch_size,
    perDeviceBatchSize: training.per_device_batch_size,
    startStep,
    totalSteps: steps,
    logEvery: training.log_every,
    saveEvery: training.save_every,
    evaluateEvery: context.evaluateEvery,
    peakFlops,
    emit: stage.emit,
    signal: stage.signal,
    evaluate: context.evaluate,
    async save(step) {
      const shapes = new Map(session.states().map(({ name, shape }) => [name, shape]));
      const tensors = held.map((name) => ({
        name,
        dtype: 'F32' as const,
        shape: shapes.get(name)!,
        data: () => session.getState(name).data,
      }));
      const folder = saveTrainingState(checkpoints, {
        step,
        progress: { seed: run.seed, total_steps: steps },
        tensors,
      });
      stage.log('info', `checkpoint of step ${step}: ${folder}`);
      if (previous !== null) rmSync(previous, { recursive: true });
      previous = folder;
      return folder;
    },
  });
}

/** Said once where bf16 saves memory only. */
export const widenedProducts =
  'this processor has no bf16 products: operands are widened to fp32, so bf16 saves memory but no time';

/** Makes the optimizer's states and gradient sums, at zero. Returns the names of all states that training changes between steps. */
function createTrainingStates(run: TrainingRun, session: Session, programs: StepPrograms): string[] {
  const updated = new Set(programs.update.states.map(({ name }) => name));
  const optimizer = optimizerOf(run.training.optimizer, run.trainable);
  const held: string[] = [];
  for (const spec of run.trainable) {
    const { name, shape } = spec;
    const kept = optimizer.states(spec);
    if (!kept.every((state) => updated.has(state))) continue; // the loss does not reach it
    for (const state of kept) session.setState(state, 'f32', shape, null);
    if (programs.micro !== null) session.setState(gradientName(name), 'f32', shape, null);
    held.push(name, ...kept);
  }
  return held;
}

/** Puts a saved state into the session and gives its step. Throws `checkpoint.other_model` where it does not fit. */
function restore(folder: string, held: readonly string[], session: Session): number {
  const state = openTrainingState(folder);
  try {
    for (const name of held) {
      const { shape } = session.getState(name);
      const stored = state.tensors.names.includes(name) ? state.tensors.entry(name).shape : null;
      if (String(stored) !== String(shape)) {
        throw new SluiceError('checkpoint.other_model', `${folder} has no ${name} of shape [${shape}]`, {
          where: folder,
          hint: 'a checkpoint goes on with the model, adapter and peft_mode that it was written with',
        });
      }
      session.setState(name, 'f32', shape, state.tensors.readF32(name));
    }
    return state.step;
  } finally {
    state.tensors.close();
  }
}
