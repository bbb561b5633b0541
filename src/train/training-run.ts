import { join } from 'node:path';
import { openTrainingState, saveTrainingState, writeTextAtomic } from '../checkpoint/index.js';
import type { Engine, Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import type { TelemetryEvent } from '../telemetry/event.js';
import { nameNonFinite } from '../telemetry/non-finite.js';
import { type Beginning, begin, markOf, restore, type SavedProgress } from './begin.js';
import { Checkpoints } from './checkpoints.js';
import {
  compileRun,
  programNames,
  programsOf,
  type RunPrograms,
  rowsPerPass,
  type TrainingRun,
} from './compile-run.js';
import { type LoopResult, runLoop } from './loop.js';
import { checkMemory, collectGarbage, memoryBudget } from './memory.js';
import { MetricsLog } from './metrics-log.js';
import { optimizerOf } from './optim/optimizer-config.js';
import { planRecord } from './plan-record.js';
import { describeTokens, numbersIn, planTokens, totalSteps } from './run-length.js';
import type { ScheduleOptions } from './schedule.js';
import { scheduleOf } from './schedule-config.js';
import type { Start } from './start.js';
import { gradientName } from './step.js';
import { watchesOf } from './watches/watches-of.js';
import { whatWouldFit } from './what-would-fit.js';

/** What training asks of the stage that it runs in. */
export interface TrainingHost {
  runDirectory: string;
  signal: AbortSignal;
  /** True once after somebody asked for a checkpoint of the next step. */
  takeCheckpointRequest(): boolean;
  /** False once nobody waits for the run any more. */
  isWatched(): boolean;
  /** The stage's config, to be stored with checkpoints. */
  plainConfig: unknown;
  emit(event: TelemetryEvent): void;
  log(level: 'info' | 'warning', text: string): void;
  addFact(key: string, value: unknown): void;
}

export interface TrainingContext {
  stage: TrainingHost;
  engine: Engine;
  session: Session;
  /** What to begin with; null: step 0 of the weights that the session holds. */
  start: Start | null;
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
  const record = planRecord(programsOf(programs), session, programNames(programs));
  checkMemory(record, budget, () => whatWouldFit(run, budget));
  await collectGarbage();
  writeTextAtomic(join(stage.runDirectory, 'plan.json'), `${JSON.stringify(record, null, 1)}\n`);
  const held = createTrainingStates(run, session, programs);
  const schedule = scheduleOf(training.schedule, training.learning_rate, steps);
  const { log } = stage;
  const beginning = begin(context.start, { run, held, session, steps, schedule, log });
  const metrics = new MetricsLog(stage.emit);
  metrics.replay(beginning.metrics);
  const checkpoints = checkpointsOf(run, context, { held, steps, schedule, beginning, metrics });
  if (training.dtype === 'bf16' && !engine.hasBf16Products) stage.log('warning', widenedProducts);
  const peakFlops = await engine.measurePeak({
    dtype: training.dtype === 'bf16' ? 'bf16' : 'f32',
    threads: run.threads,
    seconds: 0.3,
    device: session.device,
  });
  stage.addFact('peak_flops', peakFlops);
  stage.addFact('matmul', engine.info.matmul);
  stage.addFact('trained_parameters', numbersIn(run.trainable));
  const tokens = planTokens(run, steps);
  stage.addFact('planned_tokens', tokens.tokens);
  if (tokens.perWeight !== null) stage.addFact('tokens_per_parameter', tokens.perWeight);
  stage.log('info', `${steps} steps, ${describeTokens(tokens)}`);
  const watches = watchesOf(run, context.evaluate !== null && context.evaluateEvery > 0, stage);
  const result = await runLoop({
    session,
    programs,
    data: run.data,
    schedule,
    seed: run.seed,
    batchSize: training.batch_size,
    perDeviceBatchSize: rowsPerPass(run),
    begin: { step: beginning.step, progress: beginning.saved?.loop ?? null },
    totalSteps: steps,
    logEvery: training.log_every,
    evaluateEvery: context.evaluateEvery,
    peakFlops,
    emit: metrics.emit,
    signal: stage.signal,
    evaluate: context.evaluate,
    checkpoints,
    watches,
  });
  if (result.stopped !== null) stage.log('info', `stopped after step ${result.steps}: ${result.stopped}`);
  if (training.keep_best > 0 && training.load_best_at_end) loadBest(checkpoints, held, run, context);
  return result;
}

interface CheckpointParts {
  held: readonly string[];
  steps: number;
  schedule: ScheduleOptions;
  beginning: Beginning;
  metrics: MetricsLog;
}

function checkpointsOf(
  run: TrainingRun,
  { stage, session, evaluate }: TrainingContext,
  { held, steps, schedule, beginning, metrics }: CheckpointParts,
): Checkpoints {
  const { keep_best, metric_for_best } = run.training;
  if (keep_best > 0 && metric_for_best.startsWith('validation/') && evaluate === null) {
    throw new SluiceError(
      'config.metric',
      `training.metric_for_best=${metric_for_best} is never known: no rows are held out`,
      { hint: 'set dataset.validation, or choose a figure of training: train/lm_loss' },
    );
  }
  const folder = join(stage.runDirectory, 'checkpoints');
  const checkpoints = new Checkpoints({
    folder,
    keys: run.training,
    best: beginning.saved?.best ?? [],
    requested: () => stage.takeCheckpointRequest(),
    mayDelete: () => stage.isWatched(),
    log: (level, text) => stage.log(level, text),
    write(step, loop, best) {
      const known = new Map(session.states().map((state) => [state.name, state]));
      const tensors = held.map((name) => {
        const { dtype, shape } = known.get(name)!;
        const stored = dtype === 'bf16' ? ('BF16' as const) : ('F32' as const);
        return { name, dtype: stored, shape, data: () => session.getState(name).data };
      });
      const progress: SavedProgress = {
        seed: run.seed,
        total_steps: steps,
        loop,
        best,
        schedule,
        data: markOf(run, step),
      };
      return saveTrainingState(folder, {
        step,
        progress: { ...progress },
        texts: {
          'config.json': `${JSON.stringify(stage.plainConfig, nameNonFinite, 1)}\n`,
          'metrics.jsonl': metrics.text(),
        },
        tensors,
      });
    },
  });
  if (beginning.checkpoints !== null) checkpoints.adopt(beginning.checkpoints, beginning.step);
  return checkpoints;
}

/** Puts the best checkpoint's weights into the session; a damaged one is passed over with a warning. */
function loadBest(
  checkpoints: Checkpoints,
  held: readonly string[],
  { trainable }: TrainingRun,
  { stage, session }: TrainingContext,
): void {
  const weights = new Set(trainable.map(({ name }) => name));
  for (const folder of checkpoints.best) {
    try {
      const state = openTrainingState(folder);
      restore(
        state,
        held.filter((name) => weights.has(name)),
        session,
      );
      state.tensors.close();
      stage.log('info', `the final weights are those of the best checkpoint, ${folder}`);
      stage.addFact('best_checkpoint', { step: state.step, folder });
      return;
    } catch (error) {
      stage.log('warning', `skipped a damaged checkpoint: ${(error as Error).message}`);
    }
  }
  throw new SluiceError(
    'checkpoint.missing',
    'training.load_best_at_end: no best checkpoint is whole, or the figure was never a number',
    {
      where: join(stage.runDirectory, 'checkpoints'),
      hint: 'look at training.metric_for_best in metrics.jsonl',
    },
  );
}

/** Said once where bf16 saves memory only. */
export const widenedProducts =
  'this processor has no bf16 products: operands are widened to fp32, so bf16 saves memory but no time';

/** Makes the optimizer's states and gradient sums, at zero. Returns the names of all states that training changes between steps. */
function createTrainingStates(run: TrainingRun, session: Session, programs: RunPrograms): string[] {
  const updated = new Set(programsOf(programs).flatMap(({ states }) => states.map(({ name }) => name)));
  const optimizer = optimizerOf(run.training.optimizer, run.trainable);
  const accumulates = run.training.batch_size > rowsPerPass(run);
  const held: string[] = [];
  for (const spec of run.trainable) {
    const { name, shape } = spec;
    const kept = optimizer.states(spec);
    if (!kept.every((state) => updated.has(state))) continue; // the loss does not reach it
    for (const state of kept) session.setState(state, optimizer.stateDtype, shape, null);
    if (accumulates) session.setState(gradientName(name), 'f32', shape, null);
    held.push(name, ...kept);
  }
  return held;
}
