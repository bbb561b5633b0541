import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { f32ToBf16, type OpenTrainingState, openTrainingState, readStateText } from '../checkpoint/index.js';
import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { loadWeights } from '../models/index.js';
import type { RankedStep } from './checkpoints.js';
import type { TrainingRun } from './compile-run.js';
import type { LoopProgress } from './loop.js';
import { learningRateAt, type ScheduleOptions } from './schedule.js';
import type { Start } from './start.js';

/** progress.json of a checkpoint. */
export interface SavedProgress {
  seed: number;
  total_steps: number;
  loop: LoopProgress;
  best: readonly RankedStep[];
  schedule: ScheduleOptions;
  data: DataMark;
}

/** Tells one dataset from another: the batch that comes next is a function of all of it and of its order. */
export interface DataMark {
  rows: number;
  length: number;
  next_batch_sha256: string;
}

/** Where a run begins: its first step, and what an earlier run had come to. */
export interface Beginning {
  step: number;
  saved: SavedProgress | null;
  /** Lines of MetricsLog. */
  metrics: string;
  /** Folder of the checkpoints that it goes on from. */
  checkpoints: string | null;
}

const fromScratch: Beginning = { step: 0, saved: null, metrics: '', checkpoints: null };

/**
 * Puts what a run begins with into the session: all of a checkpoint (`resume`, `extend`), or weights alone
 * (`init_from`). `held` names the states that training changes. Throws `checkpoint.*`, `config.extend`.
 */
export function begin(
  start: Start | null,
  { run, held, session, steps, schedule, log }: BeginOptions,
): Beginning {
  if (start === null) return fromScratch;
  if (start.kind === 'model') {
    loadWeights(run.model, start.folder, session);
    log('info', `begins with the weights of ${start.folder}`);
    return fromScratch;
  }
  const state = openTrainingState(start.folder);
  try {
    const weights = new Set(run.trainable.map(({ name }) => name));
    restore(state, start.verb === 'init_from' ? held.filter((name) => weights.has(name)) : held, session);
    if (start.verb === 'init_from') {
      log('info', `begins with the weights of ${start.folder}, at step 0 with a fresh optimizer`);
      return fromScratch;
    }
    const saved = state.progress as unknown as SavedProgress;
    checkData(start, state, saved, run, log);
    if (start.verb === 'extend') log('info', extension(state, saved, steps, schedule));
    else log('info', `goes on after step ${state.step} of ${start.folder}`);
    const metrics = readStateText(state.path, 'metrics.jsonl');
    // a run that a watch had ended goes on when it is extended
    const loop = start.verb === 'extend' ? { ...saved.loop, stopped: null } : saved.loop;
    return { step: state.step, saved: { ...saved, loop }, metrics, checkpoints: dirname(state.path) };
  } finally {
    state.tensors.close();
  }
}

export interface BeginOptions {
  run: TrainingRun;
  held: readonly string[];
  session: Session;
  /** Of the run that begins. */
  steps: number;
  schedule: ScheduleOptions;
  log(level: 'info' | 'warning', text: string): void;
}

export function markOf({ data, seed, training }: TrainingRun, step: number): DataMark {
  const { inputIds, labels, segmentIds } = data.batch(seed, step, training.batch_size);
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of [inputIds, labels, segmentIds])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return { rows: data.rows, length: data.length, next_batch_sha256: hash.digest('hex') };
}

/** Puts saved states into the session. Throws `checkpoint.other_model` where one does not fit. */
export function restore(state: OpenTrainingState, names: readonly string[], session: Session): void {
  for (const name of names) {
    const { dtype, shape } = session.getState(name);
    checkShapes(state, [{ name, shape }]);
    const values = state.tensors.readF32(name);
    session.setState(name, dtype, shape, dtype === 'bf16' ? f32ToBf16(values) : values);
  }
}

/** Throws `checkpoint.other_model` where a checkpoint lacks one of these states, or has it in another shape. */
export function checkShapes(
  state: OpenTrainingState,
  wanted: readonly { name: string; shape: readonly number[] }[],
): void {
  for (const { name, shape } of wanted) {
    const stored = state.tensors.names.includes(name) ? state.tensors.entry(name).shape : null;
    if (String(stored) === String(shape)) continue;
    throw new SluiceError('checkpoint.other_model', `${state.path} has no ${name} of shape [${shape}]`, {
      where: state.path,
      hint: 'a checkpoint goes on with the model, adapter, optimizer and peft_mode that it was written with',
    });
  }
}

function checkData(
  { verb, folder }: Start,
  { step }: OpenTrainingState,
  { data }: SavedProgress,
  run: TrainingRun,
  log: BeginOptions['log'],
): void {
  const now = markOf(run, step);
  if (now.next_batch_sha256 === data.next_batch_sha256 && now.rows === data.rows) return;
  const other =
    now.rows === data.rows
      ? `the batch of step ${step} is another one`
      : `there are ${now.rows} packed rows where there were ${data.rows}`;
  if (verb === 'extend') {
    log('warning', `the data is not what it was: ${other}`);
    return;
  }
  throw new SluiceError('checkpoint.other_data', `the data is not what the run had: ${other}`, {
    where: folder,
    hint: 'put the data back as it was; or extend=… (more steps), init_from=… (the weights only)',
  });
}

/** What `extend` does to the learning rate, as a line of the log. */
function extension(
  { step, path }: OpenTrainingState,
  saved: SavedProgress,
  steps: number,
  schedule: ScheduleOptions,
): string {
  if (steps <= step) {
    throw new SluiceError(
      'config.extend',
      `extend: ${steps} steps in all are not more than the ${step} taken`,
      {
        where: path,
        hint: `training.max_steps=${2 * step}, say, takes as many again`,
      },
    );
  }
  const [before, now] = [learningRateAt(step, saved.schedule), learningRateAt(step, schedule)];
  const rate =
    before === now
      ? `the learning rate goes on exactly, at ${now}`
      : `the learning rate of step ${step} would have been ${before} and is ${now}`;
  return `extends ${path}, of ${saved.total_steps} steps, to ${steps}: schedule ${schedule.name} over all ${steps} steps; ${rate}`;
}
